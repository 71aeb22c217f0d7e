"""A matrix: each release compared with the next one, in a folder of its own, and a table of the verdicts."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.ci import commands, comparison
from examples.ci.recordings import Plan
from examples.embedded import EmbeddedError
from examples.embedded.release import Release

_VERDICTS = {0: "same", 1: "differs", commands.CANNOT_TELL: "undecided"}


@dataclass(frozen=True)
class Cell:
    """A comparison of the matrix: its releases, its exit code, and its counts of changes or the reason of no report."""

    old: str
    new: str
    code: int
    counts: dict[str, int]
    reason: str = ""

    @property
    def folder(self) -> str:
        """Return the name of its folder."""
        return f"{self.old}-to-{self.new}"


def compare_neighbours(releases: Sequence[Release], plan: Plan, output: Path, options: Sequence[str] = ()) -> int:
    """Compare each release with the next one; a failed comparison does not prevent the others.

    Writes ``matrix.md``; returns 1 if any differ, else 2 if any is undecided, else 0.
    """
    cells = [_cell(old, new, plan, output, options) for old, new in itertools.pairwise(releases)]
    output.mkdir(parents=True, exist_ok=True)
    (output / "matrix.md").write_text("\n".join(_table(cells)) + "\n")
    print(f"\nmatrix: {output / 'matrix.md'}", file=sys.stderr)
    codes = {cell.code for cell in cells}
    return 1 if 1 in codes else max(codes)


def _cell(old: Release, new: Release, plan: Plan, output: Path, options: Sequence[str]) -> Cell:
    folder = output / f"{old.name}-to-{new.name}"
    try:
        code = comparison.compare(*comparison.sides(old, new), plan, folder, options)
        counts = json.loads((folder / "report.json").read_text())["counts"]
    except (EmbeddedError, commands.CommandError, FileNotFoundError) as error:
        print(f"{old.name} to {new.name}: {error}", file=sys.stderr)
        return Cell(old.name, new.name, commands.CANNOT_TELL, {}, str(error))
    return Cell(old.name, new.name, code, counts)


def _table(cells: Sequence[Cell]) -> Iterator[str]:
    yield from ("| old | new | verdict | fail | warn | noted | |", "| --- | --- | --- | ---: | ---: | ---: | --- |")
    for cell in cells:
        numbers = " | ".join(str(cell.counts.get(severity, "")) for severity in ("fail", "warn", "note"))
        last = cell.reason.replace("|", "\\|") or f"[report]({cell.folder}/report.md)"
        yield f"| {cell.old} | {cell.new} | {_VERDICTS[cell.code]} | {numbers} | {last} |"
