"""Texts within texts: what percent signs, backslashes and HTML's entities stand for."""

from __future__ import annotations

import re

#: urllib's own function would leave a table in the host's urllib.parse.
_PERCENTS = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_BACKSLASH = re.compile(r"\\([\"'`\\/nrt])")
_ENTITY = re.compile(r"&(lt|gt|amp|quot|apos|#39|#x27|#34);")
_MEANS = {
    "n": "\n", "r": "\r", "t": "\t", "lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "#39": "'",
    "#x27": "'", "#34": '"',
}  # fmt: skip


def unquote(text: str) -> str:
    """Return ``text`` with its percent-encoded bytes decoded as UTF-8."""
    return _PERCENTS.sub(_decoded, text)


def without_backslashes(text: str) -> str:
    """Return ``text`` with one level of backslashes removed, as JSON and repr() write them."""
    return _BACKSLASH.sub(_meaning, text)


def without_entities(text: str) -> str:
    """Return ``text`` with HTML's entities decoded."""
    return _ENTITY.sub(_meaning, text)


def forms(text: str) -> list[str]:
    """Return what ``text`` may stand for once it is decoded; empty where it contains no escapes."""
    decoded = []
    if "%" in text:
        decoded.append(unquote(text))
    if "\\" in text:
        decoded.append(without_backslashes(text))
    if "&" in text and ";" in text:
        decoded.append(without_entities(text))
    return [form for form in decoded if form != text]


def _decoded(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _meaning(match: re.Match[str]) -> str:
    return _MEANS.get(match[1], match[1])
