"""The marks at the end of an outline's line, what each says, and how text is kept from reading like one.

A mark starts with a space and its own sign: `` ×2–3``, `` (any order)``, `` ~4.1–5–9 ms``, `` @123``, `` → 3``,
`` ← 1-1-2``, `` ⟨topic conductor⟩``, and what ``show`` writes beside them, `` (1.2 ms, by time)`` and
`` … unfinished``. They come in any order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from tracer.text import spread

_MARK = re.compile(
    r" (?:[×x](?P<low>\d{1,9})(?:[–-](?P<high>\d{1,9}))?"
    r"|\((?P<free>any order)\)"
    r"|~(?P<took>\d[\d.]*(?:[–-]\d[\d.]*[–-]\d[\d.]*)?) ?(?P<unit>ns|µs|us|ms|s)"
    r"|@(?P<where>\S+)"
    r"|⟨(?P<details>[^⟨⟩]*)⟩"
    r"|→ (?P<opens>\d+(?:, ?\d+)*)"
    r"|← (?P<opened_by>\d+(?:[-/]\d+)*)"
    r"|\((?P<span>\d[\d.]* (?:µs|ms|s)|\d+ min \d+ s)(?:, by [a-z, ]+)?\)|\((?P<tie>by [a-z, ]+)\)"
    r"|(?P<unfinished>… unfinished))$"
)
#: A time of more digits is longer than anybody has waited.
_MAX_DIGITS = 15
_UNITS = {"ns": 1, "µs": 1_000, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")

#: Steps that take less are not timed: the text stays quiet where nothing is slow.
WORTH_TIMING = 1_000_000


@dataclass(slots=True)
class Marks:
    """What the marks of a line say; what no mark says is as here."""

    low: int | None = None
    high: int | None = None
    free: bool = False
    took: tuple[int, ...] = ()
    #: Still as written: ``123``, ``path:123`` or ``?``.
    where: str = ""
    opens: tuple[str, ...] = ()
    opened_by: str = ""
    details: dict[str, str] = field(default_factory=dict)


def split(line: str) -> tuple[str, Marks]:
    """The words of a line, and what its marks say; ValueError says which mark makes no sense."""
    found: dict[str, str] = {}
    while mark := _MARK.search(line):
        said = {name: text for name, text in mark.groupdict().items() if text is not None}
        if said.keys() & found.keys():
            break
        found |= said
        line = line[: mark.start()].rstrip()
    return line, _marks(found)


def _marks(found: dict[str, str]) -> Marks:
    marks = Marks(
        free="free" in found, where=found.get("where", ""), opened_by=found.get("opened_by", ""),
        opens=tuple(re.findall(r"\d+", found.get("opens", ""))),
    )  # fmt: skip
    if "details" in found:
        marks.details = _details(found["details"])
    if "low" in found:
        marks.low, marks.high = int(found["low"]), int(found.get("high", found["low"]))
        if not marks.high or marks.low > marks.high:
            raise ValueError(f"×{spread(marks.low, marks.high)} is no range of counts; write the least first: ×0–2")
    if "took" in found:
        marks.took = _took(found["took"], _UNITS[found["unit"]])
    return marks


def _details(text: str) -> dict[str, str]:
    pairs = (part.partition(" ") for part in text.split("; ") if part)
    return {unescaped(name): unescaped(value) for name, _, value in pairs}


def details(known: dict[str, str]) -> str:
    """`` ⟨microversion compute 2.79; topic conductor⟩``; nothing where nothing is known."""
    said = [f"{escaped(name, ' ;⟨⟩')} {escaped(value, ';⟨⟩')}".rstrip() for name, value in known.items()]
    return f" ⟨{'; '.join(said)}⟩" if said else ""


def _took(text: str, unit: int) -> tuple[int, ...]:
    parts = re.split("[–-]", text)
    if any(part.count(".") > 1 or len(part) > _MAX_DIGITS for part in parts):
        raise ValueError(f"~{text} is no time")
    times = [round(Decimal(part) * unit) for part in parts]
    if times != sorted(times):
        raise ValueError(f"~{text} is no range of times; write the shortest first, then the median, then the longest")
    return (*times,) if len(times) == 3 else (times[0],) * 3


def count(low: int, high: int) -> str:
    """`` ×2–3``; nothing for what happens once."""
    return "" if low == high == 1 else f" ×{spread(low, high)}"


def rounded(took: tuple[int, ...]) -> tuple[int, ...]:
    """Times to three digits, as they are written; () where they are not worth it."""
    if len(took) != 3 or took[1] < WORTH_TIMING:
        return ()
    return tuple(int(Decimal(f"{max(time, 0):.3g}")) for time in took)


def took(times: tuple[int, ...]) -> str:
    """`` ~4.1–5–9 ms``: shortest, median, longest; one number where they are equal."""
    if not (times := rounded(times)):
        return ""
    unit = "s" if times[1] >= _UNITS["s"] else "ms"
    said = [_digits(Decimal(time) / _UNITS[unit]) for time in times]
    return f" ~{said[0] if len(set(said)) == 1 else '–'.join(said)} {unit}"


def _digits(number: Decimal) -> str:
    said = f"{number:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def escaped(text: str, besides: str = "") -> str:
    """``text`` on one line, readable back: what does not print, backslashes and those ``besides`` as escapes."""
    if text.isprintable() and not any(char in text for char in "\\" + besides):
        return text
    return "".join(escape(char) if char in besides or not char.isprintable() or char == "\\" else char for char in text)


def escape(char: str) -> str:
    """One character as Python would write it."""
    if char == "\\":
        return "\\\\"
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unescaped(text: str) -> str:
    """What ``escaped`` was given; an escape that it does not write stays as it is."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is None:
        return "\\"
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF else found[0]


def guarded(text: str) -> str:
    """``text`` escaped so that no mark is read at its end, and nothing is lost at either end."""
    said = escaped(text)
    if said.startswith(" "):
        said = "\\x20" + said[1:]
    if said.endswith(" "):
        said = said[:-1] + "\\x20"
    while mark := _MARK.search(said):
        at = mark.start() + 1
        said = said[:at] + escape(said[at]) + said[at + 1 :]
    return said
