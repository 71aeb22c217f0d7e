"""The interpreter's own primitives, also in a process in which eventlet has put green ones in their place.

Those must not be called where the hooks are: they switch greenlets, which the hub itself may not, or take notice of the
files we open. ``posix`` is what ``os`` takes its functions from, and stays as it is.
"""

from __future__ import annotations

import sys
from posix import open, write
from typing import Callable

__all__ = ["get_ident", "open", "write"]


def _get_ident() -> Callable[[], int]:
    # eventlet keeps the module as it was under this name (eventlet.patcher.original).
    module = sys.modules.get("__original_module__thread") or sys.modules["_thread"]
    return module.get_ident  # type: ignore[no-any-return]


#: The number of the native thread, which all its greenlets share.
get_ident = _get_ident()
