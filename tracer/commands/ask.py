"""``bootseq ask``: log lines from running code, without editing it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tracer.attach import ask_points, guard_client
from tracer.attach.ask_points import AskPoint
from tracer.attach.detach import Attached
from tracer.attach.eligibility import ProcessReport
from tracer.callbacks import ignore
from tracer.commands import printing, process_reports
from tracer.errors import TracerError
from tracer.recording import ask_expressions
from tracer.recording import capture as captures
from tracer.text import plural

_WHERE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


@click.group()
def ask() -> None:
    """Log the values of expressions from running code, into ask.log and the tree, without editing it.

    \b
    Example:
      bootseq ask add nova.scheduler.manager:SchedulerManager.select_destinations 'spec_obj.flavor.name, request_spec'
    """


@ask.command()
@click.option("--return", "at_return", is_flag=True, help="Log when it returns: its arguments, and `result`.")
@click.option(
    "--line", type=click.IntRange(min=1), metavar="N", help="Log at this line of its source: its local variables."
)
@click.option("--unsafe", is_flag=True, help="Allow any expression: calls, comprehensions, properties, repr().")
@click.option("--pid", "pids", type=int, multiple=True, metavar="N", help="Ask this process only; repeatable.")
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME",
    help="Ask this service only: nova-compute, 'nova-*'; repeatable.",
)
@click.option("--all", "everything", is_flag=True, help="Ask every process with hooks, the default.")
@process_reports.json_option
@click.argument("where")
@click.argument("expression", nargs=-1, required=True)
def add(
    where: str, expression: tuple[str, ...], at_return: bool, line: int | None, unsafe: bool, pids: tuple[int, ...],
    services: tuple[str, ...], everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Ask at WHERE (package.module:Class.method or package.module:function) for the values of expressions.

    Each call of the function writes a line. Names are those of its arguments and of its module. Expressions may only
    read: attributes, items, comparisons, a few functions such as len(). They run no code of the service: attributes
    that are not loaded yet appear as <not loaded>. Secrets are masked. Processes that are attached later have the ask
    point too. The exit code is 1 if a process could not be asked, 2 if WHERE exists in none.

    \b
    Examples:
      bootseq ask add nova.scheduler.manager:SchedulerManager.select_destinations 'spec_obj.flavor.name, request_spec'
      bootseq ask add nova.compute.manager:ComputeManager._build_resources 'instance.uuid, len(block_device_mapping)'
      bootseq ask add nova.scheduler.manager:SchedulerManager._schedule 'len(result)' --return
    """
    if not _WHERE.fullmatch(where):
        raise TracerError(f"{where}: expected package.module:Class.method or package.module:function")
    if at_return and line is not None:
        raise TracerError("--return cannot be combined with --line; add two ask points")
    if everything and (pids or services):
        raise TracerError("--all cannot be combined with --pid or --service")
    parsed = ask_expressions.parse(expression, unsafe)
    everywhere = ask_points.recording()
    targets = _targets(everywhere, pids, services)
    point: AskPoint = {
        "key": _next_key(everywhere), "where": where, "when": line or ("return" if at_return else "entry"),
        "expressions": [[item.text, item.code, list(item.names)] for item in parsed], "unsafe": unsafe,
        "pids": list(pids), "services": list(services),
    }  # fmt: skip
    reports = _add(targets, point, ignore if as_json else process_reports.print_report)
    if as_json:
        process_reports.as_json(reports)
    else:
        printing.out(f"ask point {point['key']}; remove it with: bootseq ask remove {point['key']}")
    if any(report.state not in ("added", "waiting", "not there") for report in reports):
        sys.exit(1)


def _targets(
    everywhere: dict[Path, list[Attached]], pids: tuple[int, ...], services: tuple[str, ...]
) -> dict[Path, list[Attached]]:
    targets = ask_points.chosen(everywhere, pids, services)
    inside = {target.process.pid for attached in targets.values() for target in attached}
    missing = [pid for pid in pids if pid not in inside]
    if missing:
        raise TracerError(f"{missing[0]}: has no hooks; attach with: bootseq attach --pid {missing[0]} -o CAPTURE")
    if not targets:
        wanted = f"no process of {services[0]!r} has hooks" if services else "nothing is attached"
        raise TracerError(f"{wanted}; attach with: bootseq attach --all -o CAPTURE")
    return targets


