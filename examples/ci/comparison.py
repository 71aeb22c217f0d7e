"""The comparison of two releases' recordings: reports in a folder, and the verdict as an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from examples.ci import commands
from examples.ci.recordings import Plan, Recording, record

REPORTS = ("report.txt", "report.md", "report.json", "report.xml", "report.html")


def compare(old: str, new: str, plan: Plan, folder: Path, policies: Sequence[Path]) -> int:
    """Record both releases and compare them; return 0 if the same, 1 if different by the policy, 2 if undecided.

    A failed boot is not in the baseline: it is reported, and the verdict then cannot be "the same".
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = (f"nova-{old}", f"nova-{new}") if old != new else (f"nova-{old}-old", f"nova-{new}-new")
    recordings = [_recorded(release, plan, folder, name) for release, name in zip((old, new), names, strict=True)]
    old_baseline, new_baseline = (folder / f"{name}.baseline" for name in names)
    code = _report(old_baseline, new_baseline, folder, policies)
    complaints = [complaint for recording in recordings if (complaint := recording.complaint())]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return code if code or not complaints else commands.CANNOT_TELL


def _recorded(release: str, plan: Plan, folder: Path, name: str) -> Recording:
    """Record a trace file and its baseline: of the boots that became active, or of the failed ones if none did."""
    print(f"booting {plan.boots} servers on Nova {release} …", file=sys.stderr)
    recording = record(release, plan, folder, name)
    usual = "error" if len(recording.failed) == len(recording.boots) else "active"
    commands.run("baseline", str(recording.trace), "-o", str(folder / f"{name}.baseline"), "--outcome", usual)
    return recording


def _report(old: Path, new: Path, folder: Path, policies: Sequence[Path]) -> int:
    """Write every format into the folder, and the text to stdout, in colour on a terminal; return the exit code.

    Baselines are compared, not the traces, so that the addresses in the reports can be looked up in them.
    """
    sides = [str(old), str(new), *(f"--policy={policy}" for policy in policies)]
    outputs = [argument for name in REPORTS for argument in ("-o", str(folder / name))]
    code = commands.verdict(*sides, *outputs, silent=True)
    if code != commands.CANNOT_TELL:
        commands.verdict(*sides)
    return code
