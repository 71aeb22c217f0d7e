"""``bootseq detach``: the hooks out again, proved."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from tracer.attach import detach as detaching
from tracer.attach import registry
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport
from tracer.callbacks import ignore
from tracer.commands import printing, process_reports
from tracer.commands.paths import PATH
from tracer.errors import TracerError
from tracer.recording import capture as captures
from tracer.text import plural


@click.command()
@click.option("--all", "everything", is_flag=True, help="Whatever capture of yours they record into.")
@click.option("--everyone", is_flag=True, help="With --all: those that record for other users too.")
@process_reports.json_option
@click.argument("capture", required=False, type=PATH)
def detach(capture: Path | None, everything: bool, everyone: bool, as_json: bool) -> None:
    """Take the hooks out of the processes that record into CAPTURE, and prove it.

    Each process says itself which object stands in each place that was hooked, before and after. Exit code 1 says that
    in some process not everything is as it was.

    \b
    Examples:
      bootseq detach cap
      bootseq detach --all
      bootseq detach --all --everyone
    """
    if (capture is None) != everything or (everyone and not everything):
        raise TracerError("say which: bootseq detach CAPTURE, or --all, or --all --everyone")
    found = _detach(capture, everyone, ignore if as_json else _say if capture is not None else _say_whose)
    if as_json:
        process_reports.as_json(found)
    elif not found:
        printing.out("nothing is attached" + (f" for {capture}" if capture is not None else ""))
    if everything and not everyone:
        _name_others(detaching.others())
    if any(finding.state != "detached" for finding in found):
        sys.exit(1)


def _detach(capture: Path | None, everyone: bool, on_report: Callable[[ProcessReport], object]) -> list[ProcessReport]:
    if capture is not None:
        return detaching.detach(_own(capture), on_report)
    return detaching.detach_all(on_report) + (detaching.detach_others(on_report) if everyone else [])


def _own(path: Path) -> Path:
    """The path without links of a capture of the caller's own; what is registered may be gone from the disk."""
    if registry.of(path.resolve()).entries:
        return path.resolve()
    with captures.own(path) as folder:
        return folder.real()


def _name_others(others: list[Attached]) -> None:
    """On stderr, since nothing was done about them."""
    for each in others:
        process = f"{each.process.name} (pid {each.process.pid}, user {each.about['user']})"
        printing.note(f"left alone: {process} records into {each.about['capture']}")
    if others:
        printing.note("these are other users'; take them out too: bootseq detach --all --everyone")


def _say(finding: ProcessReport) -> None:
    process_reports.tell(finding, _details(finding))


def _say_whose(finding: ProcessReport) -> None:
    whose = f"user {finding.more['user']}, capture {finding.more['capture']}"
    process_reports.tell(finding, "; ".join(part for part in (whose, _details(finding)) if part))


def _details(finding: ProcessReport) -> str:
    if not finding.more.get("proved"):
        return ""
    details = f"{plural(finding.more['attributes'], 'place')} as before"
    modules = [change.partition(": ")[2] for change in finding.more["changes"] if change.startswith("new module: ")]
    return details + (f"; {plural(len(modules), 'standard module')} stay loaded" if modules else "")
