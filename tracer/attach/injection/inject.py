"""Python text run by a process that runs already, in its main thread, without its noticing (Python 3.8–3.13).

Where the main thread is blocked it runs the text there and then, with the GIL taken for it; that is done only where it
provably waits in a system call, since inside of Python's own wait for the GIL a second one would hang for ever.
Anywhere else the text is given to Python as a pending call, which it makes between two of its instructions.
"""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tracer.attach.injection import blocking, free_range, priority, ptrace
from tracer.attach.injection.blocking import BlockedCall
from tracer.attach.injection.exchange import CLOSE_ON_EXEC, Exchange
from tracer.attach.injection.interpreter import Interpreter
from tracer.attach.injection.ptrace import BusyError, Stopped
from tracer.attach.injection.signal_frames import Call, Frames, Guard

_MMAP, _MUNMAP, _MEMFD_CREATE = 9, 11, 319
_READ_WRITE, _PRIVATE, _ANONYMOUS, _NOT_OVER_OTHERS = 3, 0x2, 0x20, 0x100000
_NO_FILE = (1 << 64) - 1
_RELEASED = 1
#: How long it may take to come to a system call, where calling into Python's lists of work is surely safe.
_TO_SYSTEM_CALL = 0.02
_TRIES = 3
_LOOK = 0.001
#: Text that does nothing, but has Python make its pending calls: at the call of a function all versions look for them.
_NOTHING = b"(lambda: 0)()"
_SOON = 1.0
_ROOM, _GROWTH = 1 << 16, 1 << 20


@dataclass
class Visit:
    """What it took: the seconds for which the main thread was held, each time, and how the text was run."""

    way: str = ""
    stops: list[float] = field(default_factory=list)
    #: Address and size of the text, while it lies there.
    text: tuple[int, int] | None = None


def run(
    interpreter: Interpreter, text: bytes, answered: Callable[[], bool], patience: float,
    exchange: Exchange | None = None,
) -> Visit:  # fmt: skip
    """Have the process run ``text`` and wait until ``answered()``; BusyError where it has not in ``patience`` seconds.

    It runs once. Where this gives up it may still run later, when the process's main thread comes back to Python code:
    it must look itself whether it is still wanted. With an ``exchange``, that is made first, for the text to use.
    """
    return _Run(interpreter, answered, time.monotonic() + patience, exchange).run(text)


def make(interpreter: Interpreter, exchange: Exchange) -> Visit:
    """Have the process make the exchange's file, and nothing else."""
    return _Run(interpreter, bool, 0.0, exchange).make()


