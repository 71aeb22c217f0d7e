"""Text that is safe to show: hostile characters made visible, long text shortened, times in words."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tracer.model import Value


def clean(text: str) -> str:
    """Return ``text`` on one line, without characters that could trick a terminal, XML or a reader.

    What is not printable (controls, escape sequences, bidi overrides, zero-width characters, line separators, lone
    surrogates) is written out the way Python writes it, so it stays visible.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shorten(text: str, limit: int) -> str:
    """Return ``text`` cleaned and cut to ``limit`` characters, the cut marked."""
    if len(text) <= limit and text.isprintable():
        return text
    # Cut before cleaning too: a name may be megabytes long.
    text = clean(text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def short_address(address: str, limit: int = 24) -> str:
    """Return a short address: of a long one the end, in which it differs from its neighbours."""
    if len(address) < limit and address.isprintable():
        return address
    address = clean(address[-limit:])
    return address if len(address) < limit else "…" + address[1 - limit :]


def first_line(text: str) -> str:
    """Return the first line of ``text`` that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def plain(value: Value) -> str:
    """Return a step's value as text: strings unchanged, other values as JSON."""
    if isinstance(value, str):
        return value
    return str(value) if value is None else json.dumps(value, ensure_ascii=False, default=str)


def span(nanoseconds: int | None) -> str:
    """Return a duration with a suitable unit: ``812 µs``, ``12.3 ms``, ``1.24 s``, ``2 min 3 s``."""
    if nanoseconds is None:
        return "unfinished"
    # The limits are where rounding would reach the next unit.
    if nanoseconds < 999_500:
        return f"{nanoseconds / 1e3:.0f} µs"
    if nanoseconds < 999_500_000:
        return f"{nanoseconds / 1e6:.3g} ms"
    if nanoseconds < 59_950_000_000:
        return f"{nanoseconds / 1e9:.3g} s"
    seconds = round(nanoseconds / 1e9)
    return f"{seconds // 60} min {seconds % 60} s"


def clock(nanoseconds: int) -> str:
    """Return the time of day, UTC: ``10:00:41.600``."""
    seconds, rest = divmod(nanoseconds, 10**9)
    minutes, second = divmod(seconds % 86_400, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}.{rest // 10**6:03}"


def times(count: int) -> str:
    """Return `` ×7`` for seven equal ones, nothing for a single one."""
    return f" ×{count}" if count > 1 else ""


def spread(low: int, high: int) -> str:
    """Return ``2–3``, or ``2`` if both are equal."""
    return str(low) if low == high else f"{low}–{high}"


def often(low: int, high: int) -> str:
    """Return `` ×2–3``, "" for a single occurrence."""
    return times(high) if low == high else f" ×{low}–{high}"


def by_kind(counts: Mapping[str, int]) -> str:
    """Return counts in the order of their kinds: ``147 call, 11 handoff``."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def plural(count: int, noun: str) -> str:
    """Return ``1 row``, ``2 rows``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
