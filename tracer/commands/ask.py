"""``bootseq ask``: log lines from running code, without editing it."""

from __future__ import annotations

import re
import sys
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
    """Have running code write lines with the values you name, into ask.log and the tree, without editing it.

    \b
    Example:
      bootseq ask add nova.scheduler.manager:SchedulerManager.select_destinations 'spec_obj.flavor.name, request_spec'
    """


@ask.command()
@click.option("--return", "at_return", is_flag=True, help="When it returns: its arguments, and `result`.")
@click.option(
    "--line", type=click.IntRange(min=1), metavar="N", help="At this line of its source: its local variables."
)
@click.option("--unsafe", is_flag=True, help="Any expression: calls, comprehensions, properties, repr().")
@click.option("--pid", "pids", type=int, multiple=True, metavar="N", help="Only this process; may be given again.")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only this service: nova-compute, 'nova-*'.")
@click.option("--all", "everything", is_flag=True, help="Every process that has hooks in; so it is if you say nothing.")
@process_reports.json_option
@click.argument("where")
@click.argument("expression", nargs=-1, required=True)
def add(
    where: str, expression: tuple[str, ...], at_return: bool, line: int | None, unsafe: bool, pids: tuple[int, ...],
    services: tuple[str, ...], everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Ask at WHERE (package.module:Class.method or package.module:function) for the values of expressions.

    A line is written each time the function is entered. Names are those of its arguments and of its module. What is
    allowed is reading: attributes, items, comparisons, a few functions such as len(). No code of the service runs for
    it: what it has not loaded yet shows as <not loaded>. Secrets are masked.
    Processes that are attached later have the point too. Exit code 1 says that some process could not be asked; 2, that
    none has such a place.

    \b
    Examples:
      bootseq ask add nova.scheduler.manager:SchedulerManager.select_destinations 'spec_obj.flavor.name, request_spec'
      bootseq ask add nova.compute.manager:ComputeManager._build_resources 'instance.uuid, len(block_device_mapping)'
      bootseq ask add nova.scheduler.manager:SchedulerManager._schedule 'len(result)' --return
    """
    if not _WHERE.fullmatch(where):
        raise TracerError(f"{where}: not a place; name it as package.module:Class.method or package.module:function")
    if at_return and line is not None:
        raise TracerError("--return and --line are two places; add two ask points")
    if everything and (pids or services):
        raise TracerError("--all, or some: not both")
    asked = ask_expressions.parse(expression, unsafe)
    everywhere = ask_points.recording()
    targets = _targets(everywhere, pids, services)
    point: AskPoint = {
        "key": _next_key(everywhere), "where": where, "when": line or ("return" if at_return else "entry"),
        "expressions": [[each.text, each.code, list(each.names)] for each in asked], "unsafe": unsafe,
        "pids": list(pids), "services": list(services),
    }  # fmt: skip
    found = _add(targets, point, None if as_json else process_reports.tell)
    if as_json:
        process_reports.as_json(found)
    else:
        printing.out(f"ask point {point['key']}; it goes with: bootseq ask remove {point['key']}")
    if any(each.state not in ("added", "waiting", "not there") for each in found):
        sys.exit(1)


def _targets(
    everywhere: dict[Path, list[Attached]], pids: tuple[int, ...], services: tuple[str, ...]
) -> dict[Path, list[Attached]]:
    targets = ask_points.chosen(everywhere, pids, services)
    inside = {each.process.pid for attached in targets.values() for each in attached}
    missing = [pid for pid in pids if pid not in inside]
    if missing:
        raise TracerError(f"{missing[0]}: has no hooks in; bootseq attach --pid {missing[0]} -o CAPTURE")
    if not targets:
        wanted = f"no process of {services[0]!r} has hooks in" if services else "nothing is attached"
        raise TracerError(f"{wanted}; bootseq attach --all -o CAPTURE")
    return targets


def _next_key(targets: dict[Path, list[Attached]]) -> str:
    used = [int(each["key"]) for folder in targets for each in captures.asks(folder) if str(each["key"]).isdigit()]
    return str(max(used, default=0) + 1)


def _add(targets: dict[Path, list[Attached]], point: AskPoint, told: Any) -> list[ProcessReport]:
    """Kept first: who is attached meanwhile has it too."""
    for folder in targets:
        guard_client.keep(folder)
        captures.write_asks(folder, [*captures.asks(folder), point])
    found = [each for attached in targets.values() for each in ask_points.add(attached, point)]
    if not any(each.state in ("added", "waiting") for each in found):
        for folder in targets:
            _forget(folder, [point["key"]])
    if found and all(each.state == "not there" for each in found):
        raise TracerError(f"{point['where']}: {min(found, key=lambda report: report.rank).reason}")
    for each in found if told is not None else ():
        told(each)
    return found


def _forget(folder: Path, keys: list[str]) -> None:
    captures.write_asks(folder, [each for each in captures.asks(folder) if each["key"] not in keys])


@ask.command("list")
@process_reports.json_option
def list_points(as_json: bool) -> None:
    """Show what is asked, in which processes, and how many lines were written.

    \b
    Example:
      bootseq ask list
    """
    rows = []
    for folder, attached in ask_points.recording().items():
        kept = captures.asks(folder)
        states = ask_points.state(attached) if kept else []
        rows += [_row(folder, point, states) for point in kept]
    if as_json:
        printing.as_json(rows)
        return
    for row in rows:
        printing.out(f"{row['key']}. {row['where']}{_when(row['when'])}: {', '.join(row['expressions'])}")
        for each in row["processes"]:
            said = f"; {each['error']}" if each["error"] else ""
            lines = plural(each["lines"], "line")
            printing.out(f"    {each['service']} (pid {each['pid']}): {each['state']}, {lines}{said}")
    if not rows:
        printing.out("nothing is asked")


def _row(folder: Path, point: AskPoint, states: list[ProcessReport]) -> dict[str, Any]:
    processes = [
        {"pid": each.pid, "service": each.service}
        | {name: told[name] for name in ("state", "lines", "failures", "error")}
        for each in states
        for told in each.more.get("points", [])
        if told["key"] == point["key"]
    ]
    return {
        "key": point["key"], "where": point["where"], "when": point["when"],
        "expressions": [text for text, _, _ in point["expressions"]], "unsafe": point["unsafe"],
        "pids": point["pids"], "services": point["services"], "capture": str(folder), "processes": processes,
    }  # fmt: skip


def _when(when: object) -> str:
    return {"entry": "", "return": " --return"}.get(str(when), f" --line {when}")


@ask.command()
@click.option("--all", "everything", is_flag=True, help="Every ask point.")
@process_reports.json_option
@click.argument("key", nargs=-1)
def remove(key: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Ask no more under KEY (a number that `bootseq ask list` shows).

    \b
    Examples:
      bootseq ask remove 3
      bootseq ask remove --all
    """
    if bool(key) == everything:
        raise TracerError("say which: bootseq ask remove KEY, or --all")
    targets = ask_points.recording()
    kept = {folder: [str(each["key"]) for each in captures.asks(folder)] for folder in targets}
    known = {each for keys in kept.values() for each in keys}
    unknown = [each for each in key if each not in known]
    if unknown:
        raise TracerError(f"{unknown[0]}: no such ask point; see: bootseq ask list")
    keys = [*key] or sorted(known)
    found = []
    for folder, attached in targets.items() if keys else ():
        _forget(folder, keys)
        found += ask_points.remove(attached, keys, ignore if as_json else _say_removed)
    if as_json:
        process_reports.as_json(found)
    elif not keys:
        printing.out("nothing is asked")
    if any(each.state == "cannot" for each in found):
        sys.exit(1)


def _say_removed(each: ProcessReport) -> None:
    if each.state != "none":
        process_reports.tell(each, ", ".join(each.more.get("keys", [])))
