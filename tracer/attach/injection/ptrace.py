"""A thread of another process, stopped by ptrace, which makes calls for us before it continues.

Even if we are killed, at any moment, the thread continues as if nothing had happened: it is never left in a state from
which it could not return by itself. So nothing here single-steps (the trap flag would outlive us and kill it) or lets a
call return to an address where it faults: its calls are on its stack, down to the frame with its original registers
(tracer.attach.injection.signal_frames), before the single request that starts them. From then on we are not needed.
"""

from __future__ import annotations

import ctypes
import errno
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
#: Seconds between two looks at its state, and when the longer ones begin: a thread without a processor may need ours.
_PAUSE, _LONG_PAUSE, _LONG = 10e-6, 200e-6, 2e-3
_SIGINFO, _MAX_SIGNALS = 128, 32
#: Seconds within which a pending signal is delivered, unless another thread takes it.
_FOR_SIGNAL = 0.005
#: Signals that may interrupt a call of ours: the host's handlers are to run in its own code, so others wait.
_URGENT = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGABRT)
_NO_SIGNALS = ~sum(1 << number - 1 for number in _URGENT) & (1 << 64) - 1

#: Held while a thread is stopped: a second one would stay stopped while our interpreter is busy with the first.
nothing_stopped = threading.Lock()

_libc = ctypes.CDLL(None, use_errno=True)
_ptrace = _libc.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


def raise_priority() -> None:
    """Give this thread of ours priority if allowed, and wake it at the end of its pauses, not 50 µs later.

    A process is stopped while we wait: for a processor, or for another thread of ours that has the GIL and waits for
    one. So all threads of ours need it that run while a process may be stopped.
    """
    _libc.prctl(_SET_TIMERSLACK, 1, 0, 0, 0)
    priority.put_first(priority.OURS)


def is_allowed() -> bool:
    """Return whether this process may call ptrace at all: a seccomp filter may forbid it. No process is touched."""
    ctypes.set_errno(0)
    _ptrace(_SEIZE, 0, None, None)  # no process has this number
    return ctypes.get_errno() == errno.ESRCH


class RefusedError(TracerError):
    """A process cannot be entered; the message has the reason."""


class BusyError(TracerError):
    """A process cannot be entered now; later it may."""


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Peek(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("shared", ctypes.c_uint32), ("count", ctypes.c_int32))


class Stopped:
    """The thread ``tid`` of a process whose /proc/PID/mem is ``memory``, stopped from ``__enter__`` to ``__exit__``.

    ``sigreturn`` and ``lsearch`` are addresses there. To be used in a single thread of ours, which should end soon
    after: its end releases a thread that was requested to stop and never did.
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
        #: Seconds for which it was stopped, at most: until its stop is seen it runs, or waits for a processor.
        self.stopped_s = 0.0
        self.saved = Registers()

    def __enter__(self) -> Stopped:
        # Once before anything is stopped: the first time takes many times as long.
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
        if self.saved.waits and self._is_signal_pending():
            # It was sent before our stop: the system call is to return EINTR for it, which ours would not.
            self._let_signal_in()
            self._remember()
        self._held = True

    def _let_signal_in(self) -> None:
        """Wait until it stops at the start of the signal's handler; or anywhere, if another thread took the signal."""
        self._ask(_CONT)
        self._moves()
        try:
            self._wait(_EVENT_STOP, _FOR_SIGNAL)
        except BusyError:
            self._ask(_INTERRUPT)
            self._wait(_EVENT_STOP)

    def _is_signal_pending(self) -> bool:
        """Return whether a signal that it does not block is pending, for the thread or for the process."""
        buffer = ctypes.create_string_buffer(_SIGINFO * _MAX_SIGNALS)
        for shared in (0, 1):
            peek = _Peek(0, shared, _MAX_SIGNALS)
            count = self._ask(_PEEKSIGINFO, ctypes.addressof(peek), ctypes.addressof(buffer))
            offsets = range(0, count * _SIGINFO, _SIGINFO)
            numbers = [int.from_bytes(buffer.raw[offset : offset + 4], "little") for offset in offsets]
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
        """Stop it where it enters or leaves a system call; False if it does not soon: it may hold a lock we need."""
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
            self.saved = self.saved.outside(again=True)  # before the system call, which it makes when it continues
        return True

    def go(self) -> None:
        """Let it continue from where it was stopped."""
        self._set(self.saved)
        self._let_go()

    def go_calling(self, guards: list[Guard], calls: list[Call], again: bool) -> Frames:
        """Let it make the calls if the guards allow, whether we live or not, and then continue.

        Signals wait until then. An interrupted system call is made ``again``, or returns EINTR.
        """
        frames = self._begin(guards, calls, again)
        self._let_go()
        return frames

    def call(self, calls: list[Call]) -> None:
        """Have it make the calls and wait; BusyError where it does not return from the last; nothing changed."""
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
        """Return whether it is at the entry of this system call, with the stack pointer at ``stack``."""
        now = self._registers()
        return bool(now.orig_rax == number and now.result == ENTERED and now.rsp == stack)

    def _begin(self, guards: list[Guard], calls: list[Call], again: bool) -> Frames:
        frames = self._frames(self.saved, self._xstate, guards, calls, again)
        os.pwrite(self._memory, frames.data, frames.address)
        # In this order: its frames restore the mask even if we are killed in between.
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
        """Count the time of its stop: it runs again."""
        if self._since is not None:
            self.stopped_s += time.monotonic() - self._since
        self._since = None

    def _wait(self, stop: int, patience: float | None = None) -> None:
        """Wait until it stops in that way, past other stops; BusyError where it does not.

        Any stop also ends a requested interruption that has not happened yet: then it is requested again.
        """
        began = last_running = time.monotonic()
        patience = self._patience if patience is None else patience
        while True:
            looked = time.monotonic()
            tid, status = os.waitpid(self.tid, os.WNOHANG | _ALL_CHILDREN)
            if not tid:
                last_running = looked
                if looked - began > patience:
                    raise BusyError("its main thread does not stop")
                time.sleep(_PAUSE if looked - began < _LONG else _LONG_PAUSE)
                continue
            if not os.WIFSTOPPED(status):
                raise RefusedError("it has ended")
            event, number = status >> 16, os.WSTOPSIG(status)
            if stop in (event, number):
                self._since = self._since or last_running
                return
            request = _SYSCALL if stop == _SYSCALL_STOP else _CONT
            if stop == _EVENT_STOP:
                self._ask(_INTERRUPT)
            self._ask(request, 0, 0 if event or number == _SYSCALL_STOP else number)

    def _registers(self) -> Registers:
        registers = Registers()
        self._ask(_GETREGS, 0, ctypes.addressof(registers))
        return registers

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
