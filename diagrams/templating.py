"""The templates' environment, and the digests by which a page's policy allows its style and script."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from diagrams.document.fences import code, fenced, tagged

if TYPE_CHECKING:
    from jinja2 import Environment


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
