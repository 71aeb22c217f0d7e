"""What HTML pages share: their templates, and the digest by which a page's own policy allows a style or a script."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def templates() -> Environment:
    """The templates; everything that is put into them is escaped."""
    # Late, so that who makes no page does not pay for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("diagrams"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=StrictUndefined, autoescape=True,
    )  # fmt: skip


def digest(text: str) -> str:
    """As a Content-Security-Policy wants it after ``sha256-``."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
