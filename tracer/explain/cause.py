"""The first cause of a failure, and its way up to what the user saw."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.explain import failures
from tracer.explain.failures import alike, end_of, error_of, is_lookup
from tracer.explain.words import error_type, plain_error
from tracer.messages import report_of
from tracer.model import Request, Step


@dataclass(frozen=True)
class Failure:
    """A failure's way as steps, from the first cause to what the user saw; ``lines``: of log lines alone."""

    path: list[Step]
    lines: bool = False

    @property
    def first(self) -> Step:
        """The step that failed first."""
        return self.path[0]

    @property
    def last(self) -> Step:
        """The last step with an error, which the user saw or could have seen."""
        return next((step for step in reversed(self.path) if error_of(step)), self.path[-1])

    @property
    def error(self) -> str:
        """The first error."""
        return error_of(self.first) or ""


def find(request: Request) -> Failure | None:
    """Return the failure that decided the request's end; None if the trace shows none."""
    steps = list(request.walk())
    ended = failed_at(steps)
    refusal = _refusal(request)
    decisive = refusal or _decisive(request, ended)
    logged = _logged(steps, ended, decisive)
    if decisive is None or (logged and _says_less(decisive)):
        answer = [refusal] if refusal is not None else []
        return Failure([*logged, *answer], lines=True) if logged else None
    path = [*reversed(downwards(decisive)), *_upwards(decisive, steps)]
    return Failure(path)


def failed_at(steps: list[Step]) -> int | None:
    """Return when the instance's state was set to error, None where that is not known."""
    times = [step.start for step in steps if step.kind == "state" and step.new_value("vm_state") == "error"]
    return min(times, default=None)


def _refusal(request: Request) -> Step | None:
    """Return the request's first step at the service's end if it was answered with an error."""
    servers = [step for head in request.chapters[:1] for step in head.walk() if step.kind == "http"]
    own = [step for step in servers if step.request_id and step.request_id == request.request_id]
    seed = next((step for step in own if step.is_server), None) or next(iter(own), None)
    return seed if seed is not None and error_of(seed) else None


def _decisive(request: Request, ended: int | None) -> Step | None:
    """Return the topmost failure that the instance, or the request, failed with; None if the steps show none."""
    tops = [step for head in request.chapters for step in _tops(head) if step.service != "client"]
    in_time = [step for step in tops if ended is None or end_of(step) <= ended] or tops
    last = worst(request, in_time)
    if last is not None and failures.is_no_host(error_of(last) or ""):
        attempts = [step for step in in_time if step.service == "compute" and end_of(step) < end_of(last)]
        last = worst(request, attempts) or last
    if last is None and request.outcome.startswith(("error", "failed")):
        return max(in_time, key=end_of, default=None)
    return last


def worst(request: Request, tops: list[Step]) -> Step | None:
    """Return the one of several failures that nobody handled: reported ones first, then the last; None for look-ups."""
    grave = [step for step in tops if not is_lookup(error_of(step) or "")]
    return max(_reported(request, tops) or grave, key=end_of, default=None)


def _reported(request: Request, tops: list[Step]) -> list[Step]:
    """Return the failures that the outcome quotes, else those that a service logged: cleaning up fails silently."""
    outcome = plain_error(request.outcome.partition(": ")[2])
    quoted = [step for step in tops if outcome and alike(error_of(step) or "", outcome)]
    if quoted:
        return quoted
    logged = {error for _, error in failures.reports(list(request.walk())) if error_type(error)}
    # An error is logged where it is caught, as it is there or as it was raised first.
    return [step for step in tops if logged & {error_of(inner) for inner in step.walk() if inner.numbered}]


def _tops(head: Step) -> list[Step]:
    if error_of(head) is not None and head.numbered and head.service != "client":
        return [head]
    return [
        step
        for top in failures.topmost(head)
        for step in ([top] if top.service != "client" or top.kind == "http" else list(failures.topmost(top)) or [top])
    ]


def _says_less(decisive: Step) -> bool:
    """Return whether the step has only a status, and nothing inside that failed."""
    return (error_of(decisive) or "").startswith("HTTP ") and not list(failures.topmost(decisive))


