"""The digest by which an HTML page's own policy allows a style or a script."""

from __future__ import annotations

import base64
import hashlib


def digest(text: str) -> str:
    """Return the digest of a text as a Content-Security-Policy has it after ``sha256-``."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
