"""The gaps of a trace that keep an explanation from saying more, and the commands that get it."""

from __future__ import annotations

from tracer.explain import failures
from tracer.explain.explanation import Next
from tracer.model import Request, Step, Trace, lanes
from tracer.notices import Code, code_of

#: The services that a boot passes, each with the message or request that leads to it.
_BOOT = ("API", "conductor", "scheduler", "compute")
_LOGS = {"API": "nova-api.log", "conductor": "nova-conductor.log", "scheduler": "nova-scheduler.log",
         "compute": "nova-compute.log", "network": "/var/log/neutron", "volume": "/var/log/cinder",
         "image": "/var/log/glance", "placement": "placement-api.log", "identity": "/var/log/keystone"}  # fmt: skip
_LOGS |= {lane: _LOGS[project] for project, services in lanes.SUB_LANES.items() for lane in services}
_RECORD = "bootseq record -o FILE -- openstack server create …"


def missing(request: Request, trace: Trace, *, known: bool) -> list[Next]:
    """Return what would say more; ``known`` if the end of the request is explained already."""
    steps = list(request.walk())
    witnesses = {witness for step in steps for witness in step.witnesses}
    absent = [] if _was_refused(request) else [*_absent(request, steps, witnesses, known=known)]
    result = [*absent]
    if _is_without_reason(request):
        service = request.chapters[0].service
        text = f"The reason is in the log of {service}, before the answer: for Nova, nova.api.openstack.wsgi at INFO."
        result.append(Next(text, f"bootseq ingest -o FILE … {_LOGS.get(service, 'LOG')}"))
    elif not known or absent:
        result += _levels(steps, witnesses)
    if any(code_of(warning) is Code.EVENTS_DROPPED for warning in trace.warnings):
        text = "Events were dropped, as the capture was full."
        result.append(Next(text, "bootseq record --cap 1024 -o FILE -- CMD …"))
    return result


def _is_without_reason(request: Request) -> bool:
    head = request.chapters[0] if request.chapters else None
    if head is None or not _was_refused(request) or "hooks" in head.witnesses:
        return False
    return not failures.reports(list(request.walk()))


def _was_refused(request: Request) -> bool:
    return request.outcome.startswith("error: HTTP ")


def _absent(request: Request, steps: list[Step], witnesses: set[str], *, known: bool) -> list[Next]:
    """Return the services that the request reached, or had to reach, and that no witness recorded."""
    present = {step.service for step in steps}
    called = {step.text("peer") for step in steps if step.kind in ("http", "rpc") and not step.is_server}
    expected = [*(() if known else _expected(request, present)), *_cast_to(steps)]
    names = [name for name in dict.fromkeys(expected) if name and name not in present]
    # What a failed call reached says why it failed.
    failed = {step.text("peer") for step in steps if step.kind == "http" and step.is_client and _is_server_error(step)}
    names += [name for name in _LOGS if name in failed & called and name not in present]
    return [_get(name, witnesses) for name in dict.fromkeys(names)]


def _expected(request: Request, present: set[str]) -> tuple[str, ...]:
    """Return the services that a boot, or work that the API accepted, passes."""
    if request.operation == "boot":
        return _expected_of_boot(present)
    head = request.chapters[0] if request.chapters else None
    return ("conductor", "compute") if head is not None and head.kind == "http" and head.service == "API" else ()


def _expected_of_boot(present: set[str]) -> tuple[str, ...]:
    """Return the services up to the one after the last that is present."""
    reached = max((index for index, name in enumerate(_BOOT) if name in present), default=len(_BOOT) - 1)
    return _BOOT[: reached + 2]


def _cast_to(steps: list[Step]) -> list[str]:
    """Return the services that were sent a message that no one received."""
    return [
        step.text("peer") or step.text("topic").partition(".")[0]
        for step in steps
        if step.kind == "rpc" and not step.is_server and step.mode in ("call", "cast")
        if not step.opens and not any(child.is_server for child in step.children)
    ]


def _is_server_error(step: Step) -> bool:
    status = step.attributes.get("status")
    return isinstance(status, int) and status >= 500


def _get(service: str, witnesses: set[str]) -> Next:
    log = _LOGS.get(service, f"the log of {service}")
    if "hooks" in witnesses:
        return Next(f"Nothing was recorded of {service}: was it running, and attached?", "bootseq doctor")
    text = f"The trace holds nothing of {service}: add {log} of the same time."
    return Next(text, f"bootseq ingest -o FILE … {log if '/' in log or log.endswith('.log') else 'LOG'}")


def _levels(steps: list[Step], witnesses: set[str]) -> list[Next]:
    """Return what the log's levels leave out."""
    if witnesses == {"broker"}:
        text = "Copies of messages do not show how a boot ended: add the services' logs of the same time."
        return [Next(text, "bootseq ingest -o FILE … /var/log/nova")]
    if "hooks" in witnesses or "logs" not in witnesses:
        return []
    levels = {step.text("level") for step in steps if step.kind == "log"}
    if not levels or "DEBUG" in levels:
        return []
    return [
        Next(
            "The logs have no DEBUG lines, which show messages between services and why filters refuse hosts.", _RECORD
        )
    ]
