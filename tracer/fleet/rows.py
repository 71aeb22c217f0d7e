"""The rows of a boot: what the fleet stores of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tracer.fleet import schema
from tracer.fleet.keys import Key, digest, keyed
from tracer.model import Request, Step
from tracer.notation.scrub import plain
from tracer.text import printable

_MAX_TEXT = 200


@dataclass(slots=True)
class StepRow:
    """The occurrences of a key in a boot; times in microseconds, ``first`` since the boot's start."""

    n: int = 0
    total: int = 0
    alone: int = 0
    longest: int = 0
    first: int = 0
    errors: int = 0
    unfinished: int = 0


@dataclass(slots=True)
class BootRows:
    """A boot's values by column, without those that a segment adds, its steps by key, and the keys."""

    boot: dict[str, Any]
    steps: dict[int, StepRow] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)


def rows_of(boot: Request, source: str, traits: Mapping[str, str]) -> BootRows:
    """Return the rows of a boot with an instance; ``source`` names its trace file."""
    rows = BootRows({})
    began = boot.started
    count = 0
    for step, key in keyed(boot):
        count += 1
        row = rows.steps.get(key.number)
        if row is None:
            row = rows.steps[key.number] = StepRow(first=(step.start - began) // 1000)
            rows.keys[key.number] = key
        _add(row, step, began)
    rows.boot = _boot(boot, count) | _requested(boot) | {"traits": dict(traits), "source": source}
    return rows


def _add(row: StepRow, step: Step, began: int) -> None:
    row.n += 1
    row.first = min(row.first, (step.start - began) // 1000)
    row.errors += step.error is not None
    if step.end is None:
        row.unfinished += 1
        return
    total = (step.end - step.start) // 1000
    row.total += total
    row.alone += self_time(step) // 1000
    row.longest = max(row.longest, total)


def self_time(step: Step) -> int:
    """Return the nanoseconds of a finished step in which none of its children ran."""
    assert step.end is not None
    covered, last = 0, step.start
    children = [child for child in step.children if child.end is not None and child.end > child.start]
    for child in sorted(children, key=lambda child: child.start) if len(children) > 1 else children:
        begin, end = max(child.start, last), min(child.end or 0, step.end)
        if end > begin:
            covered += end - begin
            last = end
    return max(step.end - step.start - covered, 0)


def _boot(boot: Request, steps: int) -> dict[str, Any]:
    outcome, _, error = boot.outcome.partition(":")
    counts = boot.counts()
    witnesses = sorted({witness for step in boot.walk() for witness in step.witnesses})
    return {
        "boot": digest(boot.uuid, boot.request_id),
        "uuid": boot.uuid, "request_id": boot.request_id, "server": boot.server,
        "started": boot.started // 1000, "release": boot.versions.get("nova", ""), "host": boot.host,
        "witnesses": "+".join(witnesses), "operation": boot.operation, "outcome": outcome,
        "error": _error(error), "dur_us": boot.duration // 1000, "steps": steps,
        **{kind: counts.get(kind, 0) for kind in schema.COUNTED},
    }  # fmt: skip


def _error(text: str) -> str | None:
    """Return a failure's class, or the beginning of its message, without ids."""
    first = text.strip().partition(":")[0]
    return plain(printable(first))[:_MAX_TEXT] or None


def _requested(boot: Request) -> dict[str, Any]:
    """Return what the API was asked for: ports, volumes, image ("" for a volume) and flavor; None where unknown."""
    bodies = (step.attributes.get("body") for step in boot.walk() if step.kind == "http")
    servers: list[Any] = [body.get("server") for body in bodies if isinstance(body, dict)]
    server = next((server for server in servers if isinstance(server, dict)), None)
    if server is None:
        return dict.fromkeys(("ports", "volumes", "image", "flavor"))
    networks = server.get("networks")
    disks = server.get("block_device_mapping_v2")
    disks = [disk for disk in disks if isinstance(disk, dict)] if isinstance(disks, list) else []
    return {
        "ports": len(networks) if isinstance(networks, list) else 0 if networks == "none" else None,
        "volumes": sum(disk.get("destination_type") == "volume" for disk in disks),
        "image": str(server.get("imageRef") or ""),
        "flavor": str(server.get("flavorRef") or ""),
    }
