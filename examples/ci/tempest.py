"""``python -m examples.ci.tempest``: the boots of a Tempest run by their tests, and what their baselines say."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from examples.ci import commands
from examples.ci.tempest_log import by_request
from tracer import trace_file
from tracer.commands import inputs
from tracer.commands.inputs import Recorded
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.writer import written
from tracer.errors import TracerError
from tracer.model import Request
from tracer.text import plural

VERDICTS = {0: "same", 1: "differs", commands.CANNOT_TELL: "undecided"}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_SUFFIX = ".baseline"


@dataclass(frozen=True)
class Run:
    """The boots of a Tempest run: by test, those of no test, and tests whose requests were not recorded."""

    by_test: Mapping[str, Sequence[Request]]
    others: Sequence[Request]
    #: Request ids by test.
    unrecorded: Mapping[str, Sequence[str]]


def read(trace: Path, logs: Sequence[Path]) -> Run:
    """Return the boots of a trace file by the test that Tempest's logs name for their request."""
    tests = by_request(logs)
    by_test: dict[str, list[Request]] = defaultdict(list)
    others = []
    for boot in trace_file.read(trace).boots:
        ids = [name for name in (boot.request_id, *boot.request_ids) if name in tests]
        if ids:
            by_test[tests.pop(ids[0])].append(boot)
        else:
            others.append(boot)
    unrecorded: dict[str, list[str]] = defaultdict(list)
    for request_id, test in tests.items():
        unrecorded[test].append(request_id)
    return Run(dict(sorted(by_test.items())), others, dict(sorted(unrecorded.items())))


@click.group()
def main() -> None:
    """Name the boots of a Tempest run by their tests, and compare each test's boots with its baseline."""


_TRACE = click.argument("trace", type=_FILE)
_LOGS = click.option(
    "--log", "logs", multiple=True, required=True, type=_FILE, help="A log of Tempest, packed or not; may be repeated."
)
_BASELINES = click.option(
    "--baselines", type=_FOLDER, required=True, help=f"The folder with a baseline for each test: TEST{_SUFFIX}."
)


@main.command("list")
@_TRACE
@_LOGS
def list_(trace: Path, logs: tuple[Path, ...]) -> None:
    """Print the test of each boot.

    Example: python -m examples.ci.tempest list boots.trace.jsonl.gz --log tempest.log
    """
    run = read(trace, logs)
    for test, boots in (*run.by_test.items(), ("no test", run.others)):
        for boot in boots:
            click.echo(f"{test}: {boot.server} {boot.uuid} {boot.request_id} {boot.outcome}")
    for test, ids in run.unrecorded.items():
        click.echo(f"{test}: not recorded: {', '.join(ids)}")


@main.command()
@click.argument("traces", nargs=-1, required=True, type=_FILE, metavar="TRACE…")
@_LOGS
@_BASELINES
def bless(traces: tuple[Path, ...], logs: tuple[Path, ...], baselines: Path) -> None:
    """Write a baseline for each test, to review and commit, from its boots in one or more runs.

    Example: python -m examples.ci.tempest bless *.trace.jsonl.gz --log 1.log --log 2.log --baselines baselines
    """
    recorded: dict[str, list[Recorded]] = defaultdict(list)
    for trace in traces:
        for test, boots in read(trace, logs).by_test.items():
            recorded[test].append(inputs.recorded(trace, [boot.request_id for boot in boots]))
    baselines.mkdir(parents=True, exist_ok=True)
    for test, of_runs in recorded.items():
        _check(test, of_runs)
        boots = [boot for run in of_runs for boot in run.boots]
        learned = learn([normal(boot) for boot in boots], test)
        path = baselines / _file(test, _SUFFIX)
        path.write_text(written(learned), errors="backslashreplace")
        click.echo(f"{path}: {plural(len(boots), 'boot')}")


def _check(test: str, of_runs: Sequence[Recorded]) -> None:
    """Refuse boots of incomplete recordings, and boots of which some failed: no baseline can be made of them."""
    doubts = [doubt for run in of_runs for doubt in run.doubts]
    if doubts:
        raise TracerError(f"{test}: {doubts[0]}; record again")
    outcomes = sorted({inputs.outcome(boot) for run in of_runs for boot in run.boots})
    if len(outcomes) > 1:
        raise TracerError(f"{test}: its boots ended differently: {', '.join(outcomes)}; leave out a run")


@main.command()
@_TRACE
@_LOGS
@_BASELINES
@click.option("--policy", "policies", multiple=True, type=_FILE, help="For bootseq diff; may be repeated.")
@click.option("-o", "--output", type=_FOLDER, required=True, help="A folder for the reports.")
def judge(trace: Path, logs: tuple[Path, ...], baselines: Path, policies: tuple[Path, ...], output: Path) -> None:
    """Compare each test's boots with its baseline: a line and reports for each test.

    The exit code is 1 if a test's boots differ by the policy; else 2 if a test cannot be decided, because it has no
    baseline or its boot was not recorded.

    Example: python -m examples.ci.tempest judge boots.trace.jsonl.gz --log tempest.log --baselines baselines -o reports
    """
    run = read(trace, logs)
    output.mkdir(parents=True, exist_ok=True)
    options = [f"--policy={policy}" for policy in policies]
    codes = {
        test: _verdict(test, trace, boots, baselines, options, output) for test, boots in run.by_test.items()
    } | dict.fromkeys(run.unrecorded, commands.CANNOT_TELL)
    for test, ids in run.unrecorded.items():
        click.echo(f"{test}: undecided, not recorded: {', '.join(ids)}")
    if not codes:
        click.echo("undecided: no boot of a test was recorded")
    sys.exit(1 if 1 in codes.values() else max(codes.values(), default=commands.CANNOT_TELL))


def _verdict(
    test: str, trace: Path, boots: Sequence[Request], baselines: Path, options: Sequence[str], output: Path
) -> int:
    baseline = baselines / _file(test, _SUFFIX)
    if not baseline.is_file():
        click.echo(f"{test}: undecided, no {baseline}")
        return commands.CANNOT_TELL
    reports = [f"--output={output / _file(test, suffix)}" for suffix in (".md", ".html", ".xml")]
    chosen = _chosen("--new-boot", boots)
    code = commands.verdict(str(baseline), str(trace), *chosen, *options, *reports, silent=True)
    click.echo(f"{test}: {VERDICTS[code]} ({', '.join(boot.server for boot in boots)})")
    return code


def _chosen(option: str, boots: Sequence[Request]) -> list[str]:
    return [f"{option}={boot.request_id}" for boot in boots]


def _file(test: str, suffix: str) -> str:
    """Return a test's file name; parameters of a test may contain any character."""
    return re.sub(r"[^\w.-]", "_", test) + suffix


if __name__ == "__main__":
    try:
        main(prog_name="python -m examples.ci.tempest")
    except (commands.CommandError, TracerError) as error:
        click.echo(f"tempest: {error}", err=True)
        sys.exit(commands.CANNOT_TELL)
