"""The hosts on which an instance was to run: filters and Placement that left none, attempts, and why each failed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.explain import cause as causes
from tracer.explain import failures
from tracer.explain.checks import passes
from tracer.explain.explanation import HostTry
from tracer.explain.failures import FAILING
from tracer.explain.quotations import evidence
from tracer.explain.words import error_type, shorten
from tracer.messages import report_of
from tracer.model import Request, Step

#: Messages that place an instance on the host that receives them.
_PLACES = frozenset(
    """
    build_and_run_instance run_instance prep_resize resize_instance finish_resize live_migration pre_live_migration
    rebuild_instance unshelve_instance check_can_live_migrate_destination check_can_live_migrate_source
    """.split()  # noqa: SIM905 - a list of words
)
_EMPTY_FILTER = re.compile(r"Filter (\w+) returned 0 hosts")
_RESULTS = re.compile(r"Filtering removed all hosts.*?Filter results: (.*)", re.DOTALL)
_COUNTS = re.compile(r"(\w+): \(start: (\d+), end: (\d+)\)")
_REMAINING = re.compile(r"\('(\w+)', (None|\[[^\]]*\])\)")
_NO_CANDIDATES = re.compile(r"Got no allocation candidates")
_NO_PROVIDERS = re.compile(r"found no providers with (.+)")
_IGNORED = re.compile(r"Host filter (ignoring hosts|only checking hosts?|forcing.*?to): ?(.*)")
_RESOURCES = re.compile(r"allocation_candidates\?(?:\S*?&)?resources=([^&\s]+)")
_REFUSAL = re.compile(r"\bfails?\b|does not have|not satisfy|is disabled|does not support|not enough", re.IGNORECASE)
_FILTER_LOGGERS = ("nova.scheduler.filters", "nova.filters")


def tries(request: Request) -> list[HostTry]:
    """Return the hosts of a request and what became of them, in the order of time."""
    steps = sorted(request.walk(), key=lambda step: step.start)
    selection = [*_placement(steps), *_filters(steps)]
    return [*selection, *_attempts(request, steps)]


def no_host_reason(steps: list[Step]) -> tuple[str, list[Step]] | None:
    """Return why the scheduler had no host, in a sentence's words, and the steps that report it; None if unknown."""
    empty = next(((step, match) for step, match in _matches(steps, _EMPTY_FILTER)), None)
    if empty is not None:
        steps_of = [empty[0], *(step for step, _ in _matches(steps, _RESULTS))][:2]
        return f"{empty[1][1]}{passes(empty[1][1])} removed the last host{_left(steps)}", steps_of
    results = next(((step, match) for step, match in _matches(steps, _RESULTS)), None)
    if results is not None:
        counts = _COUNTS.findall(results[1][1])
        last = (
            f"{counts[-1][0]}{passes(counts[-1][0])} removed the last host" if counts else "filters removed all hosts"
        )
        return last, [results[0]]
    ignored = next(((step, match) for step, match in _matches(steps, _IGNORED) if "ignoring" in match[1]), None)
    if ignored is not None:
        return f"the scheduler was to ignore {shorten(ignored[1][2], 80)}, and no other host remained", [ignored[0]]
    none = next(((step, match) for step, match in _matches(steps, _NO_CANDIDATES)), None)
    if none is None:
        return None
    lacking = [(step, match[1]) for step, match in _matches(steps, _NO_PROVIDERS)]
    why = f": none has {', '.join(dict.fromkeys(text for _, text in lacking))}" if lacking else ""
    return f"Placement had no host{_wanted(steps)}{why}", [none[0], *(step for step, _ in lacking)]


def _left(steps: list[Step]) -> str:
    for _, match in _matches(steps, _RESULTS):
        counts = _COUNTS.findall(match[1])
        if counts:
            return f" ({', '.join(f'{name} left {end} of {start}' for name, start, end in counts)})"
    return ""


def _wanted(steps: list[Step]) -> str:
    """Return `` for`` and the resources asked of Placement, ``VCPU 2, MEMORY_MB 2048``; "" if that is not known."""
    for step in steps:
        match = _RESOURCES.search(step.text("path" if step.kind == "http" else "message"))
        if match:
            return " for " + shorten(match[1].replace("%3A", " ").replace(":", " ").replace("%2C", ", "), 120)
    return ""


def _matches(steps: list[Step], pattern: re.Pattern[str]) -> Iterator[tuple[Step, re.Match[str]]]:
    for step in steps:
        if step.kind == "log" and (match := pattern.search(step.text("message"))):
            yield step, match


