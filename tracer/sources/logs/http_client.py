"""HTTP requests that a service sent, as keystoneauth logs them: request, response, and the callee's request id."""

from __future__ import annotations

import re

from tracer.events import Event
from tracer.sources import values
from tracer.sources.logs.process_log import ProcessLog
from tracer.sources.logs.records import Ids, Record

_URL = re.compile(r"(https?)://(?P<host>[^\s/'\"]+)(?P<path>/[^\s'\"?]*)?(?:\?(?P<query>[^\s'\"]*))?")
_METHOD = re.compile(r"-X '?(?P<method>[A-Z]+)")
_PASSED_ON = re.compile(r"X-OpenStack-Request-ID: (?P<id>req-[0-9a-f-]{36})", re.IGNORECASE)
_ANSWER = re.compile(r"RESP: \[(?P<status>\d{3})\]")
_ANSWERED_BY = re.compile(r"x-(?:openstack|compute)-request-id:? '?(?P<id>req-[0-9a-f-]{36})", re.IGNORECASE)
_USED = re.compile(r"(?P<method>[A-Z]+) call to (?P<type>\S+) for (?P<url>\S+) used request id (?P<id>\S+)")


def matches(logger: str) -> bool:
    """Return whether the logger may log HTTP requests that a service sends."""
    return logger.startswith(("keystoneauth", "keystoneclient.session")) or logger.endswith("client.v2.client")


class HttpClientParser:
    """The parser of one process's outgoing HTTP requests."""

    def __init__(self, log: ProcessLog) -> None:
        self._log = log
        self._last: dict[Ids, Event] = {}

    def take(self, record: Record) -> bool:
        """Parse a record; return whether it reports a request sent."""
        message = record.message
        if message.startswith("REQ: curl"):
            self._ask(record)
            return True
        event = self._last.get(record.ids)
        if match := _ANSWER.match(message):
            if event is not None:
                _end(event, record, match, _ANSWERED_BY.search(message))
            return True
        if match := _USED.match(message):
            if event is not None and event.attributes.get("method") == match["method"]:
                event.attributes["callee_request_id"] = match["id"]
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
        self._last[record.ids] = event


def _end(event: Event, record: Record, match: re.Match[str], callee: re.Match[str] | None) -> None:
    event.end = max(record.time, event.start)
    event.attributes["status"] = int(match["status"])
    if callee is not None:
        event.attributes["callee_request_id"] = callee["id"]
