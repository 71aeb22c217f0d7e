"""The number of examples that hypothesis tries."""

from __future__ import annotations

import os


def examples(full: int) -> int:
    """Return ``full`` where EXAMPLES=full is set, as late in ``make test``, else a fifth of it, at least 10."""
    return full if os.environ.get("EXAMPLES") == "full" else max(full // 5, 10)
