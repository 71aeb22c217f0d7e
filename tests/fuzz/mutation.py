"""Mutations: random changes of bytes, lines and JSON values, and values that have broken readers before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

#: Placeholder in a JSON text for a value that the json module cannot write.
_RAW = "\ue000raw{}\ue000"
_RAWS = (
    "1" + "0" * 400, "-1" + "0" * 5000, "1e308", "-1e308", "1e999", "NaN", "-Infinity", "5e-324", "0.1", "-0.0",
    *("[" * deep + "]" * deep for deep in (20, 45, 120, 600, 990, 3000, 100_000)),
    *('{"a":' * deep + "1" + "}" * deep for deep in (30, 300, 2000)),
    '{"a":1,"a":2}', "9" * 19, "{}", "[{}]",
)  # fmt: skip
_NUMBERS = (
    0, 1, -1, 2, 41, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, 2**65 - 1, 2**65, -(2**63), 10**19,
    253402300800 * 10**9, -62135596801 * 10**9, 1_767_225_600_000_000_000,
)  # fmt: skip
_TEXTS = (
    "", " ", "\0", "\n", "a\nb", "\x1b[31m", "\ud800", "\udcff", "\ufffe", "\u202e", "é", "😀", "-", "/", "..", "1",
    "1-1", "1/1", "None", "null", "call", "rpc", "http", "sql", "state", "log", "ask", "handoff", "libvirt", "command",
    "client", "server", "cast", "fanout", "reply", "active", "error: x", "unfinished", "req-1", "SELECT 1", ")", "(",
    "INSERT INTO x ) VALUES (1)", "a" * 5000, "a " * 2000, "(" * 3000, "[" * 3000, "'" * 999, "\\" * 999, "%s" * 500,
    "<script>", "]]>", "`" * 50, "|", "://", "_--eyJ" * 300, "9" * 5000, "1.5 ms", "×0", "→ 1", "← 1",
)  # fmt: skip
_SHAPES: tuple[Any, ...] = (
    None, True, False, 0.5, [], {}, [[]], {"": {}}, [None], ["a", 1], {"vm_state": [None, "active"]}, {"vm_state": []},
)  # fmt: skip
_TOKENS = (
    b"\0", b"\n", b"\n\n", b"\r", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"{", b"}", b"[",
    b"]", b"(", b")", b"'", b'"', b"\\", b"%", b"&a", b"*a", b"!!python/object:os.system", b"---", b": ", b"- ", b"#",
    b"\t", b"~", b"1-1-1. ", b"- ", b"\xc3\x97", b"\xe2\x86\x92 3", b"\xe2\x86\x90 1", b"[None req-", b"SELECT ",
    b"INSERT INTO instances (", b"VALUES (", b"[raw sql] ", b"[cached since 1s ago] ", b"9999-99-99", b"0000-00-00",
    b"{" * 500, b"[" * 1000, b"(" * 2000, b"a" * 3000, b"\xf0\x9f\x98\x80", b"datetime.datetime(99999, 1, 1)",
    b"1e308", b"NaN", b"-1", b"99999999999999999999", b"9" * 5000, b"0.0000001", b".", b"..",
)  # fmt: skip
_DIGITS = re.compile(rb"\d+(?:\.\d+)?")
_DIGITS_INSTEAD = (
    b"0", b"-1", b"1", b"99", b"2147483648", b"9223372036854775807", b"18446744073709551616", b"9" * 30, b"9" * 400,
    b"9" * 5000, b"1e308", b"1e-9", b"0.5", b"00", b"60", b"13", b"32", b"", b"\xd9\xa1", b"\xc2\xb2",
)  # fmt: skip

Mutator = Callable[[Random, bytes, bytes], bytes]


def by_bytes(random: Random, data: bytes, other: bytes) -> bytes:
    """Return ``data`` with some bytes changed, removed, repeated, or taken from ``other``."""
    for _ in range(random.choice((1, 1, 2, 4, 12))):
        data = random.choice(_BYTE_WAYS)(random, data, other)
    return data


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 1, 2, 4, 16, 64, 300)))


def _flip(random: Random, data: bytes, other: bytes) -> bytes:
    start, _ = _span(random, data)
    return data[:start] + bytes([random.randrange(256)]) + data[start + 1 :]


def _leave_out(random: Random, data: bytes, other: bytes) -> bytes:
    start, end = _span(random, data)
    return data[:start] + data[end:]


def _insert(random: Random, data: bytes, other: bytes) -> bytes:
    start, _ = _span(random, data)
    return data[:start] + random.choice(_TOKENS) + data[start:]


def _repeat(random: Random, data: bytes, other: bytes) -> bytes:
    start, end = _span(random, data)
    return data[:start] + data[start:end] * random.choice((2, 3, 50)) + data[end:]


def _splice(random: Random, data: bytes, other: bytes) -> bytes:
    start, _ = _span(random, data)
    start, end = _span(random, other)
    return data[:start] + other[start:end] + data[start:]


def _cut(random: Random, data: bytes, other: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _number(random: Random, data: bytes, other: bytes) -> bytes:
    start, _ = _span(random, data)
    number = _DIGITS.search(data, start) or _DIGITS.search(data)
    if number is None:
        return data
    return data[: number.start()] + random.choice(_DIGITS_INSTEAD) + data[number.end() :]


def _line(random: Random, data: bytes, other: bytes) -> bytes:
    lines = data.split(b"\n")
    start, to = random.randrange(len(lines)), random.randrange(len(lines))
    way = random.randrange(4)
    if way == 0:
        del lines[start]
    elif way == 1:
        lines.insert(to, lines[start])
    elif way == 2:
        lines[start], lines[to] = lines[to], lines[start]
    else:
        lines[start] = lines[start].lstrip() if random.random() < 0.5 else b"    " + lines[start]
    return b"\n".join(lines)


_BYTE_WAYS = (_flip, _leave_out, _insert, _repeat, _splice, _cut, _number, _number, _number, _line, _line, _insert)


def by_values(random: Random, data: bytes, other: bytes) -> bytes:
    """Return lines of JSON with some of their values changed; sometimes their bytes instead."""
    if random.random() < 0.1:
        return by_bytes(random, data, other)
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        # The first line is a header where there is one.
        start = 0 if random.random() < 0.2 else random.randrange(len(lines))
        with suppress(ValueError, RecursionError):  # no JSON, or nested too deep
            lines[start] = raw(_changed_line(random, json.loads(lines[start])))
    return b"\n".join(lines)


def _changed_line(random: Random, value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("attributes"), dict) and random.random() < 0.5:
        return value | {"attributes": changed(random, value["attributes"])}  # which hold any value
    if isinstance(value, dict) and "format" in value and random.random() < 0.95:
        head = {key: value.pop(key) for key in ("format", "version") if key in value}
        new = changed(random, value)
        return head | new if isinstance(new, dict) else new
    return changed(random, value)


def changed(random: Random, value: Any) -> Any:
    """Return a value with one change: of itself, or of a value within."""
    if isinstance(value, dict) and value and random.random() < 0.93:
        key = random.choice(list(value))
        way = random.random()
        if way < 0.08:
            return {name: inner for name, inner in value.items() if name != key}
        if way < 0.16:
            return value | {random.choice(_TEXTS) if random.random() < 0.5 else key + "x": value[key]}
        if way < 0.24:
            return value | {key: value[random.choice(list(value))]}
        return value | {key: changed(random, value[key])}
    if isinstance(value, list) and value and random.random() < 0.8:
        start = random.randrange(len(value))
        if random.random() < 0.15:
            return [*value[:start], *value[start + 1 :]]
        return [*value[:start], changed(random, value[start]), *value[start + 1 :]]
    if isinstance(value, str) and value[:1] == "{" and random.random() < 0.6:
        try:
            return raw(changed(random, json.loads(value))).decode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):
            return hostile(random)
    return _alike(random, value) if random.random() < 0.6 else hostile(random)


def _alike(random: Random, value: Any) -> Any:
    """Return another value of the same type, since readers check types first."""
    if isinstance(value, bool) or value is None:
        return random.choice((True, False, None))
    if isinstance(value, int):
        return random.choice((*_NUMBERS, value + 1, -value, value * 1000, value // 2))
    if isinstance(value, str):
        return random.choice(_TEXTS) if random.random() < 0.6 else value + random.choice(_TEXTS)
    return random.choice(([], {}, [""], [1], {"": ""})) if isinstance(value, (list, dict)) else 0.5


def hostile(random: Random) -> Any:
    """Return a value that has broken a reader before."""
    way = random.randrange(8)
    if way < 2:
        return random.choice(_NUMBERS)
    if way < 4:
        return random.choice(_TEXTS)
    if way < 6:
        return _RAW.format(random.randrange(len(_RAWS)))
    return random.choice(_SHAPES)


def raw(value: Any) -> bytes:
    """Return the value as JSON, with the placeholders replaced by values that the json module cannot write."""
    text = json.dumps(value, ensure_ascii=False)
    for number, literal in enumerate(_RAWS):
        text = text.replace(f'"{_RAW.format(number)}"', literal)
    return text.encode("utf-8", "surrogatepass")
