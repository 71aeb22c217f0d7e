"""The explanation of a request, put together from its cause, hosts, waits, phases and what is missing."""

from __future__ import annotations

from tracer.explain import cause as causes
from tracer.explain import failures, guest, hosts, missing, owed, phases, services, waits
from tracer.explain.cause import Failure
from tracer.explain.checks import checks
from tracer.explain.explanation import Explanation, Stage, Statement
from tracer.explain.quotations import evidence
from tracer.explain.select import is_failed
from tracer.explain.sentences import cause_of, chain_of, the
from tracer.explain.words import capital, clock, date, name, plain_error, shorten, span, where
from tracer.model import PART, Request, Step, Trace
from tracer.text import plural

_WORKERS = frozenset({"conductor", "scheduler", "compute"})
#: Outcomes of requests whose end the trace does not hold.
_UNKNOWN = frozenset({"unfinished", "unknown"})


def explain(request: Request, trace: Trace) -> Explanation:
    """Return the explanation of one request of a trace."""
    failed = is_failed(request)
    unknown = not failed and (request.outcome in _UNKNOWN or _is_only_accepted(request))
    failure = causes.find(request) if failed or unknown else None
    calls = waits.unanswered(request) if request.outcome != "active" else []
    cause = cause_of(failure, request, calls) if failed or unknown or calls else None
    debt = owed.find(failure, request, trace)
    cause = debt.cause if debt is not None else cause
    own = services.statements(services.lines_of(trace, request))
    if cause is None and unknown and own:
        cause = _cause_by(own[0])
    explained = cause is not None or not (failed or unknown)
    return Explanation(
        what=_what(request),
        outcome=_outcome(request, failure, failed=failed),
        beginning=_beginning(request),
        end=_end(request, failure),
        cause=cause,
        chain=tuple(chain_of(failure)) if failure is not None else (),
        hosts=tuple(hosts.tries(request)),
        waits=tuple(calls),
        phases=tuple(phases.phases(request)),
        services=(*own, *services.troubles(trace, request)) if request.outcome != "active" else (),
        next=(
            *checks(cause, calls),
            *(debt.checks if debt is not None else ()),
            *missing.missing(request, trace, known=explained),
            *guest.unseen(request),
        ),
        explained=explained,
    )


def explain_services(trace: Trace) -> Explanation | None:
    """Return the explanation of a trace in which services report troubles, but no request failed; None without any."""
    statements = services.troubles(trace)
    if not statements:
        return None
    beginning = Statement("The trace holds no boot and no request that failed.")
    end = Statement(f"Its services report {plural(len(statements), 'trouble')} of their own.")
    return _of_lines("services", beginning, end, statements, statements[0])


def explain_lines(trace: Trace, word: str) -> Explanation | None:
    """Return the explanation of an id that only log lines of no request name; None if none does."""
    lines = services.mentioning(trace, word)
    if not lines:
        return None
    grave = services.statements([line for line in lines if services.is_grave(line)])
    beginning = Statement(f"No request of the trace has it; {plural(len(lines), 'log line')} of no request name it.")
    end = Statement(f"The first is of {lines[0].service} at {date(lines[0].time)}, the last at {date(lines[-1].time)}.")
    return _of_lines(shorten(word), beginning, end, services.statements(lines), grave[0] if grave else None)


def _of_lines(
    what: str, beginning: Statement, end: Statement, statements: list[Statement], first: Statement | None
) -> Explanation:
    cause = _cause_by(first) if first is not None else None
    outcome = "error" if first is not None else "unknown"
    return Explanation(
        what, outcome, beginning, end, cause, (), (), (), (), tuple(statements), (), explained=first is not None
    )


def _cause_by(statement: Statement) -> Stage:
    """Return the cause that lines of no request report."""
    return Stage(f"{capital(statement.text)}.", "", "", statement.text, statement.evidence)


def _outcome(request: Request, failure: Failure | None, *, failed: bool) -> str:
    """Return the outcome; of a request that was accepted, and failed then, what it failed with."""
    if not failed or request.outcome != "done":
        return request.outcome
    error = failures.error_of(failure.last) if failure is not None else ""
    return f"error: {error}" if error else "error"


def _what(request: Request) -> str:
    ids = {"instance": request.uuid, "request": request.request_id}
    known = ", ".join(f"{key} {value}" for key, value in ids.items() if value)
    title = shorten(f"{_action(request)}{request.operation} {request.server}".strip() or "request")
    return f"{title} ({shorten(known)})" if known else title


