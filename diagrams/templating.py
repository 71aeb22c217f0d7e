"""The templates' environment, and the digests by which a page's policy allows its style and script."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
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


@cache
def templates() -> Environment:
    """Return the templates by name; those that end in ``.html`` escape their values."""
    # Imported late, because only some renderers need it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("diagrams"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=StrictUndefined, autoescape=lambda name: name is None or name.endswith(".html"),
    )  # fmt: skip
    environment.filters.update(code=code, fenced=fenced, tagged=tagged)
    return environment


def digest(text: str) -> str:
    """Return the digest of a text as it follows ``sha256-`` in a Content-Security-Policy."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
