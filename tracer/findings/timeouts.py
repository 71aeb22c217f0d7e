"""Calls whose callers gave up waiting, by the error of the call or by any log line that says so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tracer.findings.finding import TraceFinding
from tracer.model import Request, Step
from tracer.timeline import Entry

#: The errors and lines by which a caller reports it: oslo.messaging's, the RPC of 2011, services that wait for others.
_TIMED_OUT = re.compile(
    r"MessagingTimeout|Timed out waiting for a reply|Timeout while waiting on RPC|Timed out waiting for RPC response"
    r"|Timeout in RPC method|Timed out waiting for nova-"
)
_MESSAGE_ID = re.compile(r"waiting for a reply to message ID (?P<id>[\w-]+)")
_SECONDS = re.compile(r"(?:after|within|in) (?P<seconds>\d+(?:\.\d+)?) ?s(?:ec|\b)")
#: What was called, where the line names it.
_METHOD = re.compile(r'RPC method:? "?(?P<method>[\w.]+\w)')
_TOPIC = re.compile(r'topic: "(?P<topic>[^"]+)"|Timed out waiting for nova-(?P<service>\w+)')


def reports_timeout(text: str) -> bool:
    """Return whether an error or a line's text says that a caller gave up waiting."""
    # Searching for this part first is many times as fast.
    return ("imed out" in text or "imeout" in text) and _TIMED_OUT.search(text) is not None


class Timeouts:
    """The calls that timed out in some requests and log lines."""

    def __init__(self, requests: Iterable[Request], entries: Iterable[Entry]) -> None:
        #: lines by the id of the message that was not answered
        self._lines: dict[str, list[Entry]] = defaultdict(list)
        for entry in filter(_is_timeout, entries):
            self._lines[_message_id(entry)].append(entry)
        self._calls: set[str] = set()
        self._with_failed_calls: set[int] = set()
        for request in requests:
            for step in request.walk():
                if step.kind == "rpc" and step.mode == "call":
                    self._take(request, step)

    def _take(self, request: Request, call: Step) -> None:
        if message_id := call.text("msg_id"):
            self._calls.add(message_id)
        if self.gave_up(call) is not None:
            self._with_failed_calls.add(request.number)

    def gave_up(self, call: Step) -> int | None:
        """Return when the caller of a call gave up waiting, None if it did not."""
        if call.error and reports_timeout(call.error):
            return call.end
        message_id = call.text("msg_id")
        lines = self._lines.get(message_id) if message_id else None
        return min(entry.time for entry in lines) if lines else None

    def without_calls(self, entries: Iterable[Entry]) -> Iterator[TraceFinding]:
        """Yield a finding for each call that timed out by some of the lines, and of which nothing else is known."""
        groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in filter(_is_timeout, entries):
            message_id = _message_id(entry)
            # Where a call of the same request timed out, a line without an id is about that one.
            known = message_id in self._calls if message_id else entry.request in self._with_failed_calls
            if not known:
                key = ("", message_id) if message_id else (entry.service, _callee(entry.text))
                groups[key].append(entry)
        for group in groups.values():
            message_id = _message_id(group[0])
            yield _finding(group, f", message ID {message_id}" if message_id else "")


def _is_timeout(entry: Entry) -> bool:
    return reports_timeout(entry.text)


def _message_id(entry: Entry) -> str:
    match = _MESSAGE_ID.search(entry.text)
    return match["id"] if match else ""


def _finding(entries: list[Entry], message: str) -> TraceFinding:
    first = min(entries, key=lambda entry: entry.time)
    seconds = _SECONDS.search(first.text)
    waited = f", after {seconds['seconds']} s" if seconds else ""
    text = f"rpc call{_callee(first.text)} (call not logged){message}{waited}"
    last = max(entry.time for entry in entries)
    return TraceFinding(
        "timeout", text, first.request, first.address, first.service, ("logs",), (), len(entries), first.time, last
    )  # fmt: skip


def _callee(text: str) -> str:
    """Return `` allocate_for_instance to network`` as far as a line says so."""
    method, topic = _METHOD.search(text), _TOPIC.search(text)
    to = topic["topic"] or topic["service"] if topic else ""
    return (f" {method['method']}" if method else "") + (f" to {to}" if to else "")
