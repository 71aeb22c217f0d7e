"""The content of a store: its days, its boots."""

from __future__ import annotations

from typing import Any

from tracer.fleet import conditions
from tracer.fleet.scope import Run

_DAYS = """
SELECT day, count(*) AS boots, sum(CASE WHEN outcome = 'error' THEN 1 ELSE 0 END) AS failed,
    count(DISTINCT host) AS hosts, count(DISTINCT release) AS releases, count(DISTINCT witnesses) AS witnesses
FROM boots WHERE {condition} GROUP BY day ORDER BY day
"""
_BOOTS = """
SELECT started, uuid, request_id, server, release, host, witnesses, outcome, error, dur_us, ports, volumes, traits,
    source
FROM boots WHERE {condition} ORDER BY started, boot
"""


def days(run: Run, where: str) -> list[dict[str, Any]]:
    """Return the days with boots that have the traits."""
    names = ("day", "boots", "failed", "hosts", "releases", "witnesses")
    return [dict(zip(names, row, strict=True)) for row in run(_DAYS.format(condition=conditions.sql(where)))]


def boots(run: Run, where: str) -> list[dict[str, Any]]:
    """Return the boots that have the traits."""
    names = (
        "started", "uuid", "request_id", "server", "release", "host", "witnesses", "outcome", "error", "duration_us",
        "ports", "volumes", "traits", "source",
    )  # fmt: skip
    return [dict(zip(names, row, strict=True)) for row in run(_BOOTS.format(condition=conditions.sql(where)))]
