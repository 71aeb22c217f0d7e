"""The comparison of two releases' recordings: reports in a folder, and the verdict as an exit code."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.ci import commands
from examples.ci.recordings import Plan, Recording, record
from examples.embedded.release import Release

REPORTS = ("report.txt", "report.md", "report.json", "report.xml", "report.html")


@dataclass(frozen=True)
class Side:
    """A release to boot, and the name of its files."""

    release: Release
    name: str


def sides(old: Release, new: Release) -> tuple[Side, Side]:
    """Return both sides, named by their releases, with -old and -new if these names are equal."""
    names = ["nova-" + re.sub(r"[^\w.-]", "-", release.name) for release in (old, new)]
    if names[0] == names[1]:
        names = [f"{names[0]}-old", f"{names[1]}-new"]
    return Side(old, names[0]), Side(new, names[1])


def compare(old: Side, new: Side, plan: Plan, folder: Path, options: Sequence[str] = ()) -> int:
    """Record both releases and compare them; return 0 if the same, 1 if different by the policy, 2 if undecided.

    A failed boot is not in the baseline: it is reported, and the verdict then cannot be "the same". ``options`` are for
    ``bootseq diff``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recordings = [recorded(side, plan, folder) for side in (old, new)]
    code = report(folder / f"{old.name}.baseline", folder / f"{new.name}.baseline", folder, options)
    complaints = [complaint for recording in recordings if (complaint := recording.complaint())]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return code if code or not complaints else commands.CANNOT_TELL


def recorded(side: Side, plan: Plan, folder: Path) -> Recording:
    """Record a trace file and its baseline: of the boots that became active, or of the failed ones if none did.

    The lock file is copied beside them.
    """
    recording = record(side.release, plan, folder, side.name)
    usual = "error" if len(recording.failed) == len(recording.boots) else "active"
    baseline = str(folder / f"{side.name}.baseline")
    commands.run("baseline", str(recording.trace), "-o", baseline, "--outcome", usual)
    shutil.copyfile(side.release.lock, folder / f"{side.name}.packages.txt")
    return recording


def report(old: Path, new: Path, folder: Path, options: Sequence[str]) -> int:
    """Write every format into the folder, and the text to stdout, in colour on a terminal; return the exit code.

    Baselines are compared, not the traces, so that the addresses in the reports can be looked up in them.
    """
    inputs = [str(old), str(new), *options]
    outputs = [argument for name in REPORTS for argument in ("-o", str(folder / name))]
    code = commands.verdict(*inputs, *outputs, silent=True)
    if code == commands.CANNOT_TELL:
        return code
    if sys.stdout.isatty():
        commands.verdict(*inputs)
    else:
        print((folder / "report.txt").read_text(), end="")
    return code
