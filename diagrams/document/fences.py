"""Markdown that shows any text literally: code spans, fenced blocks, code between tags."""

from __future__ import annotations

import re
from html import escape

from diagrams.text import clean


def code(text: str) -> str:
    """Return ``text`` as a code span for a table's cell."""
    text = clean(text).replace("|", "\\|") or " "
    ticks = "`" * (_longest_run(text) + 1)
    edge = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{edge}{text}{edge}{ticks}"


def fenced(text: str, language: str = "text") -> str:
    """Return ``text`` in a fence that no line of it can close."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def tagged(text: str) -> str:
    """Return ``text`` as code between tags, for places where Markdown reads no code spans."""
    return f"<code>{escape(clean(text))}</code>"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
