"""The fields of a trace file's lines, and the checks of their values: a file may come from anyone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from tracer.model import NOTES, NUMBERED, LeftOut, LogLine, Request, Step, Unassigned

#: No value that bootseq writes is nested so deep: hooks and log readers cut values.
MAX_DEPTH = 64

_ADDRESS = re.compile(r"[0-9]{1,9}([-/][0-9]{1,9})*")
#: A line without such numbers, and with few brackets, holds no value that is out of bounds.
_LONG_NUMBER = re.compile(rb"[0-9]{60}|[0-9][eE]\+?[0-9]{2}")
_MAX_NUMBER = 1 << 256
#: Above any date, and any correction of clocks.
_MAX_TIME = 1 << 65

#: The types that a value may have, by the name of its field, in the order of writing.
_Types = Mapping[str, tuple[type, ...]]
BOOT: _Types = {
    "number": (int,), "operation": (str,), "server": (str,), "uuid": (str,), "request_id": (str,),
    "request_ids": (list,), "outcome": (str,), "host": (str,),
}  # fmt: skip
_LEFT_OUT: _Types = {"service": (str,), "what": (str,), "kind": (str,), "count": (int,)}
_UNTIED: _Types = {
    "why": (str,), "service": (str,), "kind": (str,), "what": (str,), "count": (int,), "first": (int,), "last": (int,),
}  # fmt: skip
STEP: _Types = {
    "address": (str,), "kind": (str,), "service": (str,), "host": (str,), "pid": (int,), "thread": (int,),
    "name": (str,), "start": (int,), "end": (int, type(None)), "request_id": (str, type(None)),
    "global_request_id": (str, type(None)), "error": (str, type(None)), "attributes": (dict,), "witnesses": (list,),
    "tied_by": (str,), "opens": (list,), "opened_by": (str,), "id": (str,),
}  # fmt: skip
LOG_LINE: _Types = {
    "time": (int,), "host": (str,), "service": (str,), "pid": (int,), "level": (str,), "logger": (str,),
    "message": (str,), "request_id": (str,), "log_file": (str,), "log_line": (int,),
}  # fmt: skip


def parse(line: bytes) -> Any:
    """Return a line's JSON value; raise ValueError where it is nested too deep or holds a number out of range."""
    value = json.loads(line, parse_constant=_refuse)
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH or _LONG_NUMBER.search(line):
        _check_value(value)
    return value


def request(line: Any) -> Request:
    """Return the request of a header's entry, without its steps."""
    result = Request(chapters=[], **checked(line, BOOT))
    result.left_out = [LeftOut(**checked(left, _LEFT_OUT)) for left in line["left_out"]]
    texts(result.request_ids)
    return result


def step(line: Any) -> Step:
    """Return the step of a line, without its children."""
    result = Step(**checked(line, STEP))
    result.witnesses = tuple(texts(line["witnesses"]))
    texts(result.opens)
    if result.kind not in NUMBERED | NOTES:
        raise ValueError(f"unknown kind {result.kind!r}")
    if not _ADDRESS.fullmatch(result.address):
        raise ValueError(f"invalid address {result.address!r}")
    _check_times(result.start, result.end or 0)
    return result


def log_line(line: Any) -> LogLine:
    """Return the log line of a line behind the steps."""
    return LogLine(**checked(line, LOG_LINE))


def unassigned(line: Any) -> Unassigned:
    """Return a group of steps that belong to no request."""
    left = Unassigned(**checked(line, _UNTIED))
    _check_times(left.first, left.last)
    if left.why not in Unassigned.WHYS:
        raise ValueError(f"unknown reason {left.why!r}")
    return left


def _check_times(*times: int) -> None:
    if not all(-_MAX_TIME < time < _MAX_TIME for time in times):
        raise ValueError("a time out of range")


def _check_value(value: Any, depth: int = 0) -> None:
    """Raise ValueError where values are nested deeper, or numbers larger, than any that bootseq writes."""
    if isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise ValueError(f"a value nested over {MAX_DEPTH} deep")
        for item in value.values() if isinstance(value, dict) else value:
            _check_value(item, depth + 1)
    elif isinstance(value, (int, float)) and not -_MAX_NUMBER < value < _MAX_NUMBER:
        raise ValueError("a number out of range")


def checked(line: Any, types: _Types) -> dict[str, Any]:
    """Return the fields that ``types`` names; raise ValueError or KeyError where one has another type or is missing."""
    if type(line) is not dict:
        raise ValueError("not an object")
    for name, allowed in types.items():
        if type(line[name]) not in allowed:
            raise ValueError(f"{name} is of type {type(line[name]).__name__}")
        if type(line[name]) is int and not -_MAX_TIME < line[name] < _MAX_TIME:
            raise ValueError(f"{name} is out of range")
    return {name: line[name] for name in types}


def texts(value: Any) -> list[str]:
    """Return a list that holds texts alone; raise ValueError for any other value."""
    if type(value) is not list or not all(type(item) is str for item in value):
        raise ValueError("expected a list of texts")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not valid JSON")
