"""The stacks of this process at this moment: threads, greenlets, and work that waits for a free worker.

Read in a visit, and never loaded with the hooks. Nothing is left behind, and the time of the reading is bounded.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from itertools import islice
from types import CodeType, FrameType
from typing import Any, Iterator

from .classes import is_kind, namespace, type_name
from .host_fields import field, function_names
from .stack_values import Values, variables_of

#: Frames of a stack that are read, innermost and outermost ones, and frames that are walked over in between.
_INNER, _OUTER, _MAX_DEPTH = 150, 60, 20_000
_MAX_DETAILS, _MAX_QUEUED = 64, 200
#: Seconds after which stacks are only counted.
_PATIENCE = 0.25
#: Functions of executors whose frames hold the queue of work.
_WORKERS = frozenset(("_worker", "run", "_wait_for_work", "__call__"))
_WORKER_FILES = ("concurrent/futures/thread.py", "futurist/_thread.py", "futurist/_green.py", "futurist/_utils.py")
_OWN = __name__.rpartition(".")[0]
#: The class of objects with attributes for each thread; eventlet replaces the module's own name for it.
_Local: Any = (sys.modules.get("__original_module__thread") or sys.modules["_thread"]).__dict__["_local"]

#: Kind, name and number of the thread, count, frames as (code, line), values as (frame, key, value).
Stack = Any


def read(request: dict[str, Any]) -> dict[str, Any]:
    """Return the stacks, with the ids and names in them that the tables of the request select."""
    collects = gc.isenabled()
    gc.disable()  # it would run the host's finalizers
    try:
        reader = _Reader(request)
        stacks = reader.stacks()
        return {
            "state": "read",
            "python": "%d.%d.%d" % sys.version_info[:3],
            "threads": reader.threads,
            "unread": reader.unread,
            "codes": [reader.code_names[index] for index in range(len(reader.code_names))],
            "stacks": stacks,
        }
    finally:
        if collects:
            gc.enable()


class _Reader:
    def __init__(self, request: dict[str, Any]) -> None:
        self._values = Values(request)
        self._deadline = time.monotonic() + _PATIENCE
        self._library = _folder_of_library()
        self._codes: dict[int, tuple[int, CodeType]] = {}
        self.code_names: dict[int, tuple[str, str, str]] = {}
        self._queues: dict[int, tuple[Any, str]] = {}
        self.threads = self.unread = 0

    def stacks(self) -> list[Stack]:
        """Return the stacks, equal ones once with their count."""
        counts: dict[Any, int] = {}
        firsts: dict[Any, tuple[str, int]] = {}
        for kind, name, number, frames, details in self._all():
            key = (kind, frames, details)
            counts[key] = counts.get(key, 0) + 1
            firsts.setdefault(key, (name, number))
        return [
            (kind, *firsts[kind, frames, details], count, frames, details)
            for (kind, frames, details), count in counts.items()
        ]

    def _all(self) -> Iterator[Stack]:
        about = _names_of_threads()
        current = sys._current_frames()
        self.threads = len(current)
        for ident, frame in current.items():
            host_frame = _without_ours(frame)
            if host_frame is None:
                continue
            if time.monotonic() > self._deadline:
                self.unread += 1
                continue
            name, number = about.get(ident, ("", 0))
            yield ("thread", name, number, *self._stack(host_frame, name))
        current = {}
        for frame in _greenlets():
            if time.monotonic() > self._deadline:
                self.unread += 1
            else:
                yield ("greenlet", "", 0, *self._stack(frame, ""))
        for queue, name in list(self._queues.values()):
            for item in _queued(queue):
                yield ("queued", name, 0, *self._work(item, name))

    def _stack(self, frame: FrameType, name: str) -> tuple[Any, Any]:
        lines: list[tuple[int, int]] = []
        details: dict[tuple[str, str], int] = {}
        for number, inner in enumerate(_walked(frame)):
            lines.append((self._index(inner.f_code, inner.f_globals), inner.f_lineno or 0))
            if len(details) < _MAX_DETAILS:
                for key, value in self._values.of_frame(inner, self._library):
                    details.setdefault((key, value), number)
            if inner.f_code.co_name in _WORKERS and inner.f_code.co_filename.endswith(_WORKER_FILES):
                pool = self._pool(inner, name)
                if pool:
                    details.setdefault(("pool", pool), number)
        return tuple(lines), tuple([(number, key, value) for (key, value), number in details.items()])

    def _pool(self, frame: FrameType, name: str) -> str:
        """Return the name of the pool that a worker's frame belongs to: that of its first worker; note its queue."""
        names = variables_of(frame)
        queue = names.get("work_queue")
        if queue is None:
            queue = field(names.get("self"), "work_queue")
        return "" if queue is None else self._queues.setdefault(id(queue), (queue, name))[1]

    def _work(self, item: Any, pool: str) -> tuple[Any, Any]:
        function, arguments, named = field(item, "fn"), field(item, "args"), field(item, "kwargs")
        module, name = function_names(function)
        details: dict[tuple[str, str], int] = {}
        values = [*(arguments if type(arguments) is tuple else ()), *(named.values() if type(named) is dict else ())]
        for key, value in self._values.of_value(values, 3):
            details.setdefault((key, value), 0)
        index = self._numbered((module, "", name))
        details[("pool", pool)] = 0
        return ((index, 0),), tuple([(0, key, value) for key, value in details])

    def _index(self, code: CodeType, names: dict[str, Any]) -> int:
        entry = self._codes.get(id(code))
        if entry is None:
            module = names.get("__name__") if type(names) is dict else ""
            text = module if type(module) is str else ""
            name = getattr(code, "co_qualname", code.co_name)
            entry = self._codes[id(code)] = (self._numbered((text, code.co_filename, name)), code)
        return entry[0]

    def _numbered(self, names: tuple[str, str, str]) -> int:
        index = len(self.code_names)
        self.code_names[index] = names
        return index


