"""Clocks that contradict cause and effect: a line that is earlier than another service's line that led to it.

Messages prove clocks wrong where they are logged (``clocks``); at INFO only the order of what services report is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracer import notices
from tracer.correlation.tolerances import CLOCK_RESIDUE
from tracer.messages import Report, report_of
from tracer.model import PART, Request, Step
from tracer.model.patterns import UUID

#: Phases of a build on a host, which begin after the scheduler chose it.
_ON_HOST = frozenset({"claim", "network", "block devices", "image", "spawn", "build"})
_FAILURES = frozenset({"fails", "refused"})
#: The API's line on a port that a compute has plugged, after the build began there.
_PLUGGED = re.compile(rf"Creating event network-vif-plugged:\S+ for instance ({UUID})")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A cause that is later than its effect, by more than clocks may be apart."""

    cause: Step
    effect: Step

    @property
    def size(self) -> int:
        """The nanoseconds by which the cause's clock is ahead, at least."""
        return self.cause.start - self.effect.start


@dataclass(frozen=True, slots=True)
class _Line:
    """A log line and what it says."""

    step: Step
    report: Report


def warnings(requests: list[Request]) -> list[str]:
    """Return a line for each two clocks that contradict each other, with the largest contradiction."""
    largest: dict[tuple[str, str], Contradiction] = {}
    for contradiction in contradictions(requests):
        key = _clock(contradiction.cause), _clock(contradiction.effect)
        if key not in largest or largest[key].size < contradiction.size:
            largest[key] = contradiction
    return [_warning(contradiction) for contradiction in largest.values()]


def contradictions(requests: list[Request]) -> Iterator[Contradiction]:
    """Yield the pairs of steps of different clocks whose order cannot be true."""
    #: the first line of the build of each instance, and the API's lines on its port
    begun: dict[str, Step] = {}
    plugged: list[tuple[str, Step]] = []
    for request in requests:
        steps = list(request.walk())
        lines = [_Line(step, report) for step in steps if (report := _report(step))]
        plugged += ((match[1], step) for step in steps if (match := _PLUGGED.search(step.text("message"))))
        for line in lines:
            if _builds(line) and line.report.instance:
                begun[line.report.instance] = min(begun.get(line.report.instance, line.step), line.step, key=_start)
        if len({_clock(step) for step in steps}) > 1:
            pairs = [*_received(steps), *_chosen(lines), *_excluded(lines), *_rescheduled(lines)]
            yield from _wrong(pairs)
    yield from _wrong([(begun[instance], step) for instance, step in plugged if instance in begun])


def _wrong(pairs: list[tuple[Step, Step]]) -> Iterator[Contradiction]:
    """Yield the causes and effects of different clocks that are in the wrong order."""
    for cause, effect in pairs:
        if _clock(cause) != _clock(effect) and cause.start - effect.start > CLOCK_RESIDUE:
            yield Contradiction(cause, effect)


def _builds(line: _Line) -> bool:
    return line.step.service == "compute" and line.report.phase in _ON_HOST


def _received(steps: list[Step]) -> Iterator[tuple[Step, Step]]:
    """Pair the API's receipt of the request with the first step of each other clock under the same request id."""
    receipt = next((step for step in steps if step.kind == "http" and step.is_server), None)
    # Without a duration in the log its start is unknown.
    if receipt is None or not receipt.request_id or not receipt.duration:
        return
    own = [step for step in steps if step.request_id == receipt.request_id and step.name != PART]
    for first in _first_by_clock(own):
        yield receipt, first


def _chosen(lines: list[_Line]) -> Iterator[tuple[Step, Step]]:
    """Pair the first choice of a host with the first line of the build there."""
    choices = [line.step for line in lines if line.report.says == "chosen"]
    builds = [line.step for line in lines if _builds(line)]
    # More hosts than choices: the first choice was not logged.
    if choices and len({_clock(step) for step in builds}) <= len(choices):
        for first in _first_by_clock(builds):
            yield min(choices, key=_start), first


def _excluded(lines: list[_Line]) -> Iterator[tuple[Step, Step]]:
    """Pair the filter that left no host with the last line that reports the failure of scheduling."""
    causes = [line.step for line in lines if line.report.says == "excluded"]
    effects = [line.step for line in lines if line.report.says == "error" and line.report.phase in ("", "scheduling")]
    if causes and effects:
        yield min(causes, key=_start), max(effects, key=_start)


def _rescheduled(lines: list[_Line]) -> Iterator[tuple[Step, Step]]:
    """Pair the first failure on a host with the line that reports it where another host is to be tried."""
    builds: dict[str, list[_Line]] = {}
    for line in lines:
        if _builds(line):
            builds.setdefault(_clock(line.step), []).append(line)
    for effect in lines:
        if effect.report.says != "rescheduled" or effect.step.service == "compute":
            continue
        for build in builds.values():
            failures = [line.step for line in build if line.report.says in _FAILURES]
            if failures and _is_about(effect, build):
                yield min(failures, key=_start), effect.step


def _is_about(effect: _Line, build: list[_Line]) -> bool:
    """Return whether a line on a failed host is about this build: by its name, else as it had begun by then."""
    names = {line.step.host for line in build} | {line.report.host for line in build if line.report.phase == "claim"}
    names -= {""}
    if effect.report.host and names:
        return effect.report.host in names
    return min(line.step.start for line in build) <= effect.step.start


def _report(step: Step) -> Report | None:
    return None if step.text("level") == "DEBUG" else report_of(step)


def _first_by_clock(steps: list[Step]) -> list[Step]:
    firsts: dict[str, Step] = {}
    for step in sorted(steps, key=_start):
        firsts.setdefault(_clock(step), step)
    return list(firsts.values())


def _clock(step: Step) -> str:
    """Return the name of the clock by which a step was recorded: its host's, else its process's own."""
    return step.host or step.process


def _start(step: Step) -> int:
    return step.start


def _warning(contradiction: Contradiction) -> str:
    cause, effect = contradiction.cause, contradiction.effect
    return notices.clock_contradicted(
        _name(cause), _name(effect), contradiction.size, _words(cause), _words(effect), zone=not cause.host
    ).text


def _name(step: Step) -> str:
    log = step.text("log_file").rpartition("/")[2]
    return f"host {step.host}" if step.host else f"{step.service} ({log})" if log else step.service


def _words(step: Step) -> str:
    text = step.text("message").partition("\n")[0] or step.name
    return text if len(text) <= 80 else f"{text[:79]}…"
