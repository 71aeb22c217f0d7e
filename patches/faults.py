"""The distinction of our own faults from what the host raises while our code runs: signal handlers, tracers, timeouts.

A signal handler and a trace function get the frame that they interrupt: an exception out of a function which has the
frame above it among its arguments is the host's. So is an exception of a type of the host's that is out of none of its
functions: a thread was interrupted from outside.
"""

from __future__ import annotations

import functools
import sys
from types import CodeType, FrameType, TracebackType
from typing import Any, Iterator

_PACKAGE = __name__.rpartition(".")[0]

#: Modules of the standard library that our code calls, by the first part of their names.
_LENT = frozenset((
    "_collections_abc", "_weakrefset", "abc", "codecs", "collections", "contextlib", "contextvars", "datetime", "dis",
    "encodings", "enum", "fnmatch", "functools", "genericpath", "inspect", "itertools", "json", "linecache", "marshal",
    "opcode", "os", "posixpath", "re", "sre_compile", "sre_parse", "struct", "weakref", "zlib",
))  # fmt: skip
#: Modules of the types of exceptions that the interpreter and those modules raise.
_TYPES = frozenset((
    "_struct", "binascii", "builtins", "json.decoder", "re", "re._constants", "sre_constants", "struct", "zlib",
))  # fmt: skip

#: Errors after which a process may continue.
EXHAUSTED = (MemoryError, RecursionError)
#: Python 3.8 aborts if the stack fills up again before it was well unwound: there the host has to get the error.
SWALLOWS_RECURSION = sys.version_info >= (3, 9)

_type_module = type.__dict__["__module__"].__get__


def is_ours(error: BaseException) -> bool:
    """Return whether our own code raised an error, below the frame that has caught it."""
    if not isinstance(error, Exception) or (type(error) is RecursionError and not SWALLOWS_RECURSION):
        return False
    frames = list(_frames(error.__traceback__))
    if all(map(_is_known, frames)):
        return _is_plain(type(error))
    if any(_interrupts(inner, outer) for outer, inner in zip(frames, frames[1:])):
        return False
    callbacks = set(_callbacks())
    return not any(frame.f_code in callbacks for frame in frames)


def pass_on(error: BaseException) -> None:
    """Raise an error of the host's again: for ``except`` clauses that expect our own."""
    if not is_ours(error):
        raise error


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _is_plain(kind: Any) -> bool:
    module = _type_module(kind)
    return type(module) is str and (module in _TYPES or module == _PACKAGE or module.startswith(_PACKAGE + "."))


def _is_known(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__")
    return type(module) is str and (module.partition(".")[0] in _LENT or frame.f_globals.get("__package__") == _PACKAGE)


def _interrupts(inner: FrameType, outer: FrameType) -> bool:
    """Return whether a function, which is not ours, was called with the frame that it interrupted."""
    if _is_known(inner):
        return False
    return any(
        value is outer or (type(value) is tuple and any(item is outer for item in value))
        for value in inner.f_locals.values()
    )


def _callbacks() -> Iterator[CodeType]:
    """Yield the code of the functions that Python may call between any two instructions of ours."""
    signal = sys.modules.get("_signal")
    numbers = range(1, signal.NSIG) if signal is not None else ()
    handlers = [signal.getsignal(number) for number in numbers if number not in (32, 33)] if signal is not None else []
    for callback in [*handlers, sys.gettrace(), sys.getprofile()]:
        while type(callback) is functools.partial:
            callback = callback.func
        function = getattr(callback, "__func__", callback)
        code = getattr(function, "__code__", None)
        if type(code) is CodeType:
            yield code
