"""The words of steps, times and errors in sentences."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tracer.model import Step
from tracer.text import printable

#: Longest quotation of a step and longest error in a sentence.
_QUOTE, _ERROR = 200, 240
_REMOTE = re.compile(r"\b(\w+)_Remote\b")
_INSTANCE = re.compile(r"^(?:\[instance: [^\]]*\] ?)+")
_MODULE = re.compile(r"^(?:[a-z_]\w*\.)+(?=[A-Z])")


def shorten(text: str, most: int = _QUOTE) -> str:
    """Return ``text`` on one printable line of at most ``most`` characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def plain_error(text: str) -> str:
    """Return an error's first line without its module and without ``_Remote``: ``NoValidHost: No valid host …``."""
    first = next((line for line in text.strip().splitlines() if line.strip()), "")
    return shorten(_REMOTE.sub(r"\1", _MODULE.sub("", without_instance(first.strip()))), _ERROR).rstrip(": ")


def capital(text: str) -> str:
    """Return the text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def without_instance(message: str) -> str:
    """Return a log line's message without the uuid that Nova puts before it."""
    return _INSTANCE.sub("", message)


def error_type(text: str) -> str:
    """Return the name of an error's exception, "" for ``HTTP 500`` and the like."""
    match = re.match(r"([A-Za-z_]\w*)(?::|$)", plain_error(text))
    return match[1] if match else ""


def where(service: str, host: str) -> str:
    """Return a service in a sentence: ``compute on node7``."""
    return shorten(f"{service} on {host}" if host else service, 80)


def clock(time: int) -> str:
    """Return a time of day: ``20:50:11.838``."""
    return _date(time).strftime("%H:%M:%S.") + f"{time // 1_000_000 % 1000:03d}"


def date(time: int) -> str:
    """Return a date with its time: ``2026-11-22 20:50:11.838 UTC``."""
    return f"{_date(time):%Y-%m-%d} {clock(time)} UTC"


def _date(time: int) -> datetime:
    try:
        return datetime.fromtimestamp(time // 10**9, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def span(nanoseconds: int) -> str:
    """Return a duration for reading: ``0.42 ms``, ``71 ms``, ``4.4 s``, ``3 min 20 s``."""
    seconds = max(nanoseconds, 0) / 1e9
    if seconds >= 120:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    if seconds >= 0.9995:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2f} ms"


def name(step: Step) -> str:
    """Return a step in a sentence: ``POST /v2.0/ports``, ``rpc call select_destinations``, ``API.create()``."""
    if step.kind == "http":
        return shorten(f"{step.text('method')} {step.text('path').partition('?')[0]}".strip() or step.name, 120)
    if step.kind == "rpc":
        method = step.text("method") or step.name or step.text("topic")
        return shorten(method if step.is_server else f"rpc {step.mode or 'call'} {method}", 120)
    if step.kind in ("call", "libvirt", "handoff") and step.text("function"):
        owner = f"{step.text('class')}." if step.text("class") else ""
        return shorten(f"{owner}{step.text('function')}".replace(".<locals>", "") + "()", 120)
    if step.kind == "command":
        arguments = step.attributes.get("arguments")
        return shorten(" ".join(map(str, arguments)) if isinstance(arguments, list) else step.name, 120)
    return shorten(step.name, 120)