def _walked(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the innermost and the outermost frames of a stack, from the inside out."""
    outer: deque[FrameType] = deque(maxlen=_OUTER)
    for number in range(_MAX_DEPTH):
        if frame is None:
            break
        if number < _INNER:
            yield frame
        else:
            outer.append(frame)
        frame = frame.f_back
    yield from outer


def _without_ours(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the host's: this thread runs our code within one of its functions."""
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    return frame


def _is_ours(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__")
    if module == "_bootseq_visit" or (type(module) is str and module.startswith(_OWN + ".")):
        return True
    return frame.f_code.co_filename == "<string>" or frame.f_code.co_filename.startswith("/proc/self/fd/")


def _folder_of_library() -> str:
    file = getattr(sys.modules.get("threading"), "__file__", "")
    return file.rpartition("/")[0] + "/" if type(file) is str and "/" in file else "<"


def _names_of_threads() -> dict[int, tuple[str, int]]:
    """Return the name and the kernel's number of the threads that the threading module has, by their ident."""
    threads = getattr(sys.modules.get("threading"), "_active", None)
    names = {}
    for ident, thread in list(threads.items()) if type(threads) is dict else ():
        name, number = field(thread, "_name"), field(thread, "_native_id")
        names[ident] = (name[:100] if type(name) is str else "", number if type(number) is int else 0)
    return names


def _greenlets() -> Iterator[FrameType]:
    """Yield the innermost frame of each greenlet that is switched out, where eventlet runs."""
    hubs, module = sys.modules.get("eventlet.hubs"), sys.modules.get("greenlet")
    kind = getattr(module, "greenlet", None)
    local = getattr(hubs, "_threadlocal", None)
    if type(kind) is not type or type(local) is not _Local or getattr(local, "hub", None) is None:
        return
    read_frame: Any = namespace(kind)["gr_frame"]
    known: dict[int, bool] = {}
    for thing in gc.get_objects():
        its_kind = type(thing)
        is_greenlet = known.get(id(its_kind))
        if is_greenlet is None:
            is_greenlet = known[id(its_kind)] = is_kind(its_kind, kind)
        if is_greenlet:
            frame = read_frame.__get__(thing, its_kind)
            if type(frame) is FrameType:
                yield frame


def _queued(queue: Any) -> list[Any]:
    """Return the work in a queue: of the queue module's, or of C's, whose content only the collector shows."""
    inner = field(queue, "queue")
    if type(inner) is deque:
        return [item for item in list(islice(inner, _MAX_QUEUED)) if item is not None]
    if type_name(type(queue)) != "SimpleQueue":
        return []
    held: list[Any] = []
    for thing in gc.get_referents(queue):
        held += thing if type(thing) is list else [thing]
    return [item for item in held[:_MAX_QUEUED] if item is not None and type(item) is not type]