def _next_key(targets: dict[Path, list[Attached]]) -> str:
    keys = [str(point["key"]) for folder in targets for point in captures.asks(folder)]
    return str(max((int(key) for key in keys if key.isdigit()), default=0) + 1)


def _add(
    targets: dict[Path, list[Attached]], point: AskPoint, on_report: Callable[[ProcessReport], object]
) -> list[ProcessReport]:
    """Add the point: to the captures first, so that processes attached meanwhile have it too."""
    for folder in targets:
        guard_client.keep(folder)
        captures.write_asks(folder, [*captures.asks(folder), point])
    reports = [report for attached in targets.values() for report in ask_points.add(attached, point)]
    if not any(report.state in ("added", "waiting") for report in reports):
        for folder in targets:
            _forget(folder, [point["key"]])
    if reports and all(report.state == "not there" for report in reports):
        raise TracerError(f"{point['where']}: {min(reports, key=lambda report: report.rank).reason}")
    for report in reports:
        on_report(report)
    return reports


def _forget(folder: Path, keys: list[str]) -> None:
    captures.write_asks(folder, [point for point in captures.asks(folder) if point["key"] not in keys])


@ask.command("list")
@process_reports.json_option
def list_points(as_json: bool) -> None:
    """List the ask points, their processes, and the number of lines written.

    \b
    Example:
      bootseq ask list
    """
    rows = []
    for folder, attached in ask_points.recording().items():
        points = captures.asks(folder)
        states = ask_points.state(attached) if points else []
        rows += [_row(folder, point, states) for point in points]
    if as_json:
        printing.as_json(rows)
        return
    for row in rows:
        printing.out(f"{row['key']}. {row['where']}{_when(row['when'])}: {', '.join(row['expressions'])}")
        for process in row["processes"]:
            error = f"; {process['error']}" if process["error"] else ""
            lines = plural(process["lines"], "line")
            printing.out(f"    {process['service']} (pid {process['pid']}): {process['state']}, {lines}{error}")
    if not rows:
        printing.out("no ask points")


def _row(folder: Path, point: AskPoint, states: list[ProcessReport]) -> dict[str, Any]:
    processes = [
        {"pid": report.pid, "service": report.service}
        | {name: state[name] for name in ("state", "lines", "failures", "error")}
        for report in states
        for state in report.more.get("points", [])
        if state["key"] == point["key"]
    ]
    return {
        "key": point["key"], "where": point["where"], "when": point["when"],
        "expressions": [text for text, _, _ in point["expressions"]], "unsafe": point["unsafe"],
        "pids": point["pids"], "services": point["services"], "capture": str(folder), "processes": processes,
    }  # fmt: skip


def _when(when: object) -> str:
    return {"entry": "", "return": " --return"}.get(str(when), f" --line {when}")


@ask.command()
@click.option("--all", "everything", is_flag=True, help="Remove every ask point.")
@process_reports.json_option
@click.argument("key", nargs=-1)
def remove(key: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Remove the ask points KEY, numbers that `bootseq ask list` shows.

    \b
    Examples:
      bootseq ask remove 3
      bootseq ask remove --all
    """
    if bool(key) == everything:
        raise TracerError("nothing to remove; pass KEY (see: bootseq ask list) or --all")
    targets = ask_points.recording()
    known = {str(point["key"]) for folder in targets for point in captures.asks(folder)}
    unknown = [word for word in key if word not in known]
    if unknown:
        raise TracerError(f"{unknown[0]}: no such ask point; see: bootseq ask list")
    keys = [*key] or sorted(known)
    reports = []
    for folder, attached in targets.items() if keys else ():
        _forget(folder, keys)
        reports += ask_points.remove(attached, keys, ignore if as_json else _print_removed)
    if as_json:
        process_reports.as_json(reports)
    elif not keys:
        printing.out("no ask points")
    if any(report.state == "cannot" for report in reports):
        sys.exit(1)


def _print_removed(report: ProcessReport) -> None:
    if report.state != "none":
        process_reports.print_report(report, ", ".join(report.more.get("keys", [])))
