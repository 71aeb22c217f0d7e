"""Witnesses independent of bootseq: the services' own logs and the transport's folder of the same run."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tracer.model import Step

_RECORD = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (?P<pid>\d+) [A-Z]+ (?P<logger>\S+) \[(?P<ids>[^\]]*)\] (?P<text>.*)"
)
#: SQLAlchemy's lines on transactions that its driver begins and ends without a statement.
_NO_STATEMENTS = ("BEGIN (implicit)", "COMMIT", "ROLLBACK")
_ACCESS = re.compile(r'"(?P<method>[A-Z]+) (?P<path>[^ ?]*)\S* HTTP/1\.1" (?P<status>\d+)')


@dataclass(frozen=True)
class Echoed:
    """A statement as SQLAlchemy's echo wrote it into a service's log; ``ids`` is the record's bracket."""

    statement: str
    ids: str


def echoed(log: Path) -> Iterator[Echoed]:
    """Yield every statement that the echo in ``log`` reports as executed."""
    for ids, lines in _records(log, "sqlalchemy.engine.Engine"):
        text = flat("\n".join(lines))
        # The record after the statement holds how it was compiled and the parameters.
        if text and not text.startswith("[") and text not in _NO_STATEMENTS:
            yield Echoed(text, ids)


def _records(log: Path, logger: str) -> Iterator[tuple[str, list[str]]]:
    ids, lines = "", []
    for line in log.read_text().splitlines():
        match = _RECORD.match(line)
        if match is None:
            lines.append(line)
            continue
        if lines:
            yield ids, lines
        ids, lines = match["ids"], [match["text"]] if match["logger"] == logger else []
    if lines:
        yield ids, lines


def flat(statement: str) -> str:
    """Return a statement without its line breaks."""
    return " ".join(statement.split())


def messages(folder: Path) -> Iterator[dict[str, object]]:
    """Yield the bodies of all messages that passed the transport's folder, as oslo.messaging wrote them."""
    for file in sorted(folder.glob("*.msg")):
        body = json.loads(base64.b64decode(json.loads(file.read_text())["body"]))
        yield json.loads(body["oslo.message"])


def access_lines(log: Path) -> Counter[tuple[str, str, str]]:
    """Count the (method, path, status) of the requests in a WSGI server's access log."""
    return Counter((match["method"], match["path"], match["status"]) for match in _ACCESS.finditer(log.read_text()))


def statements(steps: list[Step]) -> Counter[str]:
    """Count the SQL statements of steps by text."""
    return Counter(flat(step.text("statement")) for step in steps if step.kind == "sql")


@dataclass(frozen=True)
class Agreement:
    """A comparison of a tree with a witness: the items that only one of the two has, counted."""

    what: str
    witnessed: int
    missed: Counter[object]
    invented: Counter[object]

    @classmethod
    def of(cls, what: str, witnessed: Counter[object], traced: Counter[object]) -> Agreement:
        """Compare two multisets."""
        return cls(what, witnessed.total(), witnessed - traced, traced - witnessed)

    def __str__(self) -> str:
        common = self.witnessed - self.missed.total()
        recall = common / self.witnessed if self.witnessed else 1
        precision = common / (common + self.invented.total()) if common + self.invented.total() else 1
        return f"{self.what:<28} {self.witnessed:>5} witnessed, recall {recall:7.2%}, precision {precision:7.2%}"


def copies(folder: Path) -> Iterator[dict[str, object]]:
    """Yield the messages in the transport's folder as RabbitMQ's firehose would have copied them, in and out."""
    wall = time.time_ns() - time.monotonic_ns()
    for file in sorted(folder.glob("*.msg")):
        message = json.loads(file.read_text())
        route = message["properties"]["delivery_info"]
        body = json.loads(base64.b64decode(message["body"]))
        about = {
            "t": (int(file.name.partition("_")[0]) + wall) / 1e9, "exchange": route["exchange"],
            "routing_keys": [route["routing_key"]], "payload": body,
        }  # fmt: skip
        yield about | {"trace_key": f"publish.{route['exchange']}"}
        yield about | {"trace_key": f"deliver.{file.name.split('.', 1)[1].removesuffix('.msg')}"}
