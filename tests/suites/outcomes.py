"""The results of a suite's run: each test's outcome, the warnings, and the state of the process at its end."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WARNING = re.compile(r"^(?P<path>[/<][^\s:]*):(?P<line>\d+): (?P<category>\w*Warning): ", re.MULTILINE)
_FRAME = re.compile(r"\s*File \"[^\"]*\", line \d+, in \w+")
_OURS = re.compile(r"^bootseq: .*|^.*(?:_bootseq|/patches/\w+\.py).*", re.MULTILINE)


@dataclass
class Run:
    """A suite's run; ``exit`` is the process's exit code, or ``timeout``, ``output`` bootseq's lines in its output."""

    outcomes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    warnings: set[str] = field(default_factory=set)
    state: dict[str, Any] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)
    exit: str = ""
    seconds: float = 0.0


def read(report: Path, output: Path, folders: list[Path]) -> Run:
    """Return the run of a report and of the output beside it; ``folders`` are cut off file names."""
    run = Run()
    for line in report.read_text(errors="replace").splitlines() if report.exists() else ():
        _take(run, json.loads(line))
    text = output.read_text(errors="replace")
    for match in _WARNING.finditer(text):
        run.warnings.add(_warning(match, folders))
    # The host's tracebacks may contain frames of ours; our own failures are counted where they happen.
    run.output = [line for line in _OURS.findall(text) if not _FRAME.match(line) and ": ResourceWarning: " not in line]
    return run


def _take(run: Run, values: dict[str, Any]) -> None:
    if "test" in values:
        name = values["test"]
        # Tests that share a name have their outcomes joined.
        run.outcomes[name] = f"{run.outcomes[name]}, {values['outcome']}" if name in run.outcomes else values["outcome"]
        run.texts[name] = values["text"]
    elif "warning" in values:
        run.warnings.add(values["warning"])
    else:
        run.state = values["state"]


def _warning(match: re.Match[str], folders: list[Path]) -> str:
    """Return a warning with its path and line; a ResourceWarning's are only where garbage was collected."""
    if match["category"] == "ResourceWarning":
        return match["category"]
    return f"{match['category']} {_short(match['path'], folders)}:{match['line']}"


def _short(path: str, folders: list[Path]) -> str:
    for folder in folders:
        if path.startswith(f"{folder}/"):
            return path[len(str(folder)) + 1 :]
    return path
