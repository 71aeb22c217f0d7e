"""A limit for code that must not hang: far beyond what it needs, in a process of its own."""

from __future__ import annotations

import textwrap
from typing import Any

from tests.support.subprocess_python import elsewhere

_LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
answer = None
"""


def finished(code: str, *arguments: object, seconds: int = 60) -> Any:
    """Return what ``code`` leaves in ``answer``; fail if it needs so many CPU seconds, or ten times as many in all.

    If its cost grew too fast it would need hours. The cost itself is measured by the benchmarks.
    """
    return elsewhere(_LIMIT.format(seconds=seconds) + textwrap.dedent(code), *arguments, seconds=10 * seconds)
