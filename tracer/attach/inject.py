"""Python text run by a process that runs already, in its main thread, without its noticing (Python 3.8–3.13)."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tracer.attach import waiting
from tracer.attach.interpreter import Interpreter
from tracer.attach.ptrace import BusyError, RefusedError, Stopped

_T = TypeVar("_T")

_MMAP, _MUNMAP = 9, 11
_READ_WRITE, _PRIVATE_ANONYMOUS = 3, 0x22
#: What stands before the text in the mapped memory: lsearch's count, its key and its array of up to two.
_HEAD = 64
_RELEASED = 1
#: How long it may take to come to a system call, where calling into Python's lists of work is surely safe.
_TO_SYSTEM_CALL = 0.02
_TRIES = 3
_LOOK = 0.001
#: Several processes may be visited at once, but not be stopped at once: each would wait for our one interpreter.
_one_at_a_time = threading.Lock()


@dataclass
class Visit:
    """What it took: ``stops`` are the seconds that the process stood still, each time; ``way`` how the text was run."""

    way: str = ""
    stops: list[float] = field(default_factory=list)
    #: Where the text lies, while it does.
    text: tuple[int, int] | None = None


def run(interpreter: Interpreter, text: bytes, answered: Callable[[], bool], patience: float) -> Visit:
    """Have the process run ``text`` and wait until ``answered()``; BusyError where it has not in ``patience`` seconds.

    Then the text may still run later, when the process's main thread comes back to Python code: it must look itself
    whether it is still wanted.
    """
    visit = Visit()
    deadline = time.monotonic() + patience
    _place(interpreter, visit, text, waiting.is_blocked(interpreter.pid))
    watch = waiting.Watch(interpreter.pid)
    while not answered():
        if time.monotonic() > deadline:
            raise BusyError(f"its main thread has not come back to Python code in {patience:.0f} s")
        time.sleep(_LOOK)
        if visit.way == "pending" and watch.blocked():
            _stopped(interpreter, visit, _run_where_it_waits)
    if visit.text is not None and visit.way == "pending":
        _stopped(interpreter, visit, _unmap)
    return visit


def _place(interpreter: Interpreter, visit: Visit, text: bytes, blocked: bool) -> None:
    """Bring the text in, and have it run now where the main thread waits, else as soon as it looks for work."""

    def place(thread: Stopped) -> None:
        if not blocked:
            thread.to_system_call(_TO_SYSTEM_CALL)
        if visit.text is None:
            _map(interpreter, visit, thread, text)
        if not _says(interpreter, thread, visit, "Py_IsInitialized"):
            raise RefusedError("its Python has not started yet, or has ended")
        if blocked and not _says(interpreter, thread, visit, "PyGILState_Check"):
            _go_running(interpreter, visit, thread)
            return
        functions = interpreter.functions
        thread.call(functions["Py_AddPendingCall"], functions["PyRun_SimpleString"], _start(visit))
        visit.way = "pending"

    for _ in range(_TRIES - 1):
        try:
            _stopped(interpreter, visit, lambda _, __, thread: place(thread))
            return
        except BusyError:
            time.sleep(0.05)
    _stopped(interpreter, visit, lambda _, __, thread: place(thread))


def _run_where_it_waits(interpreter: Interpreter, visit: Visit, thread: Stopped) -> None:
    if not _says(interpreter, thread, visit, "PyGILState_Check"):
        # Not unmapped here: the call that is pending reads the text too, whenever it comes.
        _go_running(interpreter, visit, thread)


def _go_running(interpreter: Interpreter, visit: Visit, thread: Stopped) -> None:
    """Only where the thread has let go of the GIL and waits in a system call: inside of Python's own wait for the GIL
    a second one would hang for ever."""
    functions = interpreter.functions
    assert visit.text is not None
    calls: list[tuple[int, ...]] = [
        (functions["PyGILState_Ensure"],),
        (functions["PyRun_SimpleString"], _start(visit)),
        (functions["PyGILState_Release"], _RELEASED),
    ]
    if not visit.way:
        calls.append((interpreter.munmap, *visit.text))
    thread.go_calling(calls)
    if not visit.way:
        visit.text = None
    visit.way = "blocked"


def _map(interpreter: Interpreter, visit: Visit, thread: Stopped, text: bytes) -> None:
    size = _HEAD + len(text) + 4096 & ~4095
    at = thread.system_call(interpreter.system_call, _MMAP, 0, size, _READ_WRITE, _PRIVATE_ANONYMOUS, NO_FILE, 0)
    if at < 0:
        raise RefusedError(f"it has no memory for the hooks: {os.strerror(-at)}")
    visit.text = at, size
    os.pwrite(interpreter.memory, text + b"\0", at + _HEAD)


NO_FILE = (1 << 64) - 1


def _start(visit: Visit) -> int:
    assert visit.text is not None
    return visit.text[0] + _HEAD


def _says(interpreter: Interpreter, thread: Stopped, visit: Visit, function: str) -> bool:
    """Whether a function of Python's without arguments gives anything but 0.

    What it gives is lost on the way back. But lsearch, which calls it to compare, adds to its array where it says that
    nothing there is equal.
    """
    assert visit.text is not None
    at = visit.text[0]
    os.pwrite(interpreter.memory, (1).to_bytes(8, "little"), at)
    thread.call(interpreter.lsearch, at + 8, at + 16, at, 8, interpreter.functions[function])
    return int.from_bytes(os.pread(interpreter.memory, 8, at), "little") != 1


def _unmap(interpreter: Interpreter, visit: Visit, thread: Stopped) -> None:
    assert visit.text is not None
    thread.system_call(interpreter.system_call, _MUNMAP, *visit.text)
    visit.text = None


def _stopped(interpreter: Interpreter, visit: Visit, work: Callable[[Interpreter, Visit, Stopped], None]) -> None:
    """Do ``work`` while the main thread is stopped, in a thread of our own that ends then, whatever has happened."""
    failures: list[BaseException] = []

    def body() -> None:
        _hurry()
        began = time.monotonic()
        try:
            with Stopped(interpreter.pid, interpreter.memory, interpreter.sigreturn) as thread:
                _check_stack(interpreter, thread)
                work(interpreter, visit, thread)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            failures.append(error)
        visit.stops.append(time.monotonic() - began)

    with _one_at_a_time:
        collecting = gc.isenabled()
        gc.disable()
        try:
            worker = threading.Thread(target=body)
            worker.start()
            worker.join()
        finally:
            if collecting:
                gc.enable()
    if failures:
        raise failures[0]


def _hurry() -> None:
    """The process stands still while we are kept waiting for a processor: go before others, where we may."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return


_ROOM = 1 << 16
_GROWTH = 1 << 20


def _check_stack(interpreter: Interpreter, thread: Stopped) -> None:
    """BusyError where it runs on a stack too small for ours, as a signal handler may."""
    pointer = thread.saved.rsp
    for mapping in interpreter.writable:
        room = _GROWTH if mapping.path == "[stack]" else -_ROOM
        if mapping.start - room <= pointer < mapping.end:
            return
    raise BusyError("its main thread runs on a small stack")
