"""Two releases' recordings compared: the reports in a folder, and the verdict as an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from examples.ci import commands
from examples.ci.recordings import Plan, Recording, record

REPORTS = ("report.txt", "report.md", "report.json", "report.xml", "report.html")


def compare(old: str, new: str, plan: Plan, folder: Path, policies: Sequence[Path]) -> int:
    """Record both releases and compare them; 0 the same, 1 they differ by the policy, 2 that cannot be told.

    A boot that failed is in no average: it is told, and without it nothing is called the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = (f"nova-{old}", f"nova-{new}") if old != new else (f"nova-{old}-old", f"nova-{new}-new")
    recordings = []
    for release, name in zip((old, new), names, strict=True):
        print(f"booting {plan.boots} servers on Nova {release} …", file=sys.stderr)
        recordings.append(record(release, plan, folder, name))
        _learn(recordings[-1], folder / f"{name}.baseline")
    code = _report(recordings[0].trace, recordings[1].trace, folder, policies)
    complaints = [complaint for each in recordings if (complaint := each.complaint())]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return code if code or not complaints else commands.CANNOT_TELL


def _learn(recording: Recording, baseline: Path) -> None:
    """From the boots that became active, or from the failed ones where there are no others."""
    usual = "error" if len(recording.failed) == len(recording.boots) else "active"
    commands.run("baseline", str(recording.trace), "-o", str(baseline), "--outcome", usual)


def _report(old: Path, new: Path, folder: Path, policies: Sequence[Path]) -> int:
    """Every format into the folder, and the text to stdout, in colour on a terminal."""
    sides = [str(old), str(new), *(f"--policy={policy}" for policy in policies)]
    outputs = [argument for name in REPORTS for argument in ("-o", str(folder / name))]
    code = commands.verdict(*sides, *outputs, silent=True)
    if code != commands.CANNOT_TELL:
        commands.verdict(*sides)
    return code
