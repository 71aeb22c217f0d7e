"""The interpreter's own primitives, also in a process in which eventlet has replaced them by green ones.

Hooks must not call green ones: they switch greenlets, which the hub itself may not, or keep track of the files that we
open. ``os`` has its functions from ``posix``, which eventlet does not patch.
"""

from __future__ import annotations

import sys
from posix import open, write
from typing import Callable

__all__ = ["get_ident", "open", "write"]


def _get_ident() -> Callable[[], int]:
    # eventlet stores the unpatched module under this name (eventlet.patcher.original).
    module = sys.modules.get("__original_module__thread") or sys.modules["_thread"]
    return module.get_ident  # type: ignore[no-any-return]


#: Return the number of the native thread, which all its greenlets share.
get_ident = _get_ident()
