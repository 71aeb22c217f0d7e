"""A function that forked children call, until everything is undone.

Python cannot unregister a function of ``os.register_at_fork``. But ``logging`` iterates over a set of its own in each
child, to which anything may be added and from which it may be removed; that set is used where it exists.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable
from weakref import WeakSet

from . import faults, patching


class _Child:
    """A handler to ``logging``, which renews its handlers' locks in a forked child."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function

    def createLock(self) -> None:  # noqa: N802 - the name that logging calls, up to Python 3.8
        """Call the function; never raise, or logging would not renew the other locks."""
        try:
            self._function()
        except Exception as error:
            faults.pass_on(error)
            sys.stderr.write("bootseq: process %d: %s\n" % (os.getpid(), type(error).__name__))

    _at_fork_reinit = createLock


_child: _Child | None = None
_registered = False


def in_child(function: Callable[[], object]) -> None:
    """Call ``function()`` in each child that this process forks, until everything is undone."""
    global _child, _registered
    children: Any = getattr(sys.modules.get("logging"), "_at_fork_reinit_lock_weakset", None)
    if type(children) is WeakSet:
        _child = _Child(function)
        children.add(_child)
        patching.undo(_forget)
    elif not _registered:
        os.register_at_fork(after_in_child=function)
        _registered = True


def _forget() -> None:
    global _child
    children: Any = getattr(sys.modules.get("logging"), "_at_fork_reinit_lock_weakset", None)
    if children is not None:
        children.discard(_child)
    _child = None
