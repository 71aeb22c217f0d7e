"""Runs of the field samples: their inputs ingested, and what ``list`` and ``show`` print compared with expect.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tracer.cli import main

FIELD = Path(__file__).parents[1] / "data" / "field"
_PROCESSES = re.compile(r"from [\d,]+ events? of ([\d,]+) process")

#: One object of an expect.json, or one row of ``list --json``.
Json = dict[str, Any]


def folders() -> list[Path]:
    """Return the folders of all samples."""
    return sorted(path.parent for path in FIELD.glob("*/expect.json"))


def runs(folder: Path) -> list[Json]:
    """Return the expectations of each run of a folder."""
    expectations = json.loads((folder / "expect.json").read_text())
    return list(expectations.get("runs", [expectations]))


def mismatches(folder: Path, expected: Json, scratch: Path) -> list[str]:
    """Return a line for each expectation that the outputs of one run do not meet; ``scratch`` is an empty folder."""
    trace = scratch / "field.trace.jsonl"
    done = CliRunner().invoke(main, ["ingest", "-o", str(trace), *(str(folder / path) for path in expected["ingest"])])
    if done.exit_code:
        return [f"ingest ended with {done.exit_code}: {done.output}"]
    return list(_mismatches(expected, _Outputs(trace, done.output)))


@dataclass
class _Outputs:
    """The outputs of the commands on one trace file, each command run when its output is first needed."""

    trace: Path
    ingest: str

    def run(self, command: str, *arguments: str) -> str:
        """Return the output of a command on the trace file."""
        return CliRunner().invoke(main, [command, str(self.trace), *arguments]).output

    def finds(self, word: str) -> bool:
        """Return whether ``show`` finds a request by this word."""
        return CliRunner().invoke(main, ["show", str(self.trace), word]).exit_code == 0

    @cached_property
    def boots(self) -> list[Json]:
        """The rows of ``list``."""
        return list(json.loads(self.run("list", "--json")))

    @cached_property
    def rows(self) -> list[Json]:
        """The rows of ``list --all``."""
        return list(json.loads(self.run("list", "--all", "--json")))

    @cached_property
    def full(self) -> dict[int, str]:
        """``show N --detail full`` by number."""
        return {row["number"]: self.run("show", str(row["number"]), "--detail", "full") for row in self.rows}

    @cached_property
    def calls(self) -> dict[int, str]:
        """``show N`` at its default detail, by number."""
        return {row["number"]: self.run("show", str(row["number"])) for row in self.rows}

    @cached_property
    def steps(self) -> list[Json]:
        """The steps of all requests."""
        return [step for row in self.rows for step in json.loads(self.run("show", str(row["number"]), "--json"))]

    @cached_property
    def findings(self) -> str:
        """The findings of the whole trace."""
        return self.run("show", "--findings")

    @cached_property
    def services(self) -> set[str]:
        """The participants of all steps, also of those that belong to no request."""
        untied = json.loads(self.run("list", "--untied", "--json"))
        return {step["service"] for step in (*self.steps, *untied)}

    @cached_property
    def printed(self) -> str:
        """Everything that ``list`` and ``show`` print."""
        listed = [self.run("list", "--all"), json.dumps(self.rows, indent=1)]
        return "\n".join([*listed, *self.full.values(), *self.calls.values()])


def _mismatches(expected: Json, outputs: _Outputs) -> Iterator[str]:
    yield from _counts(expected, outputs)
    if "boots" in expected:
        yield from _requests(expected["boots"], outputs.boots, outputs)
        if len(outputs.boots) != len(expected["boots"]) and "boots_count" not in expected:
            yield f"boots: {len(expected['boots'])} expected: {outputs.boots}"
    yield from _requests(expected.get("requests", []), outputs.rows, outputs)
    yield from _unmatched("must_show", expected.get("must_show"), outputs.full.values())
    yield from _unmatched("must_show_calls", expected.get("must_show_calls"), outputs.calls.values())
    yield from _unmatched("must_hold", expected.get("must_hold"), ("\n".join(_strings(step)) for step in outputs.steps))
    yield from _unmatched("findings", expected.get("findings"), [outputs.findings])
    warned = outputs.findings + outputs.ingest
    yield from _unmatched("warns", expected.get("warns"), [warned])
    yield from _matched("warns_not", expected.get("warns_not"), warned)
    yield from _matched("must_not", expected.get("must_not"), outputs.printed)
    yield from _participants(expected, outputs)
    for word in expected.get("show", []):
        if not outputs.finds(word):
            yield f"show does not find {word}"


def _counts(expected: Json, outputs: _Outputs) -> Iterator[str]:
    rows, boots = len(outputs.rows), len(outputs.boots)
    if expected.get("rows", rows) != rows:
        yield f"rows: {expected['rows']} expected: {outputs.run('list', '--all')}"
    low, high = expected.get("boots_count", [boots, boots])
    if not low <= boots <= high:
        yield f"boots_count: {low} to {high} expected: {boots}"
    if rows - boots < expected.get("other_requests_min", 0):
        yield f"other_requests_min: {expected['other_requests_min']} expected: {rows - boots}"
    processes = _PROCESSES.search(outputs.ingest)
    count = int(processes[1].replace(",", "")) if processes else 0
    if expected.get("processes", count) != count:
        yield f"processes: {expected['processes']} expected: {count}"


def _requests(expected: list[Json], rows: list[Json], outputs: _Outputs) -> Iterator[str]:
    for request in expected:
        row = next((row for row in rows if _is_row_of(request, row)), None)
        if row is None:
            yield f"no row of {request}: {rows}"
        else:
            yield from _row_mismatches(request, row, outputs)


def _is_row_of(request: Json, row: Json) -> bool:
    names = [name for name in ("uuid", "request_id", "server") if request.get(name)]
    return any(row[name] in _several(request[name]) for name in names)


def _row_mismatches(request: Json, row: Json, outputs: _Outputs) -> Iterator[str]:
    for name in ("uuid", "request_id", "server", "host"):
        if request.get(name) and row[name] not in _several(request[name]):
            yield f"{name}: {request[name]} expected: {row[name]!r}"
    outcome = row["outcome"]
    if not outcome.startswith(tuple(_several(request.get("outcome_startswith", "")))):
        yield f"outcome_startswith: {request['outcome_startswith']} expected: {outcome!r}"
    if not all(re.search(pattern, outcome) for pattern in _several(request.get("outcome_matches", []))):
        yield f"outcome_matches: {request['outcome_matches']} expected: {outcome!r}"
    if outcome.startswith(tuple(_several(request.get("outcome_not", [])))):
        yield f"outcome_not: {outcome!r}"
    low, high = request.get("duration_ms", [0, float("inf")])
    if not low <= row["duration_ms"] <= high:
        yield f"duration_ms: {low} to {high} expected: {row['duration_ms']}"
    text = outputs.full[row["number"]]
    yield from _unmatched("must_show", request.get("must_show"), [text])
    yield from _matched("must_not", request.get("must_not"), text)


def _participants(expected: Json, outputs: _Outputs) -> Iterator[str]:
    if missing := set(expected.get("services", [])) - outputs.services:
        yield f"services: {missing} missing of {outputs.services}"
    if wrong := outputs.services.intersection(expected.get("services_not", [])):
        yield f"services_not: {wrong}"
    if missing := set(expected.get("pids", [])) - {step["pid"] for step in outputs.steps}:
        yield f"pids: {missing} missing"


def _unmatched(key: str, patterns: Any, texts: Iterable[str]) -> Iterator[str]:
    """Yield a line for each pattern that is in none of the texts; of a list, all must be in one text."""
    texts = list(texts) if patterns else []
    for pattern in patterns or ():
        if not any(all(re.search(part, text, re.MULTILINE) for part in _several(pattern)) for text in texts):
            yield f"{key}: {pattern} is not in:\n" + "\n".join(texts)


def _matched(key: str, patterns: Any, text: str) -> Iterator[str]:
    for pattern in patterns or ():
        if match := re.search(pattern, text, re.MULTILINE):
            yield f"{key}: {pattern} matches {match[0]!r}"


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _strings(value: object) -> Iterator[str]:
    """Yield all texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