class _Run:
    """One text on its way through one process."""

    def __init__(
        self, interpreter: Interpreter, answered: Callable[[], bool], deadline: float, exchange: Exchange | None = None
    ) -> None:
        self._python = interpreter
        self._answered = answered
        self._deadline = deadline
        self._exchange = exchange
        self._visit = Visit()
        self._frames: Frames | None = None
        #: Where the text that does nothing lies, in a page that goes when it has been run.
        self._nothing = 0
        self._sent_there = False
        self._loans = contextlib.ExitStack()

    def run(self, text: bytes) -> Visit:
        """Bring it in, have it run, and give its memory back; the main thread goes before others meanwhile."""
        with self._loans:
            return self._run(text)

    def make(self) -> Visit:
        """Have the exchange's file made."""
        with self._loans:
            self._make_together([])
        return self._visit

    def _run(self, text: bytes) -> Visit:
        place = blocking.blocked_at(self._python.pid)
        self._bring_in(text)
        if place is None or not self._run_there(place):
            self._run_soon()
        watch = blocking.Watch(self._python.pid)
        while not self._answered():
            self._check_time()
            time.sleep(_LOOK)
            if self._visit.way == "pending" and (place := watch.blocked()) is not None:
                self._make_pending_there(place)
        self._give_back()
        return self._visit

    def _give_back(self) -> None:
        """The memory; what is answered is done, so where that cannot be, or is still to be read, it stays."""
        soon = time.monotonic() + _SOON
        while self._sent_there and self._is_there(self._nothing):
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
            raise BusyError("its main thread does not come back to Python code")

    def _bring_in(self, text: bytes) -> None:
        """The text into memory of its own, which its main thread maps for us."""
        pages = free_range.pages(len(text))
        size = pages + free_range.pages(0)
        at = free_range.find(self._python.pid, size)
        self._nothing = at + pages
        self._visit.text = at, size
        flags = _PRIVATE | _ANONYMOUS | _NOT_OVER_OTHERS
        call = self._system_call(_MMAP, at, size, _READ_WRITE, flags, _NO_FILE, 0)
        self._make_together([call])
        soon = time.monotonic() + _SOON
        while not free_range.is_mapped(self._python.pid, at, size):
            if time.monotonic() > soon:
                raise BusyError("its main thread has mapped no memory for us")
            time.sleep(_LOOK)
        os.pwrite(self._python.memory, text if self._exchange is None else self._exchange.fill(text), at)
        os.pwrite(self._python.memory, _NOTHING, self._nothing)

    def _make_together(self, calls: list[Call]) -> None:
        """Make system calls, and at the same stop the exchange's file."""
        if self._exchange is not None:
            name = self._exchange.name.encode() + b"\0"
            calls = [*calls, self._system_call(_MEMFD_CREATE, name, CLOSE_ON_EXEC)]
        self._stopped(lambda thread: self._go([], calls, thread, again=True))
        if self._exchange is not None:
            self._exchange.connect()

    def _run_there(self, place: BlockedCall) -> bool:
        """Run it where the main thread is blocked, and unmap it; False where it is no more, or has the GIL."""
        assert self._visit.text is not None
        done = self._call_there(place, self._visit.text[0], self._visit.text)
        if done:
            self._visit.text = None
        return done

    def _make_pending_there(self, place: BlockedCall) -> None:
        """Have the pending call made where the main thread is blocked: to run the text there would be twice."""
        self._sent_there = self._call_there(place, self._nothing, (self._nothing, free_range.pages(0)))

    def _call_there(self, place: BlockedCall, text: int, then_unmap: tuple[int, int]) -> bool:
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
            if _still_waits(thread, place):
                self._go(guards, calls, thread, again=False)

        self._stopped(go)
        if self._frames is None or self._held_the_gil(text):
            return False
        self._visit.way = "blocked"
        return True

    def _held_the_gil(self, text: int) -> bool:
        """Whether the last guard has said so, at once; once the text has run and gone, that is overwritten."""
        assert self._frames is not None
        soon = time.monotonic() + 0.02
        while time.monotonic() < soon and not self._answered():
            if os.pread(self._python.memory, 8, self._frames.verdict) == (2).to_bytes(8, "little"):
                return self._is_there(text)
            time.sleep(_LOOK)
        return False

    def _is_there(self, address: int) -> bool:
        try:
            return bool(os.pread(self._python.memory, 1, address))
        except OSError:
            return False

    def _run_soon(self) -> None:
        """Run it as soon as the main thread looks for pending calls."""
        functions = self._python.functions
        assert self._visit.text is not None
        guards = [Guard(functions["Py_IsInitialized"], zero=False)]
        calls = [Call(functions["Py_AddPendingCall"], (functions["PyRun_SimpleString"], self._visit.text[0]))]

        def go(thread: Stopped) -> None:
            if thread.to_system_call(_TO_SYSTEM_CALL):
                self._go(guards, calls, thread, again=True)
            else:
                thread.call(calls)  # computes all the time, so it has long started: no guard

        self._stopped(go)
        self._visit.way = "pending"

    def _unmap(self, thread: Stopped) -> None:
        assert self._visit.text is not None
        # Not again: with EINTR, Python looks whether it has missed a signal while it was held.
        self._go([], [self._system_call(_MUNMAP, *self._visit.text)], thread, again=False)
        self._visit.text = None

    def _system_call(self, number: int, *arguments: int | bytes) -> Call:
        return Call(self._python.system_call, arguments, number)

    def _go(self, guards: list[Guard], calls: list[Call], thread: Stopped, again: bool) -> None:
        self._frames = thread.go_calling(guards, calls, again)

    def _stopped(self, work: Callable[[Stopped], None]) -> None:
        """``work`` with the main thread stopped; a few times where it cannot be held just now."""
        for number in range(_TRIES):
            try:
                _stopped(self._python, self._visit, work, self._loans)
            except BusyError:
                if number + 1 == _TRIES:
                    raise
            except PermissionError:
                # The thread of ours that could not stop it may not have ended yet, and holds it until then.
                if number == 0 or number + 1 == _TRIES:
                    raise
            else:
                return
            time.sleep(0.1)


def _still_waits(thread: Stopped, place: BlockedCall) -> bool:
    """Whether it is stopped in the very system call in which it was seen to be blocked."""
    saved = thread.saved
    arguments = (saved.rdi, saved.rsi, saved.rdx, saved.r10)
    same = (saved.rsp, saved.rip) == (place.stack, place.address)
    return bool(same and saved.waits and not blocking.has_timeout(saved.orig_rax, arguments))


def _stopped(
    interpreter: Interpreter, visit: Visit, work: Callable[[Stopped], None], loans: contextlib.ExitStack
) -> None:
    """Do ``work`` in a thread of our own that ends then, whatever has happened: that frees what it had stopped.

    The loan of our priority outlasts it: what the main thread has been sent to do is still to come.
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
    """BusyError where it runs on a stack too small for ours, as a signal handler may."""
    pointer = thread.saved.rsp
    for mapping in interpreter.writable:
        room = _GROWTH if mapping.path == "[stack]" else -_ROOM
        if mapping.start - room <= pointer < mapping.end:
            return
    raise BusyError("its main thread runs on a small stack")
