"""The fields of a trace file's lines, and the checks of their values: a file may come from anyone."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import re
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import msgspec

from tracer.model import NOTES, NUMBERED, LeftOut, LogLine, Request, Step, Unassigned

#: No value that bootseq writes is nested so deep: hooks and log readers cut values.
MAX_DEPTH = 64

_KINDS = NUMBERED | NOTES
_ADDRESS = re.compile(r"[0-9]{1,9}([-/][0-9]{1,9})*")
#: A line without so many digits in a row holds no integer out of bounds. A regular expression would take as long as all
#: else that is done with a line.
_MANY_DIGITS = b"0" * 60
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
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


def _bounded(number: str) -> float:
    value = float(number)
    _check_value(value)
    return value


#: The fields of a step in the order of its class, then its boot.
_STEP_FIELDS = [field.name for field in dataclasses.fields(Step) if field.name in STEP]
#: msgspec takes what needs no further check, and ``_slowly`` decides on the rest.
_INSIDE: dict[type, Any] = {
    int: Annotated[int, msgspec.Meta(gt=-(1 << 62), lt=1 << 62)], list: list[str], dict: dict[str, Any],
}  # fmt: skip


def _annotation(types: tuple[type, ...]) -> Any:
    return functools.reduce(operator.or_, (_INSIDE.get(type_, type_) for type_ in types))


_StepLine = msgspec.defstruct("_StepLine", [*((name, _annotation(STEP[name])) for name in _STEP_FIELDS), ("boot", int)])
_ATTRIBUTES = _STEP_FIELDS.index("attributes")
_STEP_DECODER = msgspec.json.Decoder(_StepLine, float_hook=_bounded)
_DECODER = msgspec.json.Decoder(float_hook=_bounded)
_ERRORS = (ValueError, RecursionError)  # msgspec's own are ValueErrors


def parse(line: bytes) -> Any:
    """Return a line's JSON value; raise ValueError where it is nested too deep or holds a number out of range."""
    try:
        value = _DECODER.decode(line)
    except _ERRORS:  # half a surrogate pair, or an error, which the standard library describes as it always did
        value = json.loads(line, parse_constant=_refuse)
        _check_value(value)
    if _may_exceed(line):
        _check_value(value)
    return value


def _may_exceed(line: bytes) -> bool:
    """Return False for a line without a value nested too deep and without an integer out of range."""
    return line.count(b"[") + line.count(b"{") > MAX_DEPTH or _MANY_DIGITS in line.translate(_DIGITS)


def request(line: Any) -> Request:
    """Return the request of a header's entry, without its steps."""
    result = Request(chapters=[], **checked(line, BOOT))
    result.left_out = [LeftOut(**checked(left, _LEFT_OUT)) for left in line["left_out"]]
    texts(result.request_ids)
    return result


def step(line: bytes) -> tuple[int, Step]:
    """Return the number of a line's boot, and its step without children."""
    try:
        values = msgspec.structs.astuple(_STEP_DECODER.decode(line))
    except _ERRORS:
        values = _slowly(line)
    else:
        if _may_exceed(line):
            _check_value(values[_ATTRIBUTES])
    result = Step(*values[:-1])
    result.witnesses = tuple(result.witnesses)
    if result.kind not in _KINDS:
        raise ValueError(f"unknown kind {result.kind!r}")
    if not _ADDRESS.fullmatch(result.address):
        raise ValueError(f"invalid address {result.address!r}")
    return values[-1], result


def _slowly(line: bytes) -> tuple[Any, ...]:
    """Return the values of a step's line that msgspec refuses, or raise ValueError or KeyError with the reason."""
    fields = checked(parse(line), {"boot": (int,), **STEP})
    for name in ("opens", "witnesses"):
        texts(fields[name])
    return tuple(fields[name] for name in (*_STEP_FIELDS, "boot"))


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
