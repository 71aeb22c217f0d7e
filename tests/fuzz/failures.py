"""Failing inputs, each saved in a folder with its commands and output, and shortened by cutting lines."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.fuzz.kinds import Case, case
from tests.fuzz.worker import Outcome, run

#: Runs that shortening an input may take.
_PATIENCE = 60
_NUMBERS = re.compile(r"\d+")


def keep(folder: Path, seed: int, outcome: Outcome) -> Path:
    """Save the input of an outcome and return its folder; similar outcomes share the folder of the first."""
    path = folder / _name(outcome)
    if not path.exists():
        small, last = _shortened(case(seed, outcome.number), outcome)
        path.mkdir(parents=True)
        small.lay_out(path)
        commands = [" ".join(["bootseq", *small.arguments(command)]) for command in small.commands]
        (path / "commands").write_text("\n".join(commands) + "\n", errors="surrogateescape")
        (path / "output").write_text(f"seed {seed} case {outcome.number}: {last.how}\n{last.text}", errors="replace")
    return path


def _name(outcome: Outcome) -> str:
    """Return a name of the kind and the fault's position, the last of ours in a traceback."""
    frames = re.findall(r'File "[^"]*/((?:tracer|diagrams|patches)/[^"]+)", line (\d+)', outcome.text)
    where = "-".join(frames[-1]).replace("/", "_") if frames else ""
    error = outcome.text.strip().rpartition("\n")[2].partition(":")[0][:40] if frames else ""
    return re.sub(r"[^\w.-]+", "-", f"{outcome.kind}-{outcome.how}-{where}-{error}").strip("-")


def _shortened(failing: Case, outcome: Outcome) -> tuple[Case, Outcome]:
    """Return the case with fewer lines that fails in the same way, and its outcome."""
    left, size = _PATIENCE, 2
    lines = failing.data.split(b"\n")
    if outcome.how in ("time", "hang", "memory"):
        return failing, outcome
    while left and size <= len(lines):
        step = max(len(lines) // size, 1)
        for start in range(0, len(lines), step):
            shorter = replace(failing, data=b"\n".join(lines[:start] + lines[start + step :]))
            left -= 1
            result = next(run([shorter]))
            if _name(result) == _name(outcome):
                failing, outcome, lines = shorter, result, lines[:start] + lines[start + step :]
                break
            if not left:
                break
        else:
            size *= 2
    return failing, outcome
