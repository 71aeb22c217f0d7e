"""Logs in every form that services write them, made from one log's records by oslo.log's own formatters."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from oslo_config import cfg
from oslo_context import context
from oslo_log import formatters, log

from tracer.sources.logs import records
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

#: A site's own, of the kind that people write.
_HEAD = "%(asctime)s.%(msecs)03d|%(levelname)-8s|pid=%(process)d|%(name)s"
CONTEXT = f"{_HEAD}|%(request_id)s %(global_request_id)s|%(instance)s%(message)s"
DEFAULT = f"{_HEAD}|-|%(instance)s%(message)s"
DATE = "%d.%m.%Y %H:%M:%S"
SUFFIX = "(%(pathname)s, line %(lineno)d, in %(funcName)s)"
#: DevStack's, for a journal.
DEVSTACK = (
    "%(color)s%(levelname)s %(name)s [\x1b[01;36m%(global_request_id)s %(request_id)s "
    "\x1b[00;36m%(project_name)s %(user_name)s%(color)s] \x1b[01;35m%(instance)s%(color)s%(message)s"
)
DEVSTACK_DEFAULT = "%(color)s%(levelname)s %(name)s [\x1b[00;36m-%(color)s] \x1b[01;35m%(instance)s%(color)s%(message)s"
DEVSTACK_SUFFIX = "\x1b[00;33m{{(pid=%(process)d) %(funcName)s %(pathname)s:%(lineno)d}}\x1b[00m"
_COLOURS = {"DEBUG": "\x1b[00;32m", "INFO": "\x1b[00;36m"}


def read(text: bytes) -> list[Record]:
    """The records of a log as oslo.log writes it by default, without what web servers wrote between them."""
    return [record for record in records.read(text, Clock()) if record.logger != "uwsgi"]


def options(**told: str) -> cfg.ConfigOpts:
    """oslo.log's, with some of another value."""
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf([])
    for name, value in told.items():
        conf.set_override(name, value)
    return conf


def by_context_formatter(said: Iterable[Record], date: str = "%Y-%m-%d %H:%M:%S", **told: str) -> list[str]:
    """What ContextFormatter makes of each record under these options."""
    return _each(said, formatters.ContextFormatter(config=options(**told), datefmt=date))


def by_json_formatter(said: Iterable[Record]) -> list[str]:
    """What JSONFormatter does."""
    return _each(said, formatters.JSONFormatter())


def by_fluent_formatter(said: Iterable[Record]) -> list[str]:
    """What FluentFormatter gives, as Fluentd's file output writes it: time, tag, object."""
    formatter = formatters.FluentFormatter()
    formatter.converter = time.gmtime
    return [
        f"2026-11-22T08:14:11+00:00\tnova.compute\t{json.dumps(formatter.format(record))}" for record in _records(said)
    ]


def failure(said: str, record: Record) -> list[str]:
    """A failure with its traceback in the forms JSON and text."""
    (made,) = _records([record])
    made.msg, made.args = said, ()
    try:
        raise ValueError("broke")
    except ValueError:
        made.exc_info = sys.exc_info()
    context_formatter = formatters.ContextFormatter(config=options(), datefmt="%Y-%m-%d %H:%M:%S")
    context_formatter.converter = time.gmtime
    return [formatters.JSONFormatter().format(made), context_formatter.format(made)]


def _each(said: Iterable[Record], formatter: logging.Formatter) -> list[str]:
    formatter.converter = time.gmtime
    return [formatter.format(record) for record in _records(said)]


def _records(said: Iterable[Record]) -> Iterator[logging.LogRecord]:
    for each in said:
        made = logging.LogRecord(
            each.logger, getattr(logging, each.level, 21), each.file, each.line, "%s", (each.message,), None,
            each.function,
        )  # fmt: skip
        made.levelname, made.process, made.created = each.level, each.pid, each.time / 1e9
        made.msecs = (each.time // 1_000_000) % 1000
        told: dict[str, Any] = {"color": _COLOURS.get(each.level, "")}
        if each.request_id:
            told["context"] = context.RequestContext(
                request_id=each.request_id, global_request_id=each.global_request_id, user_name="demo",
                project_name="admin",
            ).get_logging_values()  # fmt: skip
            context._request_store.__dict__.clear()  # a new one becomes the thread's: it is this record's alone
        made.__dict__.update(told)
        yield made


def journal_entry(fields: Mapping[str, str | bytes]) -> bytes:
    """One entry in journald's export format."""
    lines = []
    for name, value in fields.items():
        data = value if isinstance(value, bytes) else value.encode()
        plain = b"\n" not in data and data.isascii() and b"\x1b" not in data
        sized = b"\n" + len(data).to_bytes(8, "little") + data
        lines.append(name.encode() + (b"=" + data if plain else sized) + b"\n")
    return b"".join(lines) + b"\n"


def exported(lines: Iterable[tuple[int, str]], name: str, pid: int, host: str = "node1") -> bytes:
    """Lines of a service's stdout, each with its time in nanoseconds, in journald's export format."""
    return b"".join(
        journal_entry(
            {
                "__CURSOR": f"s=1;i={place}", "__REALTIME_TIMESTAMP": str(when // 1000), "_TRANSPORT": "stdout",
                "_HOSTNAME": host, "_STREAM_ID": name, "SYSLOG_IDENTIFIER": name, "_PID": str(pid), "MESSAGE": line,
            }
        )
        for place, (when, line) in enumerate(lines)
    )  # fmt: skip


def short(lines: Iterable[tuple[int, str]], name: str, pid: int, host: str = "node1") -> bytes:
    """The same as journalctl -o short-precise prints them."""
    return b"".join(
        f"{datetime.fromtimestamp(when // 10**9, UTC):%b %d %H:%M:%S}.{when // 1000 % 10**6:06} {host} {name}[{pid}]: "
        f"{line}\n".encode()
        for when, line in lines
    )


def split(said: Iterable[Record], texts: Iterable[str]) -> list[tuple[int, str]]:
    """Each line of each record's text with the record's time; journald keeps no empty ones."""
    return [(record.time, line) for record, text in zip(said, texts, strict=True) for line in text.split("\n") if line]
