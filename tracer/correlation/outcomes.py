"""Outcomes of boots by what services log at INFO, where no better witness saw the end (``tracer.messages``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tracer.messages import Report, report_of
from tracer.model import Request, Step
from tracer.model.patterns import INSTANCE_BRACKET, UUID
from tracer.text import printable

#: Phases of a boot; a message about a delete or a resize does not end it.
_PHASES = frozenset(
    {"", "scheduling", "claim", "network", "block devices", "image", "spawn", "build", "attach", "quota"}
)
#: Those that happen on the host that was chosen.
_ON_HOST = frozenset({"claim", "network", "block devices", "image", "spawn"})
#: The longest text of an error in an outcome.
_MAX_ERROR = 240
#: Exceptions that are raised for another failure, which their text need not name.
_WRAPPERS = ("BuildAbortException", "RescheduledException", "MaxRetriesExceeded", "NoValidHost")
#: Reports of a failure that is not yet the end.
_FAILURES = frozenset({"fails", "refused", "answered"})
#: Nova tries another host since Folsom, of 27 September 2012. From Austin, its first release, of 21 October 2010 until
#: then a failure on the host ended the boot; earlier times are those of a wrong clock.
_AUSTIN, _FOLSOM = 1_287_619_200 * 10**9, 1_348_704_000 * 10**9
_EXCEPTION = re.compile(r"[A-Za-z_]\w*(?:: |\Z)")
_SERVER = re.compile(rf"/servers/({UUID})\Z")
_INSTANCE = re.compile(INSTANCE_BRACKET)


def cut(text: str) -> str:
    """Return the first line of an error, cut to the length that an outcome may have."""
    line = printable(text.strip().partition("\n")[0]).strip()
    return line if len(line) <= _MAX_ERROR else line[: _MAX_ERROR - 1] + "…"


@dataclass(slots=True)
class Course:
    """The course of an instance's creation as messages report it; ``outcome`` is "active", "error", "deleted" or "".

    A hypervisor that started the instance made it active, unless a delete had begun before that.
    """

    outcome: str = ""
    host: str = ""
    #: what was raised last before the end
    error: str = ""
    #: on the host that was tried last: what was raised first, and the first message of a failure
    cause: str = ""
    text: str = ""
    #: when the hypervisor had started it, 0 where no message says so
    spawned: int = 0
    _rescheduled: bool = False
    _left: bool = False

    def take(self, report: Report, step: Step) -> None:
        """Add a report; they come in the order of their times."""
        self._take_host(report, step)
        if report.says in _FAILURES:
            if self._rescheduled:
                self.cause, self.text, self._rescheduled = "", "", False
            self._explain(report)
            if report.says == "fails" and report.phase in _ON_HOST and _AUSTIN < step.start < _FOLSOM:
                self.outcome = "error"
        elif report.says == "rescheduled":
            self.cause, self._rescheduled = self.cause or report.cause, True
        elif report.says == "error":
            self.outcome = "error"
            self.error = report.error or self.error
            self._explain(report)
        elif report.says in ("active", "deleted") and self.outcome != "active":
            self.outcome, self.error, self.cause = report.says, "", ""
        elif (report.says, report.phase) == ("ends", "spawn"):
            self.spawned = step.start

    def end(self, deleted: int | None) -> str:
        """Return the outcome, given when a request to delete the instance began (None: there was none)."""
        if self.outcome:
            return self.outcome
        if deleted is not None and deleted <= (self.spawned or deleted):
            return "deleted"
        return "active" if self.spawned else ""

    def reason(self) -> str:
        """Return why it failed: what was raised last, and what that was raised for; "" where nothing names it."""
        name, _, text = self.cause.partition(": ")
        if not self.error or not self.cause or (text or name) in self.error:
            return cut(self.error or self.cause or self.text)
        first = f"; first: {cut(self.cause)}" if self.error.startswith(_WRAPPERS) else ""
        return cut(self.error).rstrip(".") + first if first else cut(self.error)

    def _explain(self, report: Report) -> None:
        """Add why something failed: an exception, which says more than any other text."""
        if _EXCEPTION.match(report.cause):
            self.cause = self.cause or report.cause
        else:
            self.text = self.text or report.cause or report.text

    def _take_host(self, report: Report, step: Step) -> None:
        if report.says == "rescheduled":
            self.host, self._left = report.host or self.host, True
        elif report.says == "chosen" or report.phase in _ON_HOST:
            host = report.host or (step.host if step.service == "compute" else "")
            # What follows a failed attempt happens on another host, which may not be known.
            self.host = host or ("" if self._left else self.host)
            self._left = False


def courses(request: Request) -> dict[str, Course]:
    """Return the course of each instance that the request's log lines report on, by uuid, "" where they name none."""
    reports = [(step, report) for step in _lines(request) if (report := report_of(step)) and report.phase in _PHASES]
    uuids = list(dict.fromkeys(report.instance for _, report in reports if report.instance)) or _named(request)
    result = {uuid: Course() for uuid in uuids or [""]}
    for step, report in reports:
        # A message without an instance is about all of them.
        for uuid in [report.instance] if report.instance else result:
            result[uuid].take(report, step)
    return result if reports or uuids else {}


def describe_other(request: Request) -> None:
    """Complete the outcome of a request that creates nothing by what log lines report: that it failed, and why."""
    if any(step.from_hooks for step in request.walk()):
        return
    course = Course()
    for step in _lines(request):
        if report := report_of(step):
            course.take(report, step)
    reason = course.reason()
    if request.outcome.startswith("error: HTTP") and reason:
        request.outcome = f"{request.outcome}, {reason}"
    elif course.outcome == "error" and reason:
        request.outcome = f"error: {reason}"


def deletes(requests: Iterable[Request]) -> dict[str, int]:
    """Return when the first request to delete each instance began, by uuid."""
    times: dict[str, int] = {}
    for request in requests:
        for uuid in filter(None, map(_deleted_by, request.walk())):
            times[uuid] = min(request.started, times.get(uuid, request.started))
    return times


def _deleted_by(step: Step) -> str:
    """Return the uuid of the instance whose delete a step accepts or reports, "" for other steps."""
    if step.kind == "http" and step.is_server and step.text("method") == "DELETE":
        match = _SERVER.search(step.text("path"))
        return match[1] if match and step.text("status").startswith("2") else ""
    if step.kind != "log" or not _INSTANCE.match(step.text("message")):
        return ""
    report = report_of(step)
    return report.instance if report is not None and report.phase == "delete" else ""


def _lines(request: Request) -> list[Step]:
    return sorted((step for step in request.walk() if step.kind == "log"), key=lambda step: step.start)


def _named(request: Request) -> list[str]:
    """Return the only instance that the request's log lines name, where no line of the catalogue does."""
    counts = Counter(uuid for step in _lines(request) for uuid in _INSTANCE.findall(step.text("message")[:200]))
    return list(counts) if len(counts) == 1 else []
