"""Python text run in the main thread of a running process, without its noticing (Python 3.8–3.13).

A blocked main thread runs the text at once, after taking the GIL; this is done only where it provably waits in a system
call, since inside of Python's own wait for the GIL a second wait would hang for ever. In any other state the text is
added to Python's pending calls, which run between two instructions.
"""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tracer.attach.injection import blocking, elf, priority, ptrace
from tracer.attach.injection.blocking import BlockedCall
from tracer.attach.injection.exchange import CLOSE_ON_EXEC, Exchange
from tracer.attach.injection.interpreter import Interpreter
from tracer.attach.injection.ptrace import BusyError, Stopped
from tracer.attach.injection.signal_frames import Call, Frames, Guard

_MMAP, _MUNMAP, _MEMFD_CREATE = 9, 11, 319
_READ_WRITE, _PRIVATE, _ANONYMOUS, _NOT_OVER_OTHERS = 3, 0x2, 0x20, 0x100000
_NO_FILE = (1 << 64) - 1
_RELEASED = 1
#: Seconds until the next system call, where adding to Python's pending calls is surely safe.
_TO_SYSTEM_CALL = 0.02
_TRIES = 3
_LOOK = 0.001
#: Text that does nothing but make Python run its pending calls: at a call of a function all versions look for them.
_NOTHING = b"(lambda: 0)()"
_SOON = 1.0
_ROOM, _GROWTH = 1 << 16, 1 << 20


@dataclass
class Visit:
    """The cost of a run: the seconds of each stop of the main thread, and the way in which the text was run."""

    way: str = ""
    stops: list[float] = field(default_factory=list)
    #: Address and size of the text, while it is mapped.
    text: tuple[int, int] | None = None


def run(
    interpreter: Interpreter, text: bytes, answered: Callable[[], bool], patience: float,
    exchange: Exchange | None = None,
) -> Visit:  # fmt: skip
    """Have the process run ``text`` and wait until ``answered()``; BusyError after ``patience`` seconds without.

    The text runs once. After a BusyError it may still run later, when the process's main thread returns to Python code:
    the text itself must check whether it is still wanted. An ``exchange`` is created first, for the text to use.
    """
    return _Run(interpreter, answered, time.monotonic() + patience, exchange).run(text)


def make(interpreter: Interpreter, exchange: Exchange) -> Visit:
    """Have the process create the exchange's file, and nothing else."""
    return _Run(interpreter, bool, 0.0, exchange).make()


