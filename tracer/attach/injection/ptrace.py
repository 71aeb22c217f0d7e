"""One thread of another process, stopped by ptrace, and sent to make calls for us before it goes on.

Whatever moment we are killed at, the thread goes on as if nothing had been: it is never left in a state from which it
would not find back by itself. So nothing here single-steps (the trap flag would outlive us and kill it) or has a call
return to where it faults: what it is to do lies on its stack, down to the frame that holds its registers as they were
(tracer.attach.injection.signal_frames), before the one request that sends it there. Then we need not be there any more.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from types import TracebackType

from tracer.attach.injection import priority
from tracer.attach.injection.signal_frames import ENTERED, Call, Frames, Guard, Registers
from tracer.errors import TracerError

_CONT, _GETREGS, _SETREGS, _DETACH, _SYSCALL = 7, 12, 13, 17, 24
_PEEKSIGINFO = 0x4209
_GETREGSET, _SEIZE, _INTERRUPT, _GETSIGMASK, _SETSIGMASK = 0x4204, 0x4206, 0x4207, 0x420A, 0x420B
_X86_XSTATE = 0x202
_MARK_SYSCALL_STOPS = 1
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_EVENT_STOP = 128
_ALL_CHILDREN = 0x40000000
_RT_SIGRETURN = 15
_SET_TIMERSLACK = 29
_MAX_XSTATE = 1 << 16
#: Between two looks whether it has stopped. One that waits for a processor needs ours: then there is time.
_PAUSE, _LONG_PAUSE, _LONG = 10e-6, 200e-6, 2e-3
_SIGINFO, _MAX_SIGNALS = 128, 32
#: Seconds within which a signal that waits comes, where it still does.
_FOR_SIGNAL = 0.005
#: What may interrupt a call of ours: the host's handlers are to run where the host is, so other signals wait.
_URGENT = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGABRT)
_NO_SIGNALS = ~sum(1 << number - 1 for number in _URGENT) & (1 << 64) - 1

#: Held while a thread is stopped: another would wait for our one interpreter, or for what keeps that from running.
nothing_stopped = threading.Lock()

_libc = ctypes.CDLL(None, use_errno=True)
_ptrace = _libc.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


def raise_priority() -> None:
    """Have this thread of ours go before others where it may, and woken when its pauses are over, not 50 µs later.

    A process stands still while we are kept waiting: for a processor, or for another thread of ours that has the GIL
    and waits for one. So it is for all threads that run while one may be stopped.
    """
    _libc.prctl(_SET_TIMERSLACK, 1, 0, 0, 0)
    priority.put_first(priority.OURS)


class RefusedError(TracerError):
    """This process cannot be entered; the message says why."""


class BusyError(TracerError):
    """It cannot be entered now; later it may."""


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Peek(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("shared", ctypes.c_uint32), ("count", ctypes.c_int32))


class Stopped:
    """The thread ``tid`` of a process whose /proc/PID/mem is ``memory``, stopped from ``__enter__`` to ``__exit__``.

    ``sigreturn`` and ``lsearch`` are addresses there. To be used in one thread of ours, which should end soon after:
    that is what frees a thread that was asked to stop and never did.
    """

    def __init__(self, tid: int, memory: int, sigreturn: int, lsearch: int, patience: float = 3.0) -> None:
        self.tid = tid
        self._memory = memory
        self._addresses = (sigreturn, lsearch)
        self._patience = patience
        self._mask = 0
        self._xstate = b""
        self._held = False
        self._since: float | None = None
        #: Seconds for which it has been held, at most. Until it is seen to stop it runs, or waits for a processor.
        self.stopped_s = 0.0
        self.saved = Registers()

    def __enter__(self) -> Stopped:
        # Once before anything stands still: the first time takes many times as long.
        self._frames(Registers(rsp=_MAX_XSTATE << 1), bytes(_MAX_XSTATE), [Guard(0, True)], [Call(0)], True)
        self._ask(_SEIZE, 0, _MARK_SYSCALL_STOPS)
        self._stop()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._held:
            self.go()

    def _stop(self) -> None:
        self._ask(_INTERRUPT)
        self._wait(_EVENT_STOP)
        self._remember()
        if self.saved.waits and self._signal_comes():
            # It has come before us: the system call is to give EINTR for it, which ours would not.
            self._let_signal_in()
            self._remember()
        self._held = True

    def _let_signal_in(self) -> None:
        """Until it stops at the start of the signal's handler; or anywhere, where another thread took the signal."""
        self._ask(_CONT)
        self._moves()
        try:
            self._wait(_EVENT_STOP, _FOR_SIGNAL)
        except BusyError:
            self._ask(_INTERRUPT)
            self._wait(_EVENT_STOP)

    def _signal_comes(self) -> bool:
        """Whether a signal that it does not block waits for it, sent to the thread or to the process."""
        found = ctypes.create_string_buffer(_SIGINFO * _MAX_SIGNALS)
        for shared in (0, 1):
            asked = _Peek(0, shared, _MAX_SIGNALS)
            count = self._ask(_PEEKSIGINFO, ctypes.addressof(asked), ctypes.addressof(found))
            numbers = [int.from_bytes(found.raw[at : at + 4], "little") for at in range(0, count * _SIGINFO, _SIGINFO)]
            if any(not self._mask >> number - 1 & 1 for number in numbers):
                return True
        return False

    def _remember(self) -> None:
        self.saved = self._registers()
        self._xstate = self._read_xstate()
        mask = ctypes.c_uint64()
        self._ask(_GETSIGMASK, 8, ctypes.addressof(mask))
        self._mask = int(mask.value)

    def to_system_call(self, patience: float) -> bool:
        """Whether it stops where it enters or leaves a system call, soon: elsewhere it may hold a lock we need."""
        if self.saved.in_syscall:
            return True
        self._held = False
        self._ask(_SYSCALL)
        self._moves()
        try:
            self._wait(_SYSCALL_STOP, patience)
        except BusyError:
            self._stop()
            return self.saved.in_syscall
        self._held = True
        self._remember()
        if self.saved.result == ENTERED:
            self.saved = self.saved.outside(again=True)  # to before the system call, which will be made when it goes on
        return True

    def go(self) -> None:
        """Let it go on from where it was stopped."""
        self._set(self.saved)
        self._let_go()

    def go_calling(self, guards: list[Guard], calls: list[Call], again: bool) -> Frames:
        """Let it go to make the calls if the guards agree, whether we live or not, and then to go on.

        Signals wait until then. ``again`` says what becomes of a system call that was interrupted.
        """
        frames = self._begin(guards, calls, again)
        self._let_go()
        return frames

    def call(self, calls: list[Call]) -> None:
        """The same, watched; BusyError where it does not come back from the last call, and nothing has changed."""
        frames = self._begin([], calls, again=True)
        try:
            while not self._has_entered(_RT_SIGRETURN, frames.last):
                self._ask(_SYSCALL)
                self._wait(_SYSCALL_STOP)
        except BusyError:
            self._ask(_INTERRUPT)
            self._wait(_EVENT_STOP)
            if self._registers().rsp < frames.last:
                self._set_mask(self._mask)
                self.go()
                raise
        self._let_go()

    def _has_entered(self, number: int, stack: int) -> bool:
        """Whether it stands at the entry of a system call, with the stack pointer there."""
        now = self._registers()
        return bool(now.orig_rax == number and now.result == ENTERED and now.rsp == stack)

    def _begin(self, guards: list[Guard], calls: list[Call], again: bool) -> Frames:
        frames = self._frames(self.saved, self._xstate, guards, calls, again)
        os.pwrite(self._memory, frames.data, frames.address)
        # In this order: with the frames beneath it the mask is put back even if we are killed in between.
        self._set(frames.start)
        self._set_mask(_NO_SIGNALS)
        return frames

    def _frames(self, saved: Registers, xstate: bytes, guards: list[Guard], calls: list[Call], again: bool) -> Frames:
        masks = (_NO_SIGNALS, self._mask)
        return Frames(saved, saved.outside(again), xstate, masks, *self._addresses, guards, calls)

    def _let_go(self) -> None:
        self._held = False
        self._ask(_DETACH)
        self._moves()

    def _moves(self) -> None:
        """Count the time for which it was held until now: it runs again."""
        if self._since is not None:
            self.stopped_s += time.monotonic() - self._since
        self._since = None

    def _wait(self, stop: int, patience: float | None = None) -> None:
        """Until it stops so; other stops are passed through. BusyError where it does not.

        Any stop is also the end of an interruption that was asked for and is still to come: then it is asked for again.
        """
        began = seen = time.monotonic()
        patience = self._patience if patience is None else patience
        while True:
            looked = time.monotonic()
            tid, status = os.waitpid(self.tid, os.WNOHANG | _ALL_CHILDREN)
            if not tid:
                seen = looked
                if looked - began > patience:
                    raise BusyError("its main thread does not stop")
                time.sleep(_PAUSE if looked - began < _LONG else _LONG_PAUSE)
                continue
            if not os.WIFSTOPPED(status):
                raise RefusedError("it has ended")
            event, number = status >> 16, os.WSTOPSIG(status)
            if stop in (event, number):
                self._since = self._since or seen
                return
            on = _SYSCALL if stop == _SYSCALL_STOP else _CONT
            if stop == _EVENT_STOP:
                self._ask(_INTERRUPT)
            self._ask(on, 0, 0 if event or number == _SYSCALL_STOP else number)

    def _registers(self) -> Registers:
        found = Registers()
        self._ask(_GETREGS, 0, ctypes.addressof(found))
        return found

    def _set(self, registers: Registers) -> None:
        self._ask(_SETREGS, 0, ctypes.addressof(registers))

    def _set_mask(self, mask: int) -> None:
        value = ctypes.c_uint64(mask)
        self._ask(_SETSIGMASK, 8, ctypes.addressof(value))

    def _read_xstate(self) -> bytes:
        buffer = ctypes.create_string_buffer(_MAX_XSTATE)
        vector = _Vector(ctypes.addressof(buffer), _MAX_XSTATE)
        self._ask(_GETREGSET, _X86_XSTATE, ctypes.addressof(vector))
        return ctypes.string_at(buffer, vector.length)

    def _ask(self, request: int, address: int = 0, data: int = 0) -> int:
        result = int(_ptrace(request, self.tid, address, data))
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
