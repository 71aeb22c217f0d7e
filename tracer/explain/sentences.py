"""The sentences of a failure: its first cause, and the stages of its way to the user."""

from __future__ import annotations

from tracer.explain import failures, hosts
from tracer.explain.cause import Failure
from tracer.explain.explanation import Stage, Wait
from tracer.explain.quotations import evidence
from tracer.explain.words import capital, clock, error_type, name, where
from tracer.messages import report_of
from tracer.model import Request, Step


def cause_of(failure: Failure | None, request: Request, calls: list[Wait]) -> Stage | None:
    """Return the first cause: an unanswered call, hosts that were refused, or the first error."""
    if failure is None:
        return _unanswered(calls[0]) if calls else _without_host(request)
    first, error = failure.first, failure.error
    if failures.is_timeout(error) and calls:
        own = [call for call in calls if any(item.address == first.address for item in call.evidence)]
        return _unanswered((own or calls)[0], error, first)
    no_host = _without_host(request, error, first) if failures.is_no_host(error) else None
    if no_host is not None:
        return no_host
    return Stage(_sentence(first, error), first.service, first.host, error, evidence(first))


def _without_host(request: Request, error: str = "", *failed: Step) -> Stage | None:
    """Return the cause if the scheduler had no host, by what it and Placement report; None if they report nothing."""
    reason = hosts.no_host_reason(list(request.walk()))
    if reason is None:
        return None
    text, witnesses = reason
    service, host = witnesses[0].service, witnesses[0].host
    return Stage(f"{capital(text)}.", service, host, error, evidence(*witnesses, *failed))


def _unanswered(call: Wait, error: str = "", first: Step | None = None) -> Stage:
    more = evidence(first) if first is not None else ()
    unique = {item.address: item for item in (*call.evidence, *more)}
    return Stage(f"{capital(call.text)}.", call.peer or call.caller, "", error or "no answer", tuple(unique.values()))


def _sentence(step: Step, error: str) -> str:
    error = error.rstrip(".")
    report = report_of(step)
    if report is not None and report.says == "answered":
        return f"{capital(the(step.service))} refused the request at {clock(step.start)}: {error}."
    if step.kind == "log":
        return f"{capital(where(step.service, step.host))} logged at {clock(step.start)}: {error}."
    if step.kind == "http" and step.is_server and error.startswith("HTTP "):
        return f"{capital(the(step.service))} answered {name(step)} with {error}; why is not in the trace."
    if step.kind == "http" and step.is_server:
        return f"{capital(the(step.service))} refused {name(step)} with HTTP {step.text('status')}: {error}."
    if step.kind == "http":
        peer = step.text("peer") or "the far side"
        return f"{capital(peer)} answered {name(step)} of {where(step.service, step.host)} with {error}."
    verb = "failed with" if error_type(error) else "failed:"
    return f"{name(step)} in {where(step.service, step.host)} {verb} {error}."


def chain_of(failure: Failure) -> list[Stage]:
    """Return the way of a failure; what a service only passed on is one link."""
    links: list[Stage] = []
    for step in failure.path:
        error = failures.error_of(step) or ""
        if links and (links[-1].service, links[-1].error) == (step.service, error) and error:
            continue
        links.append(Stage(_link_text(step, error), step.service, step.host, error, evidence(step)))
    return links


def _link_text(step: Step, error: str) -> str:
    if step.kind == "state" or error.startswith("Setting instance to ERROR"):
        return f"{where(step.service, step.host)} set the instance to error"
    if step.kind == "log":
        return f"{where(step.service, step.host)} logged {error}"
    if step.kind == "http":
        by = f" by {step.text('peer')}" if step.is_client and step.text("peer") else ""
        return f"{where(step.service, step.host)}: {name(step)} was answered{by} with {error}"
    return f"{where(step.service, step.host)}: {name(step)} failed: {error}"


def the(service: str) -> str:
    """Return a service with its article where it has one."""
    return f"the {service}" if service in ("API", "client") else service