class _Run:
    """A text on its way through a process."""

    def __init__(
        self, interpreter: Interpreter, answered: Callable[[], bool], deadline: float, exchange: Exchange | None = None
    ) -> None:
        self._python = interpreter
        self._answered = answered
        self._deadline = deadline
        self._exchange = exchange
        self._visit = Visit()
        self._frames: Frames | None = None
        #: Address of the text that does nothing, in a page that is unmapped after its run.
        self._nothing = 0
        self._ran_nothing = False
        self._loans = contextlib.ExitStack()

    def run(self, text: bytes) -> Visit:
        """Map the text, have it run, and unmap it; the main thread has priority meanwhile."""
        with self._loans:
            return self._run(text)

    def make(self) -> Visit:
        """Have the exchange's file created."""
        with self._loans:
            self._call_and_create_exchange([])
        return self._visit

    def _run(self, text: bytes) -> Visit:
        blocked = blocking.blocked_at(self._python.pid)
        self._map(text)
        if blocked is None or not self._run_blocked(blocked):
            self._run_pending()
        watch = blocking.Watch(self._python.pid)
        while not self._answered():
            self._check_time()
            time.sleep(_LOOK)
            if self._visit.way == "pending" and (blocked := watch.blocked()) is not None:
                self._run_pending_blocked(blocked)
        self._free()
        return self._visit

    def _free(self) -> None:
        """Unmap the text; where that fails, or the text that does nothing is still to be read, the memory stays."""
        soon = time.monotonic() + _SOON
        while self._ran_nothing and self._is_mapped(self._nothing):
            if time.monotonic() > soon:
                return
            time.sleep(_LOOK)
        if self._visit.text is not None:
            with contextlib.suppress(BusyError, OSError):
                self._stopped(self._unmap)

    def _check_time(self) -> None:
        if self._python.is_gone():
            raise BusyError("it has ended, or has become another program")
        if time.monotonic() > self._deadline:
            raise BusyError("its main thread does not return to Python code")

    def _map(self, text: bytes) -> None:
        """Write the text into memory that the main thread maps for us."""
        pages = elf.pages(len(text))
        size = pages + elf.pages(0)
        address = elf.free_range(self._python.pid, size)
        self._nothing = address + pages
        self._visit.text = address, size
        flags = _PRIVATE | _ANONYMOUS | _NOT_OVER_OTHERS
        call = self._system_call(_MMAP, address, size, _READ_WRITE, flags, _NO_FILE, 0)
        self._call_and_create_exchange([call])
        soon = time.monotonic() + _SOON
        while not elf.is_mapped(self._python.pid, address, size):
            if time.monotonic() > soon:
                raise BusyError("its main thread has mapped no memory for us")
            time.sleep(_LOOK)
        os.pwrite(self._python.memory, text if self._exchange is None else self._exchange.fill(text), address)
        os.pwrite(self._python.memory, _NOTHING, self._nothing)

    def _call_and_create_exchange(self, calls: list[Call]) -> None:
        """Make system calls, and create the exchange's file at the same stop."""
        if self._exchange is not None:
            name = self._exchange.name.encode() + b"\0"
            calls = [*calls, self._system_call(_MEMFD_CREATE, name, CLOSE_ON_EXEC)]
        self._stopped(lambda thread: self._go([], calls, thread, again=True))
        if self._exchange is not None:
            self._exchange.connect()

    def _run_blocked(self, blocked: BlockedCall) -> bool:
        """Run the text in the blocked main thread, and unmap it; False where it is not blocked, or has the GIL."""
        assert self._visit.text is not None
        done = self._call_blocked(blocked, self._visit.text[0], self._visit.text)
        if done:
            self._visit.text = None
        return done

    def _run_pending_blocked(self, blocked: BlockedCall) -> None:
        """Have the pending call made in the blocked main thread: running the text itself would be a second time."""
        self._ran_nothing = self._call_blocked(blocked, self._nothing, (self._nothing, elf.pages(0)))

    def _call_blocked(self, blocked: BlockedCall, text: int, then_unmap: tuple[int, int]) -> bool:
        functions = self._python.functions
        guards = [
            Guard(functions["Py_IsInitialized"], zero=False),
            Guard(functions["PyGILState_Check"], zero=True),
        ]
        calls = [
            Call(functions["PyGILState_Ensure"]),
            Call(functions["PyRun_SimpleString"], (text,)),
            Call(functions["PyGILState_Release"], (_RELEASED,)),
            Call(self._python.munmap, then_unmap),
        ]
        self._frames = None

        def go(thread: Stopped) -> None:
            if _still_waits(thread, blocked):
                self._go(guards, calls, thread, again=False)

        self._stopped(go)
        if self._frames is None or self._held_the_gil(text):
            return False
        self._visit.way = "blocked"
        return True

    def _held_the_gil(self, text: int) -> bool:
        """Return whether the last guard found it held; a look at once, as a run of the text overwrites the verdict."""
        assert self._frames is not None
        soon = time.monotonic() + 0.02
        while time.monotonic() < soon and not self._answered():
            if os.pread(self._python.memory, 8, self._frames.verdict) == (2).to_bytes(8, "little"):
                return self._is_mapped(text)
            time.sleep(_LOOK)
        return False

    def _is_mapped(self, address: int) -> bool:
        try:
            return bool(os.pread(self._python.memory, 1, address))
        except OSError:
            return False

    def _run_pending(self) -> None:
        """Run the text as soon as the main thread looks for pending calls."""
        functions = self._python.functions
        assert self._visit.text is not None
        guards = [Guard(functions["Py_IsInitialized"], zero=False)]
        calls = [Call(functions["Py_AddPendingCall"], (functions["PyRun_SimpleString"], self._visit.text[0]))]

        def go(thread: Stopped) -> None:
            if thread.to_system_call(_TO_SYSTEM_CALL):
                self._go(guards, calls, thread, again=True)
            else:
                thread.call(calls)  # it computes without system calls, so Python has long started: no guard

        self._stopped(go)
        self._visit.way = "pending"

    def _unmap(self, thread: Stopped) -> None:
        assert self._visit.text is not None
        # Not again: after EINTR, Python looks for a signal that it missed while it was stopped.
        self._go([], [self._system_call(_MUNMAP, *self._visit.text)], thread, again=False)
        self._visit.text = None

    def _system_call(self, number: int, *arguments: int | bytes) -> Call:
        return Call(self._python.system_call, arguments, number)

    def _go(self, guards: list[Guard], calls: list[Call], thread: Stopped, again: bool) -> None:
        self._frames = thread.go_calling(guards, calls, again)

    def _stopped(self, work: Callable[[Stopped], None]) -> None:
        """Do ``work`` with the main thread stopped; try a few times where it cannot be stopped now."""
        for number in range(_TRIES):
            try:
                _stopped(self._python, self._visit, work, self._loans)
            except BusyError:
                if number + 1 == _TRIES:
                    raise
            except PermissionError:
                # Our thread that failed to stop it may still run, and is its tracer until it ends.
                if number == 0 or number + 1 == _TRIES:
                    raise
            else:
                return
            time.sleep(0.1)


def _still_waits(thread: Stopped, blocked: BlockedCall) -> bool:
    """Return whether a thread is stopped in the very system call in which it was blocked."""
    saved = thread.saved
    arguments = (saved.rdi, saved.rsi, saved.rdx, saved.r10)
    same = (saved.rsp, saved.rip) == (blocked.stack, blocked.address)
    return bool(same and saved.waits and not blocking.has_timeout(saved.orig_rax, arguments))


def _stopped(
    interpreter: Interpreter, visit: Visit, work: Callable[[Stopped], None], loans: contextlib.ExitStack
) -> None:
    """Do ``work`` in a thread of our own, whose end in any case releases the thread that it had stopped.

    The loan of our priority outlasts it: the main thread has yet to make its calls.
    """
    failures: list[BaseException] = []

    def body() -> None:
        ptrace.raise_priority()
        addresses = (interpreter.sigreturn, interpreter.lsearch)
        loans.enter_context(priority.Lent(interpreter.pid))
        thread = Stopped(interpreter.pid, interpreter.memory, *addresses)
        try:
            with thread:
                _check_stack(interpreter, thread)
                work(thread)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            failures.append(error)
        visit.stops.append(thread.stopped_s)

    with ptrace.nothing_stopped:
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


def _check_stack(interpreter: Interpreter, thread: Stopped) -> None:
    """Raise BusyError where a thread runs on a stack too small for our frames, as a signal handler may."""
    pointer = thread.saved.rsp
    for mapping in interpreter.writable:
        room = _GROWTH if mapping.path == "[stack]" else -_ROOM
        if mapping.start - room <= pointer < mapping.end:
            return
    raise BusyError("its main thread runs on a small stack")
