"""Logs in every form that services write, produced from a log's records by oslo.log's own formatters."""

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

from tests.support import log_records
from tracer.sources.logs.records import Record
from tracer.sources.logs.times import Clock

#: A site's own format, such as operators configure.
_HEAD = "%(asctime)s.%(msecs)03d|%(levelname)-8s|pid=%(process)d|%(name)s"
CONTEXT = f"{_HEAD}|%(request_id)s %(global_request_id)s|%(instance)s%(message)s"
DEFAULT = f"{_HEAD}|-|%(instance)s%(message)s"
DATE = "%d.%m.%Y %H:%M:%S"
SUFFIX = "(%(pathname)s, line %(lineno)d, in %(funcName)s)"
#: DevStack's formats for a journal.
DEVSTACK = (
    "%(color)s%(levelname)s %(name)s [\x1b[01;36m%(global_request_id)s %(request_id)s "
    "\x1b[00;36m%(project_name)s %(user_name)s%(color)s] \x1b[01;35m%(instance)s%(color)s%(message)s"
)
DEVSTACK_DEFAULT = "%(color)s%(levelname)s %(name)s [\x1b[00;36m-%(color)s] \x1b[01;35m%(instance)s%(color)s%(message)s"
DEVSTACK_SUFFIX = "\x1b[00;33m{{(pid=%(process)d) %(funcName)s %(pathname)s:%(lineno)d}}\x1b[00m"
_COLOURS = {"DEBUG": "\x1b[00;32m", "INFO": "\x1b[00;36m"}


def read(text: bytes) -> list[Record]:
    """Return the records of a log in oslo.log's default format, without the web servers' lines between them."""
    return [record for record in log_records.read(text, Clock()) if record.logger != "uwsgi"]


def options(**overrides: str) -> cfg.ConfigOpts:
    """Return oslo.log's options with some values overridden."""
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    conf([])
    for name, value in overrides.items():
        conf.set_override(name, value)
    return conf


def by_context_formatter(log_records: Iterable[Record], date: str = "%Y-%m-%d %H:%M:%S", **overrides: str) -> list[str]:
    """Return each record as ContextFormatter writes it under these options."""
    return _format(log_records, formatters.ContextFormatter(config=options(**overrides), datefmt=date))


def by_json_formatter(log_records: Iterable[Record]) -> list[str]:
    """Return each record as JSONFormatter writes it."""
    return _format(log_records, formatters.JSONFormatter())


def by_fluent_formatter(log_records: Iterable[Record]) -> list[str]:
    """Return each record of FluentFormatter as Fluentd's file output writes it: time, tag, object."""
    formatter = formatters.FluentFormatter()
    formatter.converter = time.gmtime
    return [
        f"2026-11-22T08:14:11+00:00\tnova.compute\t{json.dumps(formatter.format(record))}"
        for record in _records(log_records)
    ]


def failure(message: str, record: Record) -> list[str]:
    """Return a failure with its traceback as JSON and as text."""
    (log_record,) = _records([record])
    log_record.msg, log_record.args = message, ()
    try:
        raise ValueError("broke")
    except ValueError:
        log_record.exc_info = sys.exc_info()
    context_formatter = formatters.ContextFormatter(config=options(), datefmt="%Y-%m-%d %H:%M:%S")
    context_formatter.converter = time.gmtime
    return [formatters.JSONFormatter().format(log_record), context_formatter.format(log_record)]


def _format(log_records: Iterable[Record], formatter: logging.Formatter) -> list[str]:
    formatter.converter = time.gmtime
    return [formatter.format(record) for record in _records(log_records)]


def _records(log_records: Iterable[Record]) -> Iterator[logging.LogRecord]:
    for record in log_records:
        log_record = logging.LogRecord(
            record.logger, getattr(logging, record.level, 21), record.file, record.line, "%s", (record.message,), None,
            record.function,
        )  # fmt: skip
        log_record.levelname, log_record.process, log_record.created = record.level, record.pid, record.time / 1e9
        log_record.msecs = (record.time // 1_000_000) % 1000
        extra: dict[str, Any] = {"color": _COLOURS.get(record.level, "")}
        if record.request_id:
            extra["context"] = context.RequestContext(
                request_id=record.request_id, global_request_id=record.global_request_id, user_name="demo",
                project_name="admin",
            ).get_logging_values()  # fmt: skip
            context._request_store.__dict__.clear()  # a new context becomes the thread's
        log_record.__dict__.update(extra)
        yield log_record


def journal_entry(fields: Mapping[str, str | bytes]) -> bytes:
    """Return an entry in journald's export format."""
    lines = []
    for name, value in fields.items():
        data = value if isinstance(value, bytes) else value.encode()
        plain = b"\n" not in data and data.isascii() and b"\x1b" not in data
        sized = b"\n" + len(data).to_bytes(8, "little") + data
        lines.append(name.encode() + (b"=" + data if plain else sized) + b"\n")
    return b"".join(lines) + b"\n"


def exported(lines: Iterable[tuple[int, str]], name: str, pid: int, host: str = "node1") -> bytes:
    """Return lines of a service's stdout, each with its time in nanoseconds, in journald's export format."""
    return b"".join(
        journal_entry(
            {
                "__CURSOR": f"s=1;i={number}", "__REALTIME_TIMESTAMP": str(when // 1000), "_TRANSPORT": "stdout",
                "_HOSTNAME": host, "_STREAM_ID": name, "SYSLOG_IDENTIFIER": name, "_PID": str(pid), "MESSAGE": line,
            }
        )
        for number, (when, line) in enumerate(lines)
    )  # fmt: skip


def short(lines: Iterable[tuple[int, str]], name: str, pid: int, host: str = "node1") -> bytes:
    """Return the same lines as journalctl -o short-precise prints them."""
    return b"".join(
        f"{datetime.fromtimestamp(when // 10**9, UTC):%b %d %H:%M:%S}.{when // 1000 % 10**6:06} {host} {name}[{pid}]: "
        f"{line}\n".encode()
        for when, line in lines
    )


def split(log_records: Iterable[Record], texts: Iterable[str]) -> list[tuple[int, str]]:
    """Return each line of each record's text with the record's time; journald drops empty lines."""
    return [
        (record.time, line)
        for record, text in zip(log_records, texts, strict=True)
        for line in text.split("\n")
        if line
    ]
