"""The questions of ``bootseq fleet``: a command each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.commands import printing
from tracer.commands.options import PATH, report_format, report_options
from tracer.commands.progress import progress

if TYPE_CHECKING:
    from tracer.fleet.scope import Run, Scope
    from tracer.model.fleet import Answer

_SUFFIXES = {".txt": "text", ".md": "markdown", ".json": "json"}
#: Exit codes of the verdicts.
_CODES = {"nothing": 0, "found": 1, "cannot tell": 2}

memory_option = click.option(
    "--memory", default="1GB", show_default=True, metavar="SIZE", help="Memory of the engine: 500MB, 4GB."
)


where_option = click.option(
    "--where", default="", metavar="CONDITIONS", help="Boots with these traits only: release=34.0.0,ports>0."
)
witnesses_option = click.option(
    "--witnesses", metavar="SET", help="Boots by these witnesses only; by default the most common."
)


def _common(function: Any) -> Any:
    """Add the options that all questions share."""
    options: list[Callable[[Any], Any]] = [
        report_options(_SUFFIXES),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        where_option,
        witnesses_option,
        memory_option,
        click.argument("path", type=PATH, metavar="STORE"),
    ]
    for option in options:
        function = option(function)
    return function


_unit_option = click.option(
    "--unit", "units", default="host-day", show_default=True, metavar="UNIT",
    help="What boots that are no independent measurements share: host-day, day, or a trait, such as night.",
)  # fmt: skip


def _answered(options: dict[str, Any], question: Callable[[Run, Scope], Answer], *, gate: bool = True) -> None:
    """Ask a question, print or write the answer, and exit with the verdict's code."""
    from diagrams.fleet import answers
    from tracer.fleet import engine, store
    from tracer.fleet.scope import scope

    outputs, format_ = options["outputs"], "json" if options["as_json"] else options["format_"]
    formats = [report_format(output, format_, _SUFFIXES) for output in outputs]
    with store.opened(options["path"]) as opened, progress() as doing:
        doing("asking")

        def ask(connection: Any) -> Answer:
            run = engine.runner(connection)
            return question(run, scope(run, options.get("where", ""), options.get("witnesses")))

        answer = engine.ask(opened, ask, memory=options["memory"])
    for output, name in zip(outputs, formats, strict=True):
        printing.report(output, answers.render(answer, name))
    if not outputs:
        printing.lines(answers.render(answer, format_ or "text"))
    if gate:
        sys.exit(_CODES[answer.verdict])


@click.command()
@_unit_option
@_common
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
def slower(a: str, b: str, units: str, **options: Any) -> None:
    """List the steps that became slower from the boots with the traits A to those with B.

    Boots of a host and day are one unit, since they share its load; what all steps of a boot share is taken out and
    reported; of the changes that are reported 1 % are false at most; the smallest change that would be found is stated.

    The exit code is 0 if no step became slower, 1 if one did, 2 if there are too few units to tell.

    \b
    Examples:
      bootseq fleet slower boots.fleet release=32.2.1 release=34.0.0
      bootseq fleet slower boots.fleet 'day<2026-11-01' 'day>=2026-11-01' --where 'host=compute07'
      bootseq fleet slower boots.fleet change=base change=head --unit night
    """
    from tracer.fleet import slower as question

    _answered(options, lambda run, scope: question.slower(run, scope, a, b, units))


@click.command()
@_common
def since(**options: Any) -> None:
    """List the steps that became slower or faster on some day, and the day.

    The exit code is 0 if no step became slower, 1 if one did, 2 if there are too few days to tell.

    \b
    Examples:
      bootseq fleet since boots.fleet
      bootseq fleet since boots.fleet --where 'day>=2026-10-01,release=34.0.0'
    """
    from tracer.fleet import since as question

    _answered(options, question.since)


@click.command()
@_common
def hosts(**options: Any) -> None:
    """List the hosts on which steps are slower than on the others.

    The exit code is 0 if none stands out, 1 if one does, 2 if there are too few hosts or days to tell.

    \b
    Example:
      bootseq fleet hosts boots.fleet
    """
    from tracer.fleet import hosts as question

    _answered(options, question.hosts)


