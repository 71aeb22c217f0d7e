"""``bootseq show``: the numbered tree of a boot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

import diagrams
from tracer import findings, trace_file
from tracer.commands import printing, selection
from tracer.commands.paths import PATH
from tracer.model import Step

DETAILS = ("brief", "calls", "full")
_FIELDS = (
    "address", "kind", "service", "host", "pid", "name", "start", "end", "request_id", "error", "attributes",
    "witnesses", "tied_by", "opens", "opened_by",
)  # fmt: skip

detail_option = click.option(
    "--detail", type=click.Choice(DETAILS), default="calls", show_default=True,
    help="brief: requests, RPC, driver and states; calls: every numbered step; full: SQL and logs too.",
)  # fmt: skip


@click.command()
@detail_option
@click.option("--findings", "only_findings", is_flag=True, help="What a witness should have seen and did not, instead.")
@click.option("--json", "as_json", is_flag=True, help="Every step, or every finding, for programs.")
@click.argument("file", type=PATH)
@click.argument("boot", required=False)
def show(file: Path, boot: str | None, detail: str, only_findings: bool, as_json: bool) -> None:
    """Print the numbered tree of BOOT: a server's name or uuid, a request id, or a number from `bootseq list`.

    \b
    --findings tells, without BOOT for the whole file:
      undelivered  a message was sent, and nobody was seen to take it
      redelivered  a message was handed out more than once
      timeout      the caller gave up waiting for an answer
      unclaimed    an answer came that nobody waited for any more
      unlogged     others saw what a log does not tell, though it tells others of the kind
      unhooked     others saw what the hooks did not record, though they recorded others of the kind
      uncopied     others saw a message of which the broker gave no copy, though it gave others
      clock        clocks that were wrong      dropped  events that were not recorded
      untied       what could not be tied to a request and should have been
      reading      what else was told while the sources were read

    \b
    Examples:
      bootseq show boot.trace.jsonl.gz
      bootseq show boot.trace.jsonl.gz vm1 --detail full
      bootseq show boot.trace.jsonl.gz --findings
    """
    if only_findings:
        _show_findings(file, boot, as_json)
        return
    found = selection.boot(file, boot)
    if as_json:
        printing.as_json([_row(step) for step in found.walk()])
    else:
        printing.lines(diagrams.render(found, "txt", detail))


def _row(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in _FIELDS}


def _show_findings(file: Path, boot: str | None, as_json: bool) -> None:
    trace = trace_file.read(file)
    found = findings.findings(trace, selection.named(file, trace, boot) if boot else None)
    if as_json:
        printing.as_json([_finding(one) for one in found])
        return
    printing.out(findings.summary(found) if found else "no findings")
    names = {request.number: request.server or str(request.number) for request in [*trace.boots, *trace.others]}
    for one in found:
        where = f"{names[one.boot]} {one.address}  " if one.boot else ""
        printing.out(f"{one.class_:<12} {where}{findings.line(one)}")


def _finding(one: findings.Finding) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in asdict(one).items()}
