"""The failures of a request: steps that ended with an error, and lines of logs that report an exception."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.explain.words import error_type, plain_error
from tracer.messages import catalogue, report_of
from tracer.model import Step
from tracer.model.patterns import LOG_FILE_WARNING_LEVELS

_TRACEBACK = "Traceback (most recent call last):"
#: The first line of an exception after its traceback: unlike frames it is not indented.
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?::.*)?$")
#: An exception inside a message: ``Failed to schedule instances: nova.exception_Remote.NoValidHost_Remote: No …``.
_QUOTED = re.compile(
    r"(?:^|[\s:(\[<])((?:[a-z_]\w*\.)+[A-Z]\w+|[A-Z]\w*?(?:Error|Exception|Timeout|NotFound|Exceeded|NoValidHost)(?:_Remote)?)"
    r"(: .*|(?=\s*$|>))"
)
_ERRORS = frozenset({"ERROR", "CRITICAL", "TRACE"})
#: Exceptions by which code finds out that something is not there.
_UNTELLING = re.compile(r"(?:[\w.]+\.)?(?:KeyError|IndexError|StopIteration|Empty|LookupError)\b")
#: Failures that are handled, as a rule: something was looked for and is not there.
_LOOKUP = re.compile(
    r"NotFound|DoesNotExist|NoResult|could not be found|libvirtError: .*[Nn]ot found|HTTP 404|HTTP 300"
)
_TIMEOUT = re.compile(
    r"MessagingTimeout|Timed out waiting for a reply|Timeout while waiting on RPC|Timeout in RPC method"
)
#: Errors that only report that no host remained, whatever the hosts said.
_NO_HOST = frozenset({"NoValidHost", "MaxRetriesExceeded", "NoValidHostException"})
_WRAPPERS = frozenset({"BuildAbortException", "RescheduledException", "RemoteError"})
_NO_HOST_TEXT = re.compile(r"No valid host was found|maximum number of retries|^Failed to schedule instances$")
#: Loggers of copies of notifications, and of plugins that are looked for.
_NOISE = ("oslo.messaging.notification", "stevedore")
#: Warnings are reports of an error only in the services' own code: others print the exception being handled, too.
_OWN = ("nova.", "cinder.", "neutron.", "glance.", "keystone.", "placement.", "ironic.")


def error_of(step: Step) -> str | None:
    """Return the error that the step ended with, or the log line reports, on one line; None without one."""
    if step.kind == "log":
        return _logged_error(step)
    if step.error is not None:
        return plain_error(step.error) or "error"
    status = step.attributes.get("status")
    if step.kind == "http" and isinstance(status, int) and status >= 400:
        return f"HTTP {status}"
    return None


def _logged_error(step: Step) -> str | None:
    level, logger, message = step.text("level"), step.text("logger"), step.text("message")
    known = [step.text("exception"), first_exception(message), reported_error(step)]
    reported = any(known[2:])
    if not reported and (level not in LOG_FILE_WARNING_LEVELS or logger.startswith(_NOISE)):
        return None
    if not reported and level not in _ERRORS and not logger.startswith(_OWN):
        return None
    errors = [plain_error(text) for text in (*known, quoted_exception(message)) if text]
    named = next((error for error in errors if error_type(error)), "")
    if named or errors:
        return named or errors[0]
    return plain_error(message) if level in _ERRORS else None


def first_exception(text: str) -> str:
    """Return the exception that the tracebacks of a text began with, "" without one.

    Each traceback caused the next one. One that only says that something was not there (``KeyError``, ``Empty``) is how
    code found out, not the cause: the next one counts, unless there is none.
    """
    raised = [_exception(block) for block in text.split(_TRACEBACK)[1:]]
    timeout = [error for error in raised if _TIMEOUT.search(error)]
    telling = [error for error in raised if ":" in error and not _UNTELLING.match(error)]
    return next(iter(timeout or telling or raised), "")


def _exception(traceback: str) -> str:
    return next((line.strip() for line in traceback.splitlines() if _RAISED.match(line)), "")


def quoted_exception(message: str) -> str:
    """Return the exception that a message names on its first line, with its text; "" without one."""
    match = _QUOTED.search(message.partition("\n")[0])
    return match[1] + match[2] if match else ""


def is_lookup(error: str) -> bool:
    """Return whether something was looked for in vain, which callers handle as a rule."""
    return _LOOKUP.search(error) is not None


def is_timeout(error: str) -> bool:
    """Return whether a caller gave up waiting for a reply."""
    return _TIMEOUT.search(error) is not None


def is_no_host(error: str) -> bool:
    """Return whether the error only reports that no host remained."""
    return (
        error_type(error) in _NO_HOST or "No valid host was found" in error or _NO_HOST_TEXT.search(error) is not None
    )


def is_wrapper(error: str) -> bool:
    """Return whether the error is raised for another failure, which its text need not name."""
    return error_type(error) in _WRAPPERS or is_no_host(error)


def topmost(step: Step) -> Iterator[Step]:
    """Yield the failed steps below ``step`` whose parents up to it did not fail; notes are none."""
    stack = list(reversed(step.children))
    while stack:
        child = stack.pop()
        if child.numbered and error_of(child) is not None:
            yield child
        else:
            stack.extend(reversed(child.children))


def alike(first: str, second: str) -> bool:
    """Return whether two errors are the same, or a wrapper that quotes the other's text."""
    if first == second:
        return True
    texts = [error.partition(": ")[2] for error in (first, second)]
    return all(texts) and (texts[0] in texts[1] or texts[1] in texts[0])


def end_of(step: Step) -> int:
    """Return the step's end, or its start while it is unfinished."""
    return step.start if step.end is None else step.end


def reports(steps: list[Step]) -> list[tuple[Step, str]]:
    """Return the log lines that report an error, with it, in the order of time."""
    lines = [(step, error) for step in steps if step.kind == "log" and (error := error_of(step)) is not None]
    return sorted(lines, key=lambda line: line[0].start)


#: What reports of a failure say; ``answered`` is the API's own answer.
FAILING = frozenset({"fails", "refused", "rescheduled", "error", "answered"})


def reported_error(step: Step) -> str:
    """Return the exception or the reason that a report of a failure gives, "" where it gives none."""
    report = report_of(step)
    if report is None or report.says not in FAILING:
        return ""
    reason = report.values.get("reason", "")
    named = catalogue().name_error(reason)
    is_whole = report.says in ("answered", "refused") or named != reason
    return report.cause or report.error or (named if is_whole else report.text)