def downwards(step: Step) -> list[Step]:
    """Return the failed steps from ``step`` down to the one that failed first."""
    path = [step]
    while (inner := _origin(path[-1])) is not None:
        path.append(inner)
    return path


def _origin(step: Step) -> Step | None:
    """Return the failed step inside that the error came from, None if it arose in ``step`` itself."""
    error = error_of(step) or ""
    inside = [child for child in failures.topmost(step) if child.is_server or end_of(child) <= end_of(step)]
    same = [child for child in inside if alike(error_of(child) or "", error)]
    grave = [child for child in inside if not is_lookup(error_of(child) or "")]
    # A status is an answer: what the far side raised is the origin, a look-up too. What failed last was not handled.
    direct = inside if step.kind == "http" else [child for child in inside if child is _last_numbered(step)]
    last = max(same or grave or direct, key=end_of, default=None)
    if last is None:
        return None
    # What is waited for elsewhere is raised again there: the first that failed so knows more.
    repeated = [child for child in inside if error_of(child) == error_of(last)]
    return last if len(repeated) == 1 else max(repeated, key=lambda child: (_depth(child), -end_of(child)))


def _last_numbered(step: Step) -> Step | None:
    return next((child for child in reversed(step.children) if child.numbered), None)


def _depth(step: Step) -> int:
    """Return how many failed steps there are inside."""
    return sum(1 for inner in step.walk() if inner.numbered and error_of(inner) is not None)


def _upwards(decisive: Step, steps: list[Step]) -> list[Step]:
    """Return what followed: the failures above and after it, and the state that the user saw."""
    parents = {child.address: step for step in steps for child in step.children}
    above = []
    step = parents.get(decisive.address)
    while step is not None:
        if step.numbered and error_of(step) is not None:
            above.append(step)
        step = parents.get(step.address)
    later = [
        step
        for step in steps
        if end_of(step) > end_of(decisive) and step not in above and step is not decisive
        if _is_end(step) or _gives_up(step) or (step.service == "client" and step.kind == "call" and step.error)
    ]
    return sorted([*above, *later], key=end_of)


def _is_end(step: Step) -> bool:
    return step.kind == "state" and step.new_value("vm_state") == "error"


def _gives_up(step: Step) -> bool:
    """Return whether a later failure only reports that no host remained."""
    error = error_of(step)
    return error is not None and failures.is_no_host(error) and step.kind != "http"


def _logged(steps: list[Step], ended: int | None, decisive: Step | None) -> list[Step]:
    """Return the lines that report the failure, the first cause first; one line an error and service."""
    inside = {step.address for step in decisive.walk()} if decisive is not None else None
    lines = [
        (step, error)
        for step, error in failures.reports(steps)
        if (inside is None or step.address in inside or step.witnesses == ("logs",))
    ]
    causes = next(filter(None, map(_telling, reversed(_attempts(lines)))), lines)
    if not causes:
        return []
    unique: dict[tuple[str, str], Step] = {}
    for step, error in [causes[0], *lines[lines.index(causes[0]) + 1 :]]:
        unique.setdefault((step.service, error), step)
    ends = [step for step in steps if _is_end(step)]
    return [*unique.values(), *ends]


def _attempts(lines: list[tuple[Step, str]]) -> list[list[tuple[Step, str]]]:
    """Return the lines by the host that was tried: a report that another one is to be tried ends an attempt."""
    attempts: list[list[tuple[Step, str]]] = [[]]
    for step, error in lines:
        attempts[-1].append((step, error))
        report = report_of(step)
        if report is not None and report.says == "rescheduled":
            attempts.append([])
    return attempts


def _telling(lines: list[tuple[Step, str]]) -> list[tuple[Step, str]]:
    """Return the lines that may be the cause: with an exception that wraps no other, else those of a failed phase."""
    telling = [(step, error) for step, error in lines if not (failures.is_wrapper(error) or is_lookup(error))]
    named = [(step, error) for step, error in telling if error_type(error)]
    return named or [(step, error) for step, error in telling if _is_failed_phase(step)]


def _is_failed_phase(step: Step) -> bool:
    report = report_of(step)
    return report is not None and report.says in ("fails", "refused", "answered")
