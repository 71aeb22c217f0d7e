"""``python -m examples.ci.alarms``: false alarms of the diff between boots of the same release.

Three embedded clouds, one after the other, boot ten servers each: the first cloud's boots are the baseline, and
each boot of the others is compared with it under the default policy. A failing difference is a false alarm.
"""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import click

from examples.ci.judging import judge
from tracer import trace_file
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.model import Request

_BOOTSEQ = str(Path(sys.executable).with_name("bootseq"))


@dataclass(slots=True)
class Alarms:
    """The differences of a number of boots by severity, with a line for each failing one."""

    what: str
    baseline: int = 0
    boots: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    failing: list[str] = field(default_factory=list)
    warned: Counter[str] = field(default_factory=Counter)


def alarms(release: str, mode: str, threads: str, servers: int, clouds: int) -> Alarms:
    """Record the boots of all clouds, and compare them with those of the first."""
    first, *others = (_recorded(release, mode, threads, servers) for _ in range(clouds))
    baseline = learn([normal(boot) for boot in first])
    result = Alarms(f"{release}, {mode}, {threads}", baseline=len(first))
    for boot in (boot for cloud in others for boot in cloud):
        result.boots += 1
        for change in judge(copy.deepcopy(baseline), normal(boot)):
            result.severities[change.severity] += 1
            if change.severity == "fail":
                result.failing.append(f"{boot.server}: {change.class_}: {change.text}")
            if change.severity == "warn":
                result.warned[change.class_] += 1
    return result


def _recorded(release: str, mode: str, threads: str, servers: int) -> list[Request]:
    with tempfile.TemporaryDirectory() as folder:
        capture, trace = Path(folder, "capture"), Path(folder, "trace.jsonl.gz")
        boot = ["-m", "examples.embedded", "boot", "--release", release, "--mode", mode, "--threads", threads]
        where = ["--servers", str(servers), "--capture", str(capture), "--state", str(Path(folder, "state"))]
        for command in ([sys.executable, *boot, *where], [_BOOTSEQ, "ingest", "-o", str(trace), str(capture)]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return trace_file.read(trace).boots


@click.command()
@click.option("--release", default="34", show_default=True)
@click.option("--servers", default=10, show_default=True, help="Boots on each cloud.")
@click.option("--clouds", default=3, show_default=True, help="The first gives the baseline.")
def main(release: str, servers: int, clouds: int) -> None:
    """Print a line for each way to run Nova, and the failing differences."""
    click.echo(f"{'Nova':<32}{'baseline of':>12}{'boots':>7}{'fail':>6}{'warn':>6}{'note':>6}")
    for mode in ("processes", "one-process"):
        for threads in ("native", "eventlet"):
            result = alarms(release, mode, threads, servers, clouds)
            counts = "".join(f"{result.severities[name]:>6}" for name in ("fail", "warn", "note"))
            warned = ", ".join(f"{count} {class_}" for class_, count in result.warned.items())
            click.echo(f"{result.what:<32}{result.baseline:>12}{result.boots:>7}{counts}   {warned}")
            for line in result.failing:
                click.echo(f"    {line[:300]}")


if __name__ == "__main__":
    main()