@click.command()
@_common
def failures(**options: Any) -> None:
    """List, for each kind of failure, the steps that only it has, and the steps that fail only in it.

    The exit code is 0 if there are none, 1 if there are, 2 if there are too few failures to tell.

    \b
    Example:
      bootseq fleet failures boots.fleet --where 'day>=2026-11-01'
    """
    from tracer.fleet import failures as question

    _answered(options, question.failures)


@click.command()
@_common
@click.argument("a", required=False, metavar="A")
@click.argument("b", required=False, metavar="B")
def laws(a: str | None, b: str | None, **options: Any) -> None:
    """Print how many statements, requests and calls a port, a volume, a server on the host cost.

    Counts are linear laws of ports, volumes, boots from a volume and numeric traits (`bootseq fleet add --traits`). The
    laws of A and B are compared; without them those of each release with those of the one before.

    The exit code is 0 if no count grows faster than before, 1 if one does, 2 if there are too few boots to tell.

    \b
    Examples:
      bootseq fleet laws boots.fleet
      bootseq fleet laws boots.fleet change=base change=head
    """
    from tracer.errors import TracerError
    from tracer.fleet import laws as question

    if a is not None and b is None:
        raise TracerError("fleet laws needs both A and B, or neither")
    _answered(options, lambda run, scope: question.laws(run, scope, a, b))


@click.command()
@_common
def odd(**options: Any) -> None:
    """List the boots that took far longer than others with equal traits, and the steps that explain them.

    The exit code is 0 if there are none, 1 if there are, 2 if there are too few boots of a kind to tell.

    \b
    Example:
      bootseq fleet odd boots.fleet --where 'day>=2026-11-01'
    """
    from tracer.fleet import odd as question

    _answered(options, question.odd)


@click.command()
@report_options(_SUFFIXES)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@memory_option
@click.argument("path", type=PATH, metavar="STORE")
@click.argument("what", metavar="WHAT")
def boot(what: str, **options: Any) -> None:
    """Compare a boot of STORE with boots of its like: the percentile of its duration and of each step.

    WHAT is a server's name, an instance's uuid or its beginning, or a request id.

    The exit code is 0 if no step stands out, 1 if one does, 2 if there are too few boots to tell.

    \b
    Example:
      bootseq fleet boot boots.fleet d3e4aaec
    """
    from tracer.fleet import boot as question

    _answered(options, lambda run, scope: question.boot(run, question.subject(run, what)))


@click.command()
@report_options(_SUFFIXES | {".html": "html"})
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@where_option
@witnesses_option
@memory_option
@click.argument("path", type=PATH, metavar="STORE")
def report(
    path: Path, outputs: tuple[Path, ...], format_: str | None, as_json: bool, where: str, witnesses: str | None,
    memory: str,
) -> None:  # fmt: skip
    """Report on STORE: changed steps, failures, hosts that stand out, odd boots, counts, and the times of all steps.

    The HTML page shows the tree of steps with their percentiles and a chart by day, changed steps first; it fetches
    nothing.

    \b
    Examples:
      bootseq fleet report boots.fleet
      bootseq fleet report boots.fleet -o report.html -o report.json --where 'day>=2026-10-01'
    """
    from diagrams.fleet import reports
    from tracer.fleet import engine, store
    from tracer.fleet import report as question
    from tracer.fleet.scope import scope
    from tracer.model.fleet import FleetReport

    suffixes = _SUFFIXES | {".html": "html"}
    formats = [report_format(output, "json" if as_json else format_, suffixes) for output in outputs]
    with store.opened(path) as opened, progress() as doing:

        def ask(connection: Any) -> FleetReport:
            run = engine.runner(connection)
            return question.report(run, scope(run, where, witnesses), doing)

        content = engine.ask(opened, ask, memory=memory)
    title = f"Boots in {path.name}"
    for output, name in zip(outputs, formats, strict=True):
        printing.report(output, reports.report(content, title, name))
    if not outputs:
        printing.lines(reports.report(content, title, "json" if as_json else format_ or "text"))


#: The commands of this module, for the group.
COMMANDS = (report, slower, since, hosts, failures, laws, odd, boot)