def _action(request: Request) -> str:
    """Return the action that the request's body names, ``migrate: ``; "" without one."""
    seed = _seed(request)
    body = seed.attributes.get("body") if seed is not None and seed.text("path").endswith("/action") else None
    return f"{shorten(next(iter(body)), 60)}: " if isinstance(body, dict) and body else ""


def _beginning(request: Request) -> Statement:
    """Return who asked for what, when, and what the API answered."""
    seed = _seed(request)
    if seed is None:
        head = request.chapters[0] if request.chapters else None
        return _first_sign(head) if head is not None else Statement("The trace holds no step of it.")
    status = seed.attributes.get("status")
    answer = f"answered {status} after {span(seed.duration or 0)}" if status else "gave no answer that was recorded"
    host = f" ({seed.host})" if seed.host else ""
    who = f"was sent by {seed.service}{host}" if seed.is_client else f"reached {the(seed.service)}{host}"
    text = f"{name(seed)} {who} at {date(seed.start)}{', and was' if seed.is_client else ', which'} {answer}."
    if seed.is_client and not status:
        text = f"{name(seed)} {who} at {date(seed.start)}; no answer was recorded."
    return Statement(text, evidence(seed))


def _first_sign(head: Step) -> Statement:
    if head.name == PART:
        text = f"Its first line in the trace is of {where(head.service, head.host)}, at {date(head.start)}."
        return Statement(text, evidence(*head.children[:1]))
    if head.kind == "log":
        text = f"Its first line in the trace is of {where(head.service, head.host)}, at {date(head.start)}."
    else:
        text = f"It began with {name(head)} in {where(head.service, head.host)} at {date(head.start)}."
    return Statement(text, evidence(head))


def _seed(request: Request) -> Step | None:
    """Return the API's step that served the request, else the client's."""
    steps = [step for chapter in request.chapters[:1] for step in chapter.walk() if step.kind == "http"]
    own = [step for step in steps if step.is_server and step.request_id == request.request_id] if steps else []
    posts = [step for step in steps if step.text("method") == "POST" and "/servers" in step.text("path")]
    return next(iter(own or sorted(posts, key=lambda step: not step.is_server) or steps), None)


def _end(request: Request, failure: Failure | None) -> Statement:
    """Return how the request ended, for all that the trace shows."""
    states = [step for step in request.walk() if step.kind == "state"]
    if request.outcome == "active":
        last = [step for step in states if step.new_value("vm_state") == "active"][-1:]
        host = f" on {shorten(request.host)}" if request.host else ""
        return Statement(f"It ended well: the instance was active{host} {_since(request, last)}.", evidence(*last))
    if is_failed(request):
        last = [step for step in states if step.new_value("vm_state") == "error"][-1:]
        last = last or ([failure.last] if failure is not None else [])
        known = plain_error(request.outcome.partition(": ")[2]) or (failures.error_of(failure.last) if failure else "")
        text = f"It failed {_since(request, last)}{': ' + known.rstrip('.') if known else ''}."
        return Statement(text, evidence(*last))
    if request.outcome in _UNKNOWN:
        final = max((step for step in request.walk() if step.name != PART), key=failures.end_of, default=None)
        text = f"Its end is not in the trace, whose last step of it is {span(request.duration)} after its start."
        return Statement(text, evidence(final) if final is not None else ())
    if _is_only_accepted(request):
        return Statement("The API accepted it; what came of it is not in the trace.")
    if request.outcome == "done":
        return Statement(f"It ended well {_since(request, [])}.")
    return Statement(f"It ended after {span(request.duration)}: {shorten(request.outcome)}.")


def _is_only_accepted(request: Request) -> bool:
    """Return whether the API promised work of which the trace shows nothing."""
    seed = _seed(request)
    if seed is None or request.outcome != "done" or seed.service != "API":
        return False
    promised = seed.attributes.get("status") == 202 or (
        seed.text("method") == "DELETE" and "/servers/" in seed.text("path")
    )
    return promised and not any(step.service in _WORKERS for step in request.walk())


def _since(request: Request, last: list[Step]) -> str:
    end = failures.end_of(last[0]) - request.started if last else request.duration
    return f"{span(end)} after its start" if end > 0 else f"at {clock(request.started)}"
