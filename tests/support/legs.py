"""The legs of real boots, as their logs show them, beside what the hooks recorded of the same boots.

``tests/data/legs`` holds the logs of each boot (``snap2``: a volume from a snapshot and a blank one, ports by Open
vSwitch; ``hyb``: the same with iptables; ``ovn``), and a table of the hooks' steps: what each is, what it is below,
and whether it is of the boot (``boot``), of its port's work that has no request id (``work``), or of neither.
"""

from __future__ import annotations

import csv
import io
import lzma
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from tracer import trace_file
from tracer.cli import main
from tracer.model import Request, Step, Trace

DATA = Path(__file__).parents[1] / "data" / "legs"
BOOTS = ("snap2", "hyb", "ovn")
#: A line and the hooks' record of it are this close, in milliseconds.
_SAME_TIME = 3
_TEXT = 60


@dataclass(frozen=True)
class Row:
    """A step of the hooks' trace: its key, the row above it (0: none), its start in milliseconds."""

    number: int
    key: str
    above: int
    scope: str
    time: int


class Truth:
    """The hooks' steps of a recording."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = {row.number: row for row in rows}
        self._by_key: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self._by_key[row.key].append(row)

    def row(self, step: Step) -> Row | None:
        """Return the hooks' step of a step that a log shows; None where none or several may be it."""
        for key in keys(step):
            rows = self._by_key.get(key, [])
            if len(rows) > 1 and step.kind == "log":
                rows = [row for row in rows if abs(row.time - step.start // 1_000_000) <= _SAME_TIME]
            if len(rows) == 1:
                return rows[0]
        return None

    def chain(self, row: Row) -> set[int]:
        """Return the numbers of a row and of those above it."""
        numbers = {row.number}
        while row.above:
            row = self._rows[row.above]
            numbers.add(row.number)
        return numbers


def keys(step: Step) -> list[str]:
    """Return the keys by which a step is recognised in another recording of it; empty where there are none."""
    if step.kind == "http" and step.is_server:
        return [f"served {step.request_id}"] if step.request_id else []
    if step.kind == "http":
        return [f"sent {callee}"] if (callee := step.text("callee_request_id")) else []
    if step.kind == "rpc":
        end = "received" if step.is_server else "sent"
        return [f"{end} {value}" for name in ("msg_id", "unique_id") if (value := step.text(name))]
    if step.kind == "log":
        return [f"line {step.pid} {step.text('logger')} {' '.join(step.text('message').split())[:_TEXT]}"]
    return []


def truth(name: str) -> Truth:
    """Return the hooks' steps of a recording."""
    text = lzma.decompress((DATA / f"{name}.hooks.tsv.xz").read_bytes()).decode()
    rows = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    return Truth([Row(int(number), key, int(above), scope, int(time)) for number, above, scope, time, key in rows])


def ingest(name: str, folder: Path) -> Trace:
    """Return what ``bootseq ingest`` makes of a recording's logs alone."""
    path = folder / f"{name}.jsonl"
    result = CliRunner().invoke(main, ["ingest", "-o", str(path), str(DATA / f"{name}.logs.tar.xz")])
    assert result.exit_code == 0, result.stderr
    return trace_file.read(path)


def faults(boot: Request, known: Truth) -> Iterator[str]:
    """Yield a line for each step of a boot's tree that is not the boot's, or below what it was not done for."""
    stack: list[tuple[Step, Row | None]] = [(chapter, None) for chapter in boot.chapters]
    while stack:
        step, above = stack.pop()
        row = known.row(step)
        if row is not None and row.scope == "other":
            yield f"{step.address} {step.name} is not of the boot"
        if row is not None and above is not None and above.number not in known.chain(row):
            yield f"{step.address} {step.name} is not below {above.key}"
        stack.extend((child, row or above) for child in step.children)
