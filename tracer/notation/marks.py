"""The marks at the end of an outline's line, written and read, and the escapes that keep text from reading as a mark.

A mark starts with a space and its own sign: `` ×2–3``, `` (any order)``, `` ~4.1–5–9 ms``, `` @123``, `` → 3``,
`` ← 1-1-2``, `` ⟨topic conductor⟩``, and what ``show`` writes beside them, `` (1.2 ms, by time)``, `` +3 calls`` and
`` … unfinished``, in any order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from tracer.text import spread

_MARK = re.compile(
    r" (?:[×x](?P<low>\d{1,9})(?:[–-](?P<high>\d{1,9}))?"
    r"|\((?P<unordered>any order)\)"
    r"|~(?P<took>\d[\d.]*(?:[–-]\d[\d.]*[–-]\d[\d.]*)?) ?(?P<unit>ns|µs|us|ms|s)"
    r"|@(?P<where>\S+)"
    r"|⟨(?P<details>[^⟨⟩]*)⟩"
    r"|→ (?P<opens>\d+(?:, ?\d+)*)"
    r"|← (?P<opened_by>\d+(?:[-/]\d+)*)"
    r"|\((?P<span>\d[\d.]* (?:µs|ms|s)|\d+ min \d+ s)(?:, by [a-z, ]+)?\)|\((?P<tie>by [a-z, ]+)\)"
    r"|\+(?P<hidden>\d+ calls?)"
    r"|(?P<unfinished>… unfinished))$"
)
#: Times with more digits are mistakes.
_MAX_DIGITS = 15
_UNITS = {"ns": 1, "µs": 1_000, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")

#: Shorter steps, in nanoseconds, get no time in the text.
WORTH_TIMING = 1_000_000


@dataclass(slots=True)
class Marks:
    """The values of a line's marks; a default stands for a mark that the line lacks."""

    min_count: int | None = None
    max_count: int | None = None
    unordered: bool = False
    durations: tuple[int, ...] = ()
    #: Still as written: ``123``, ``path:123`` or ``?``.
    where: str = ""
    opens: tuple[str, ...] = ()
    opened_by: str = ""
    details: dict[str, str] = field(default_factory=dict)


def split(line: str) -> tuple[str, Marks]:
    """Split a line into its words and marks; raise ValueError for an invalid mark."""
    fields: dict[str, str] = {}
    while mark := _MARK.search(line):
        fresh = {name: text for name, text in mark.groupdict().items() if text is not None}
        if fresh.keys() & fields.keys():
            break
        fields |= fresh
        line = line[: mark.start()].rstrip()
    return line, _marks(fields)


def _marks(fields: dict[str, str]) -> Marks:
    marks = Marks(
        unordered="unordered" in fields, where=fields.get("where", ""), opened_by=fields.get("opened_by", ""),
        opens=tuple(re.findall(r"\d+", fields.get("opens", ""))),
    )  # fmt: skip
    if "details" in fields:
        marks.details = _details(fields["details"])
    if "low" in fields:
        marks.min_count, marks.max_count = int(fields["low"]), int(fields.get("high", fields["low"]))
        if not marks.max_count or marks.min_count > marks.max_count:
            raise ValueError(
                f"×{spread(marks.min_count, marks.max_count)} is not a range of counts; write the smaller first: ×0–2"
            )
    if "took" in fields:
        marks.durations = _took(fields["took"], _UNITS[fields["unit"]])
    return marks


def _details(text: str) -> dict[str, str]:
    pairs = (part.partition(" ") for part in text.split("; ") if part)
    return {unescaped(name): unescaped(value) for name, _, value in pairs}


def details(known: dict[str, str]) -> str:
    """Write details as `` ⟨microversion compute 2.79; topic conductor⟩``, none as ""."""
    parts = [f"{escaped(name, ' ;⟨⟩')} {escaped(value, ';⟨⟩')}".rstrip() for name, value in known.items()]
    return f" ⟨{'; '.join(parts)}⟩" if parts else ""


def _took(text: str, unit: int) -> tuple[int, ...]:
    parts = re.split("[–-]", text)
    if any(part.count(".") > 1 or len(part) > _MAX_DIGITS for part in parts):
        raise ValueError(f"~{text} is not a time; write it as ~5 ms")
    times = [round(Decimal(part) * unit) for part in parts]
    if times != sorted(times):
        raise ValueError(
            f"~{text} is not a range of times; write the shortest first, then the median, then the longest"
        )
    return (*times,) if len(times) == 3 else (times[0],) * 3


def count(low: int, high: int) -> str:
    """Write a range of counts as `` ×2–3``, exactly one as ""."""
    return "" if low == high == 1 else f" ×{spread(low, high)}"


def rounded(durations: tuple[int, ...]) -> tuple[int, ...]:
    """Round (shortest, median, longest) in ns to three digits, as written; () where the median is not worth timing."""
    if len(durations) != 3 or durations[1] < WORTH_TIMING:
        return ()
    return tuple(int(Decimal(f"{max(time, 0):.3g}")) for time in durations)


def took(times: tuple[int, ...]) -> str:
    """Write times as `` ~4.1–5–9 ms``: shortest, median, longest; as one number where they are equal."""
    if not (times := rounded(times)):
        return ""
    unit = "s" if times[1] >= _UNITS["s"] else "ms"
    numbers = [_digits(Decimal(time) / _UNITS[unit]) for time in times]
    return f" ~{numbers[0] if len(set(numbers)) == 1 else '–'.join(numbers)} {unit}"


def _digits(number: Decimal) -> str:
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def escaped(text: str, besides: str = "") -> str:
    """Return ``text`` on one line with escapes for unprintable characters, backslashes and those in ``besides``."""
    if text.isprintable() and not any(char in text for char in "\\" + besides):
        return text
    return "".join(escape(char) if char in besides or not char.isprintable() or char == "\\" else char for char in text)


def escape(char: str) -> str:
    """Return the escape of a character in Python's syntax."""
    if char == "\\":
        return "\\\\"
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unescaped(text: str) -> str:
    """Undo ``escaped``; escapes that it does not write stay as they are."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits is None:
        return "\\"
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def guarded(text: str) -> str:
    """Escape ``text`` so that no mark is read at its end and spaces at both ends survive."""
    result = escaped(text)
    if result.startswith(" "):
        result = "\\x20" + result[1:]
    if result.endswith(" "):
        result = result[:-1] + "\\x20"
    while mark := _MARK.search(result):
        position = mark.start() + 1
        result = result[:position] + escape(result[position]) + result[position + 1 :]
    return result
