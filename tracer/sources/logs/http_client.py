"""HTTP requests that a service sent, as keystoneauth logs them: request, response, and the callee's request id."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from tracer.events import Event
from tracer.sources import values
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Ids, Record

_URL = re.compile(r"(https?)://(?P<host>[^\s/'\"]+)(?P<path>/[^\s'\"?]*)?(?:\?(?P<query>[^\s'\"]*))?")
_METHOD = re.compile(r"-X '?(?P<method>[A-Z]+)")
_PASSED_ON = re.compile(r"X-OpenStack-Request-ID: (?P<id>req-[0-9a-f-]{36})", re.IGNORECASE)
_ANSWER = re.compile(r"RESP: \[(?P<status>\d{3})\]")
_ANSWERED_BY = re.compile(r"x-(?:openstack|compute)-request-id:? '?(?P<id>req-[0-9a-f-]{36})", re.IGNORECASE)
_USED = re.compile(r"(?P<method>[A-Z]+) call to (?:\S+ for )?(?P<url>https?://\S+) used request id (?P<id>\S+)")
#: The most requests of one context whose answer is not complete: services may log no answers, or no callees.
_MAX_PENDING = 64


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer: when it was received, its status, and the callee's request id, "" without one."""

    time: int
    status: int
    callee: str


@dataclass(slots=True)
class _Sent:
    """A request that was sent, its URL as it was logged, and the answer that was taken for its own."""

    event: Event
    url: str
    answer: _Answer | None = None

    def give(self, answer: _Answer | None) -> None:
        """Complete the request by an answer, or make it unanswered again."""
        self.answer = answer
        attributes = self.event.attributes
        attributes.pop("status", None)
        attributes.pop("callee_request_id", None)
        self.event.end = max(answer.time, self.event.start) if answer is not None else None
        if answer is not None:
            attributes["status"] = answer.status
            attributes |= {"callee_request_id": answer.callee} if answer.callee else {}


def matches(logger: str) -> bool:
    """Return whether the logger may log HTTP requests that a service sends."""
    return logger.startswith(("keystoneauth", "keystoneclient.session")) or logger.endswith("client.v2.client")


class HttpClientParser:
    """The parser of one process's outgoing HTTP requests.

    Threads of one request send at the same time, and only the line after an answer names its URL: an answer is taken
    for that of the last request without one, and moved to another where that line says so.
    """

    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        #: requests whose callee no line has named yet, by the ids of their records
        self._pending: dict[Ids, list[_Sent]] = defaultdict(list)

    def take(self, record: Record) -> bool:
        """Parse a record; return whether it reports a request sent."""
        message = record.message
        if message.startswith("REQ: curl"):
            self._ask(record)
            return True
        if match := _ANSWER.match(message):
            self._answer(record, match)
            return True
        if match := _USED.match(message):
            self._name_callee(record, match)
            return True
        return message.startswith(("RESP BODY", "RESP:"))

    def _ask(self, record: Record) -> None:
        url, method = _URL.search(record.message), _METHOD.search(record.message)
        if url is None:
            return
        verb, path = method["method"] if method else "GET", values.path(url["path"] or "/")
        host = url["host"].rpartition("@")[2]
        passed = _PASSED_ON.search(record.message)
        event = self._log.add(
            "http", f"{verb} {path}", record, side="client", method=verb, path=path, host=host,
            query=values.text(url["query"] or "") or None,
        )  # fmt: skip
        # The id that it passes on, as hooks record it; its own caller's id links nothing here.
        event.attributes.pop("global_request_id", None)
        if passed:
            event.attributes["global_request_id"] = passed["id"]
        pending = self._pending[record.ids]
        pending.append(_Sent(event, url[0]))
        del pending[:-_MAX_PENDING]

    def _answer(self, record: Record, match: re.Match[str]) -> None:
        last = next((sent for sent in reversed(self._pending[record.ids]) if sent.answer is None), None)
        if last is not None:
            callee = _ANSWERED_BY.search(record.message)
            last.give(_Answer(record.time, int(match["status"]), callee["id"] if callee else ""))

    def _name_callee(self, record: Record, match: re.Match[str]) -> None:
        """Move an answer to the request that the line names, and name that request's callee."""
        pending = self._pending[record.ids]
        answered = [sent for sent in pending if sent.answer is not None]
        holder = next((sent for sent in answered if sent.answer and sent.answer.callee == match["id"]), None)
        holder = holder or next(iter(answered), None)
        if holder is None:
            return
        # Of equal requests, any may be the one: the first.
        named = [sent for sent in pending if _is_named(sent, match) and (sent.answer is None or sent is holder)]
        target = next(iter(named), holder)
        if target.event.attributes.get("method") != match["method"]:
            return
        answer = holder.answer
        holder.give(None)
        target.give(answer)
        target.event.attributes["callee_request_id"] = match["id"]
        pending.remove(target)


def _is_named(sent: _Sent, match: re.Match[str]) -> bool:
    return sent.event.attributes.get("method") == match["method"] and sent.url == match["url"]