def _placement(steps: list[Step]) -> Iterator[HostTry]:
    for step, _ in _matches(steps, _NO_CANDIDATES):
        lacking = [line for line, _ in _matches(steps, _NO_PROVIDERS)]
        yield HostTry("", f"Placement offered no host{_wanted(steps)}", failed=True, evidence=evidence(step, *lacking))


def _filters(steps: list[Step]) -> Iterator[HostTry]:
    for step, match in _matches(steps, _IGNORED):
        yield HostTry("", f"the scheduler's host filter: {match[1]} {shorten(match[2])}", True, evidence(step))
    for step, match in _matches(steps, _EMPTY_FILTER):
        yield HostTry("", f"filter {match[1]} left no host", failed=True, evidence=evidence(step))
    for step, match in _matches(steps, _RESULTS):
        left = [f"{name} {end} of {start}" for name, start, end in _COUNTS.findall(match[1])]
        left += [f"{name} {_names(remaining)}" for name, remaining in _REMAINING.findall(match[1])]
        if left:
            yield HostTry("", f"filters left: {', '.join(left)}", failed=True, evidence=evidence(step))
    for step in steps:
        refused = step.kind == "log" and step.text("logger").startswith(_FILTER_LOGGERS)
        if refused and _REFUSAL.search(step.text("message")):
            yield HostTry("", shorten(step.text("message"), 160), failed=True, evidence=evidence(step))


def _names(remaining: str) -> str:
    """Return the hosts in a filter's result, ``[('node1', 'node1.site'), …]``; "none" without any."""
    return shorten(" and ".join(re.findall(r"\(u?'([^']*)'", remaining)), 120) or "none"


def _attempts(request: Request, steps: list[Step]) -> Iterator[HostTry]:
    """Yield the hosts that were sent the instance, by messages; else those that log lines name as failed."""
    senders = {step.address: step for step in steps}
    known = set()
    for step in steps:
        if (
            step.kind != "rpc"
            or not step.is_server
            or step.service != "compute"
            or (step.text("method") or step.name) not in _PLACES
        ):
            continue
        sender = senders.get(step.opened_by) or senders.get(step.address.rpartition("-")[0])
        host = (sender.text("server") if sender is not None else "") or request.host or step.host
        ready = _is_ready(step)
        failed = None if ready else causes.worst(request, list(failures.topmost(step)))
        method = step.text("method") or step.name
        known.add(host)
        if failed is None:
            result = ": active" if ready else _logged(step)
            if host or ready:
                yield HostTry(host, f"{method}{result}", failed=False, evidence=evidence(step))
        else:
            yield HostTry(host, f"{method} failed: {_reason(failed)}", failed=True, evidence=evidence(failed))
    if not known:
        yield from _reported(request, steps)


def _reported(request: Request, steps: list[Step]) -> Iterator[HostTry]:
    """Yield the hosts on which the instance failed by the reports of log lines, each once, with its first error."""
    host, failed = "", dict[str, tuple[str, Step]]()
    for step in steps:
        report = report_of(step)
        if report is None:
            continue
        if report.says == "chosen" or report.phase == "claim":
            host = report.host or host
        if report.says == "rescheduled" and report.host and report.host not in failed and "" in failed:
            failed[report.host] = failed.pop("")
        error = failures.error_of(step) or ""
        if error and report.says in FAILING and (step.service == "compute" or report.host):
            failed.setdefault(report.host or host or step.host, (error, step))
        host = "" if report.says == "rescheduled" else host
    if "" in failed and request.host not in failed:
        failed = {name or request.host: entry for name, entry in failed.items()}
    for name, (error, step) in failed.items():
        text = f"failed: {error}" if name else f"a host that is not named failed: {error}"
        yield HostTry(name, text, failed=True, evidence=evidence(step))


def _reason(failed: Step) -> str:
    """Return the error that the failure began with, and where that was in another service."""
    first = causes.downwards(failed)[-1]
    elsewhere = f" (in {first.service})" if first.service != failed.service else ""
    return f"{failures.error_of(first)}{elsewhere}"


def _is_ready(step: Step) -> bool:
    return any(inner.kind == "state" and inner.new_value("vm_state") == "active" for inner in step.walk())


def _logged(step: Step) -> str:
    lines = [error for _, error in failures.reports(list(step.walk())) if error_type(error)]
    return f": logged {lines[0]}" if lines else ": no failure recorded"
