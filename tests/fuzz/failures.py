"""Inputs that went wrong: each in a folder with its commands and what was said, as short as cutting lines makes it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.fuzz.kinds import Case, case
from tests.fuzz.worker import Outcome, run

#: Runs that making an input shorter may take.
_PATIENCE = 60
_NUMBERS = re.compile(r"\d+")


def keep(folder: Path, seed: int, outcome: Outcome) -> Path:
    """Where the input of an outcome is now: alike ones share a folder, and the first of them stays."""
    place = folder / _name(outcome)
    if not place.exists():
        made = case(seed, outcome.number)
        small, last = _shortened(made, outcome)
        place.mkdir(parents=True)
        small.lay_out(place)
        commands = [" ".join(["bootseq", *small.arguments(command)]) for command in small.commands]
        (place / "commands").write_text("\n".join(commands) + "\n", errors="surrogateescape")
        (place / "said").write_text(f"seed {seed} case {outcome.number}: {last.how}\n{last.told}", errors="replace")
    return place


def _name(outcome: Outcome) -> str:
    """The kind, and where it went wrong: the last place of ours in a traceback."""
    places = re.findall(r'File "[^"]*/((?:tracer|diagrams|patches)/[^"]+)", line (\d+)', outcome.told)
    where = "-".join(places[-1]).replace("/", "_") if places else ""
    error = outcome.told.strip().rpartition("\n")[2].partition(":")[0][:40] if places else ""
    return re.sub(r"[^\w.-]+", "-", f"{outcome.kind}-{outcome.how}-{where}-{error}").strip("-")


def _shortened(made: Case, outcome: Outcome) -> tuple[Case, Outcome]:
    """The case with fewer lines that goes wrong in the same way."""
    left, size = _PATIENCE, 2
    lines = made.data.split(b"\n")
    if outcome.how in ("time", "hang", "memory"):
        return made, outcome
    while left and size <= len(lines):
        step = max(len(lines) // size, 1)
        for at in range(0, len(lines), step):
            shorter = replace(made, data=b"\n".join(lines[:at] + lines[at + step :]))
            left -= 1
            found = next(run([shorter]))
            if _name(found) == _name(outcome):
                made, outcome, lines = shorter, found, lines[:at] + lines[at + step :]
                break
            if not left:
                break
        else:
            size *= 2
    return made, outcome
