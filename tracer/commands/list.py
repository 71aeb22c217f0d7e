"""``bootseq list``: the boots in a trace file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagrams.text import by_kind, span
from tracer import times, trace_file
from tracer.commands import printing, terminal
from tracer.commands.options import PATH
from tracer.model import Request, Unassigned, lanes
from tracer.text import printable

if TYPE_CHECKING:
    from tracer.lifecycle import Action, Instance


#: The shortest beginning of an id, and more than any id's length.
_SHORTEST, _LONGEST = 8, 64


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
@click.option("--wide", is_flag=True, help="Print whole ids, and counts by kind, on a terminal too.")
@terminal.color_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("file", type=PATH)
def list_boots(
    file: Path, everything: bool, untied: bool, instances: bool, wide: bool, color: str, as_json: bool
) -> None:  # fmt: skip
    """List the boots in FILE: server, ids, outcome, start (UTC), duration, host, steps.

    A terminal shows the beginnings of ids, as long as they are unique: other commands take them as WHAT.

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
        return
    whole = wide or not terminal.is_terminal()
    started = "started (UTC)" if whole else _day(rows)
    header = ("#", "server", "instance", "request", "outcome", started, "took", "host", "steps")
    styles = [_style(row["outcome"]) for row in rows]
    terminal.table(header, _cells(rows, started, whole=whole), styles, color, flexible={"server", "outcome", "host"})


def _day(rows: list[dict[str, Any]]) -> str:
    """Return the date that all requests began on, else the words for date and time."""
    days = {row["started"][:10] for row in rows}
    return days.pop() if len(days) == 1 else "started (UTC)"


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


def _cells(rows: list[dict[str, Any]], started: str, *, whole: bool) -> list[list[str]]:
    """Return the columns of each row; ids are shortened to what no other shares, unless ``whole``."""
    uuid = _LONGEST if whole else _unique([row["uuid"] for row in rows])
    request = _LONGEST if whole else _unique([row["request_id"].removeprefix("req-") for row in rows])
    return [
        [
            str(row["number"]), row["server"] or row["operation"] or "-", row["uuid"][:uuid] or "-",
            (row["request_id"] if whole else row["request_id"].removeprefix("req-"))[:request] or "-",
            _mark(row["outcome"]) + row["outcome"], _time(row["started"], started),
            span(round(row["duration_ms"] * 1e6)), row["host"] or "-",
            by_kind(row["counts"]) if whole else str(row["steps"]),
        ]
        for row in rows
    ]  # fmt: skip


def _time(iso: str, header: str) -> str:
    """Return date and time, or the time alone of the day in the header."""
    date, _, time = iso.partition("T")
    return time[:8] if date == header else f"{date} {time[:8]}"


def _unique(ids: list[str]) -> int:
    """Return the number of characters, 8 at least, that tells ids apart."""
    different = set(ids)
    return next(
        (length for length in range(_SHORTEST, _LONGEST) if len({id_[:length] for id_ in different}) == len(different)),
        _LONGEST,
    )


def _mark(outcome: str) -> str:
    return "✗ " if outcome.startswith("error") else "… " if outcome == "unfinished" else ""


def _style(outcome: str) -> str:
    return {"✗ ": "red", "… ": "yellow"}.get(_mark(outcome), "")
