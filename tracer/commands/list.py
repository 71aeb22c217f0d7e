"""``bootseq list``: the boots in a trace file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer import times, trace_file
from tracer.commands import printing
from tracer.commands.options import PATH
from tracer.model import Request, Unassigned, lanes
from tracer.text import printable

if TYPE_CHECKING:
    from tracer.lifecycle import Action, Instance


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="List other requests too.")
@click.option(
    "--untied", is_flag=True, help="List instead the steps of no request: reason, service, kind, name, count, times."
)
@click.option(
    "--instances",
    is_flag=True,
    help="List instead the instances: uuid, server, host, and each action with time, request, outcome.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("file", type=PATH)
def list_boots(file: Path, everything: bool, untied: bool, instances: bool, as_json: bool) -> None:
    """List the boots in FILE: server, request id, outcome, duration, counts.

    \b
    Examples:
      bootseq list boot.trace.jsonl.gz
      bootseq list boot.trace.jsonl.gz --instances
      bootseq list boot.trace.jsonl.gz --untied
    """
    trace = trace_file.read(file)
    if untied:
        _list_untied(trace.untied, as_json)
        return
    if instances:
        from tracer.lifecycle import instances as instances_of  # reads the catalogue of messages, which takes a while

        _list_instances(instances_of(trace), as_json)
        return
    rows = [_row(boot) for boot in [*trace.boots, *(trace.others if everything else [])]]
    if as_json:
        printing.as_json(rows)
        return
    if not rows:
        printing.out("no boots" + ("" if everything else "; for other requests pass --all"))
    for line in printing.aligned([_columns(row) for row in rows]):
        printing.out(line)


def _list_instances(lives: list[Instance], as_json: bool) -> None:
    """Print a row an instance, with its actions in order of time."""
    if as_json:
        printing.as_json([_instance_row(life) for life in lives])
        return
    if not lives:
        printing.out("no instances")
    for line in printing.aligned([
        [printable(text) or "-" for text in (life.uuid, life.server, life.host, "; ".join(map(_done, life.actions)))]
        for life in lives
    ]):  # fmt: skip
        printing.out(line)


def _done(action: Action) -> str:
    return f"{action.name} {times.plain(action.time)} by {action.request}: {action.outcome}"


def _instance_row(life: Instance) -> dict[str, Any]:
    done = [
        {
            "action": action.name, "time": times.iso(action.time), "request": action.request,
            "request_id": action.request_id, "outcome": action.outcome,
        }
        for action in life.actions
    ]  # fmt: skip
    return {"uuid": life.uuid, "server": life.server, "host": life.host, "actions": done}


def _list_untied(groups: list[Unassigned], as_json: bool) -> None:
    """Print unassigned steps: the unexplained first, then heartbeats, start-up and idle times."""
    if as_json:
        printing.as_json([_untied_row(group) | lanes.as_json(group.service) for group in groups])
        return
    if not groups:
        printing.out("everything belongs to a request")
    ordered = sorted(
        groups, key=lambda group: (Unassigned.WHYS.index(group.why), group.service, group.kind, -group.count)
    )
    for line in printing.aligned([list(map(str, _untied_row(group).values())) for group in ordered]):
        printing.out(line)


def _untied_row(group: Unassigned) -> dict[str, Any]:
    return asdict(group) | {"first": times.iso(group.first), "last": times.iso(group.last)}


def _row(boot: Request) -> dict[str, Any]:
    counts = dict(boot.counts())
    return {
        "number": boot.number,
        "operation": boot.operation,
        "server": boot.server,
        "uuid": boot.uuid,
        "request_id": boot.request_id,
        "outcome": boot.outcome,
        "started": times.iso(boot.started),
        "duration_ms": round(boot.duration / 1e6, 3),
        "host": boot.host,
        "steps": sum(counts.values()),
        "counts": counts,
    }


def _columns(row: dict[str, Any]) -> list[str]:
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(row["counts"].items()))
    named = [row["server"] or row["operation"], row["uuid"], row["request_id"], row["outcome"]]
    return [f"{row['number']:>3}", *(printable(text) or "-" for text in named), f"{row['duration_ms']:.0f} ms", counts]
