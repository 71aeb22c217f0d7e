"""The notes of 2011 beside today's steps: the table, the page of the docs made from it, and the recordings behind it.

``python -m tests.support.then_and_now`` marks the rows of the table by the recordings, and writes the page.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields, replace
from fnmatch import fnmatchcase
from functools import cache

from tests.support.subprocess_python import ROOT
from tracer import trace_file
from tracer.model import Request, Step
from tracer.recording import call_points

RECORDINGS = ROOT / "tests/data/then-and-now"
TABLE = RECORDINGS / "table.tsv"
PAGE = ROOT / "docs/then-and-now.md"


#: Marks of recordings, and their files: the demo, Nova with its libvirt driver in one process, boots on a real cloud.
FILES = {"d": ("demo",), "l": ("libvirt",), "r": ("snap", "hyb", "ovn", "ovs")}
#: A step on the real cloud that no default call point names; none today.
FURTHER, GONE = "p", "–"

_HEAD = """# Then and now

The notes that led to bootseq, written by hand in 2011 from Nova's source (Diablo), beside what each line became in
Nova 34 and the services around it. The notes themselves are in
[tests/data/diablo-boot.outline](../tests/data/diablo-boot.outline); they cover every branch (volumes, snapshots,
VLANs), so no single boot contains all of them.

*Where* names the recordings whose tree shows the line below the step that it belongs to: **d** the demo's boot
(embedded Nova 34), **l** Nova with its libvirt driver in one process, **r** boots on a real cloud with volumes on Ceph
and networks by Open vSwitch or OVN, **p** the same, but only with further call points, **–** no longer
there.

| 2011 | line of the notes | today | where |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    """A row: the notes' address and line, what it became, marks of recordings, and today's step below another one.

    Steps are names, or several with " or " between them, of which one is enough.
    """

    seed: str
    line: str
    today: str
    where: str
    step: str = ""
    below: str = ""


def rows() -> list[Row]:
    """Return the table."""
    with TABLE.open(newline="") as file:
        _, *lines = csv.reader(file, dialect="excel-tab", quoting=csv.QUOTE_NONE)
    return [Row(*line) for line in lines]


def page(table: list[Row]) -> str:
    """Return the page of the docs."""
    lines = [f"| {row.seed} | `{row.line}` | {_escaped(row.today)} | {row.where} |\n" for row in table]
    return _HEAD + "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("*", "\\*").replace("<", "\\<")


def marked(row: Row) -> Row:
    """Return the row with the marks that the recordings give it."""
    if not row.step:
        return replace(row, where=GONE)
    wanted = {(step, below) for step in row.step.split(" or ") for below in row.below.split(" or ")}
    marks = "".join(mark for mark, files in FILES.items() if any(wanted & edges(name) for name in files))
    is_further = not all(is_default(name) for names in wanted for name in names)
    return replace(row, where=marks.replace("r", FURTHER) if is_further else marks)


@cache
def edges(recording: str) -> frozenset[tuple[str, str]]:
    """Return the names of each step and of a step above it, in a recorded boot."""
    (boot,) = trace_file.read(RECORDINGS / f"{recording}.trace.jsonl.gz").boots
    return frozenset((step.name, above.name) for step, above in _edges(boot))


def _edges(boot: Request) -> Iterator[tuple[Step, Step]]:
    steps = {step.address: step for step in boot.walk()}
    parents = {child.address: step for step in boot.walk() for child in step.children}
    for step in steps.values():
        above = step
        while (cause := parents.get(above.address) or steps.get(above.opened_by)) is not None:
            yield step, cause
            above = cause


def is_default(name: str) -> bool:
    """Return whether a step is recorded without further call points: a request, a message, or one that is named."""
    module, _, function = name.partition(":")
    # The driver's own methods are recorded without a point.
    if not function or (module == "nova.virt.libvirt.driver" and not function.startswith("LibvirtDriver._")):
        return True
    return any(fnmatchcase(module, glob) and fnmatchcase(function, name) for glob, name in _default_globs())


@cache
def _default_globs() -> list[tuple[str, str]]:
    parsed = [(module, call_points.parse_name(text)) for module, texts, _ in call_points.load([]) for text in texts]
    return [(module, glob) for module, name in parsed if name is not None for glob in name.globs]


def main() -> None:
    """Write the table with the marks of the recordings, and the page."""
    table = [marked(row) for row in rows()]
    text = io.StringIO()
    writer = csv.writer(text, dialect="excel-tab", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
    writer.writerow([field.name for field in fields(Row)])
    writer.writerows(astuple(row) for row in table)
    TABLE.write_text(text.getvalue())
    PAGE.write_text(page(table))


if __name__ == "__main__":
    main()
