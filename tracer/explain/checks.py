"""Commands that show the state of the cloud that a cause points at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.explain.explanation import Next, Stage, Wait
from tracer.explain.filters import FILTERS

_FILTER = re.compile(r"^(\w+)(?:, which passes .*,)? removed the last host")
_RESOURCES = re.compile(r"^Placement had no host for ((?:\w+ \d+(?:, )?)+)")
_COMPUTE = ("compute", "conductor", "scheduler")


def checks(cause: Stage | None, waits: list[Wait]) -> Iterator[Next]:
    """Yield what to look at next: nothing of it is in the trace."""
    if cause is None:
        return
    name = _FILTER.match(cause.text)
    if name and name[1] in FILTERS:
        yield Next(f"What {name[1]} looks at:", FILTERS[name[1]].command)
    wanted = _RESOURCES.match(cause.text)
    if wanted:
        pairs = [pair.split() for pair in wanted[1].rstrip(", ").split(", ")]
        resources = " ".join(f"--resource {resource}={amount}" for resource, amount in pairs)
        yield Next("What Placement offers now:", f"openstack allocation candidate list {resources}")
    if waits and waits[0].peer in _COMPUTE and waits[0].peer == cause.service:
        service = f"nova-{waits[0].peer}"
        yield Next(f"Is {service} up?", f"openstack compute service list --service {service}")
