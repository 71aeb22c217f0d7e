"""``bootseq detach``: the hooks out again, proved."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tracer import capture as captures
from tracer.attach import detach as detaching
from tracer.attach.checks import Finding
from tracer.commands import findings, printing
from tracer.commands.paths import PATH
from tracer.errors import TracerError
from tracer.text import plural


@click.command()
@click.option("--all", "everything", is_flag=True, help="Whatever capture they record into.")
@findings.json_option
@click.argument("capture", required=False, type=PATH)
def detach(capture: Path | None, everything: bool, as_json: bool) -> None:
    """Take the hooks out of the processes that record into CAPTURE, and prove it.

    Each process says itself which object stands in each place that was hooked, before and after. Exit code 1 says that
    in some process not everything is as it was.

    \b
    Examples:
      bootseq detach cap
      bootseq detach --all
    """
    if (capture is None) != everything:
        raise TracerError("say which: bootseq detach CAPTURE, or --all")
    told = _say if not as_json else id
    found = detaching.detach(None if capture is None else _own(capture), told)
    if as_json:
        findings.as_json(found)
    elif not found:
        printing.out("nothing is attached" + ("" if everything else f" for {capture}"))
    if any(finding.state != "detached" for finding in found):
        sys.exit(1)


def _own(path: Path) -> Path:
    """The capture's path without links. Another's is refused: what stands in it names processes and folders."""
    with captures.own(path) as folder:
        return folder.real()


def _say(finding: Finding) -> None:
    details = ""
    if finding.more.get("proved"):
        details = f"{plural(finding.more['attributes'], 'place')} as before"
        modules = [change.partition(": ")[2] for change in finding.more["changes"] if change.startswith("new module: ")]
        if modules:
            details += f"; {plural(len(modules), 'standard module')} stay loaded"
    findings.tell(finding, details)
