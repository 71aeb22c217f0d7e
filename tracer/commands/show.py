"""``bootseq show``: the numbered tree of a boot, or the findings of a trace."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import Any

import click

import diagrams
from diagrams.outline import story
from tracer import findings, times, trace_file
from tracer.commands import printing, selection, timeline
from tracer.commands.options import PATH
from tracer.model import Step, lanes

DETAILS = ("story", "brief", "calls", "full")
_FIELDS = (
    "address", "kind", "service", "host", "pid", "name", "start", "end", "request_id", "error", "attributes",
    "witnesses", "tied_by", "opens", "opened_by",
)  # fmt: skip

detail_option = click.option(
    "--detail", type=click.Choice(DETAILS),
    help="story: the heaviest steps, at most 80; brief: requests, RPC, driver and states; calls: every numbered step; "
    "full: SQL and logs too. By default story on a terminal and in pictures, else calls.",
)  # fmt: skip


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that adds several options in their order."""
    return lambda function: reduce(lambda decorated, option: option(decorated), reversed(options), function)


@click.command()
@detail_option
@click.option(
    "--lines", type=click.IntRange(min=10), default=80, show_default=True, metavar="N", help="Story: lines at most."
)
@click.option(
    "--findings", "only_findings", is_flag=True, help="Print instead what witnesses missed and what went wrong."
)
@click.option("--timeline", "in_time", is_flag=True, help="Print instead all that names WHAT, in order of time.")
@_options(*timeline.filter_options)
@click.option("--json", "as_json", is_flag=True, help="Print every step, finding or entry as JSON.")
@click.argument("file", type=PATH)
@click.argument("what", required=False)
def show(
    file: Path, what: str | None, detail: str | None, lines: int, only_findings: bool, in_time: bool, as_json: bool,
    level: str | None, services: tuple[str, ...], pattern: re.Pattern[str] | None,
) -> None:  # fmt: skip
    """Print the numbered tree of a boot.

    WHAT is a server's name or uuid, a request id, or a number from `bootseq list`; it may be omitted if FILE holds one
    boot.

    --timeline prints time (UTC), host, service, level and text of everything that names WHAT, in any request or in
    none; WHAT may be the uuid, or its beginning, of a volume, port or anything else, and is all of FILE if omitted.

    \b
    --findings prints, for the whole file if WHAT is omitted:
      failed       a request that failed
      timeout      the caller gave up waiting for a reply
      error        log lines at ERROR and CRITICAL, by service and text
      undelivered  a message was sent, and no receiver was seen
      redelivered  a message was delivered more than once
      unclaimed    a reply arrived after its caller had given up
      unlogged     other witnesses saw a step that the log lacks, though it holds others of the kind
      unhooked     other witnesses saw a step that the hooks missed, though they recorded others of the kind
      uncopied     other witnesses saw a message that the broker did not copy, though it copied others
      clock        clocks that were wrong, or that contradict cause and effect
      dropped      events that were not recorded
      untied       steps that should belong to a request and do not
      reading      other warnings about the sources

    \b
    Examples:
      bootseq show boot.trace.jsonl.gz
      bootseq show boot.trace.jsonl.gz vm1 --detail full
      bootseq show boot.trace.jsonl.gz --findings
      bootseq show boot.trace.jsonl.gz vm1 --timeline --level WARNING
    """
    filters = timeline.Filters(level, services, pattern)
    if filters.used and not in_time:
        raise click.UsageError("--level, --service and --grep are for --timeline")
    if in_time:
        timeline.show(file, what or "", filters, as_json)
        return
    if only_findings:
        _show_findings(file, what, as_json)
        return
    request = selection.boot(file, what)
    if as_json:
        printing.as_json([_row(step) for step in request.walk()])
    else:
        detail = detail or ("story" if sys.stdout.isatty() else "calls")
        is_story = detail == "story"
        printing.lines(story.outline(request, lines) if is_story else diagrams.render(request, "txt", detail))


def _row(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in _FIELDS} | lanes.as_json(step.service)


def _show_findings(file: Path, word: str | None, as_json: bool) -> None:
    trace = trace_file.read(file)
    results = findings.findings(trace, selection.named(file, trace, word) if word else None)
    if as_json:
        printing.as_json([_finding(finding) for finding in results])
        return
    printing.out(findings.summary(results) if results else "no findings")
    names = {request.number: request.server or str(request.number) for request in [*trace.boots, *trace.others]}
    for finding in results:
        where = f"{names[finding.boot]} {finding.address}  " if finding.boot else ""
        printing.out(f"{finding.class_:<12} {where}{findings.line(finding)}")


def _finding(finding: findings.TraceFinding) -> dict[str, Any]:
    dates = {name: times.iso(time) if time else "" for name, time in (("first", finding.first), ("last", finding.last))}
    return {name.rstrip("_"): value for name, value in asdict(finding).items()} | dates
