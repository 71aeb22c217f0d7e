"""``bootseq show``: the numbered tree of a boot, or the findings of a trace."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer import times, trace_file
from tracer.commands import completion, printing, selection, terminal, timeline, tree
from tracer.commands.options import PATH

if TYPE_CHECKING:
    from tracer.findings import TraceFinding


@click.command()
@tree.line_options
@click.option(
    "--findings", "only_findings", is_flag=True, help="Print instead what witnesses missed and what went wrong."
)
@click.option("--timeline", "in_time", is_flag=True, help="Print instead all that names WHAT, in order of time.")
@timeline.filter_options
@terminal.color_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: all steps unless others are chosen.")
@click.argument("file", type=PATH)
@click.argument("what", required=False, shell_complete=completion.what)
def show(
    file: Path, what: str | None, only_findings: bool, in_time: bool, as_json: bool,
    level: str | None, services: tuple[str, ...], pattern: re.Pattern[str] | None, color: str, **chosen: Any,
) -> None:  # fmt: skip
    """Print the numbered tree of a boot.

    WHAT is a server's name or uuid, a request id, or a number from `bootseq list`; it may be omitted if FILE holds one
    boot.

    --slow, --kind, --errors, --service and --grep list the steps that match all of them; --kind and --grep SQL and log
    lines too.

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
      bootseq show boot.trace.jsonl.gz vm1 --from 2-1-2 --depth 3 --times
      bootseq show boot.trace.jsonl.gz vm1 --slow 50ms --service compute
      bootseq show boot.trace.jsonl.gz vm1 --kind sql --grep 'UPDATE instances'
      bootseq show boot.trace.jsonl.gz --findings
      bootseq show boot.trace.jsonl.gz vm1 --timeline --level WARNING
    """
    filters = timeline.Filters(level, services, pattern)
    if level and not in_time:
        raise click.UsageError("--level is for --timeline")
    if in_time:
        timeline.show(file, what or "", filters, as_json)
    elif only_findings:
        _show_findings(file, what, as_json)
    else:
        choice = tree.Choice(**chosen, services=services, pattern=pattern, color=color)
        tree.show(selection.boot(file, what), choice, as_json)


def _show_findings(file: Path, word: str | None, as_json: bool) -> None:
    from tracer import findings  # its catalogues take longer to read than most traces

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


def _finding(finding: TraceFinding) -> dict[str, Any]:
    dates = {name: times.iso(time) if time else "" for name, time in (("first", finding.first), ("last", finding.last))}
    return {name.rstrip("_"): value for name, value in asdict(finding).items()} | dates
