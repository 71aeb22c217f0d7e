"""The results as a table with the differences below it, and as JSON."""

from __future__ import annotations

import dataclasses
import json

from tests.suites.judging import Result

_COLUMNS = (
    "suite",
    "extent",
    "tests",
    "ok",
    "same",
    "differ",
    "flaky",
    "once",
    "s plain",
    "s hooked",
    "MiB",
    "afterwards",
)
_MOST, _WIDEST = 12, 160


def as_json(results: list[Result]) -> str:
    """Return everything, for programs."""
    return json.dumps([dataclasses.asdict(result) for result in results], indent=1)


def as_text(results: list[Result]) -> str:
    """Return a line a suite, then the differences."""
    rows = [_COLUMNS, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for result in results:
        lines += _details(result)
    return "\n".join(lines) + "\n"


def _row(result: Result) -> tuple[str, ...]:
    counts = [result.count(verdict) for verdict in ("differs", "flaky", "once")]
    numbers = [result.tests, result.ok, result.tests - len(result.differences), *counts]
    seconds = [f"{side:.0f}" for side in result.seconds]
    memory = f"{result.memory[0]} → {result.memory[1]}"
    after = ", ".join(f"{kind} {len(lines)}" for kind, lines in result.afterwards.items()) or "same"
    return (result.suite, result.extent, *map(str, numbers), *seconds, memory, after)


def _details(result: Result) -> list[str]:
    lines = [
        f"{result.suite}: {test.verdict}: {test.test}: plain {test.plain}, hooked {test.hooked} {test.reason}".rstrip()
        for test in result.differences
    ]
    for kind, differences in result.afterwards.items():
        lines += [f"{result.suite}: {kind}: {line[:_WIDEST]}" for line in differences[:_MOST]]
        if len(differences) > _MOST:
            lines.append(f"{result.suite}: {kind}: and {len(differences) - _MOST} more")
    return lines
