"""One thread of another process, stopped by ptrace, and calls made in it.

Whatever moment we are killed at, the stopped thread goes on as if nothing had been: it is never left in a state from
which it would not find back by itself. So nothing here single-steps (the trap flag would outlive us and kill it) or has
a call return to where it faults: each returns into the C library's ``rt_sigreturn`` with a signal frame above, which
holds the registers as they were. As long as we live we stop it there and give it back the very state it had.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from types import TracebackType

from tracer.attach.frames import ENTERED, Call, Frames, Registers
from tracer.errors import TracerError

_CONT, _GETREGS, _SETREGS, _DETACH, _SYSCALL = 7, 12, 13, 17, 24
_GETREGSET, _SETREGSET, _SEIZE, _INTERRUPT, _GETSIGMASK, _SETSIGMASK = 0x4204, 0x4205, 0x4206, 0x4207, 0x420A, 0x420B
_X86_XSTATE = 0x202
_MARK_SYSCALL_STOPS = 1
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_EVENT_STOP = 128
_ALL_CHILDREN = 0x40000000
_RT_SIGRETURN = 15
_MAX_XSTATE = 1 << 16
#: Looks at whether it has stopped without a pause between them: most stops come within microseconds.
_SPINS = 40
_PAUSE = 20e-6
#: What a call of ours may not be interrupted by, so that the host's handlers run where the host is.
_NO_SIGNALS = (
    ~sum(
        1 << number - 1
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGABRT)
    )
    & (1 << 64) - 1
)

_ptrace = ctypes.CDLL(None, use_errno=True).ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class RefusedError(TracerError):
    """This process cannot be entered; the message says why."""


class BusyError(TracerError):
    """It cannot be entered now; later it may."""


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Stopped:
    """The thread ``tid`` of a process whose /proc/PID/mem is ``memory``, stopped from ``__enter__`` to ``__exit__``.

    ``sigreturn`` is the address of ``mov $15, %rax; syscall`` there. To be used in one thread of ours, which should end
    soon after: that is what frees a thread that was asked to stop and never did.
    """

    def __init__(self, tid: int, memory: int, sigreturn: int, patience: float = 1.0) -> None:
        self.tid = tid
        self._memory = memory
        self._sigreturn = sigreturn
        self._patience = patience
        self._mask = 0
        self._xstate = b""
        self._frames: Frames | None = None
        self._held = False
        self.saved = Registers()

    def __enter__(self) -> Stopped:
        self._ask(_SEIZE, 0, _MARK_SYSCALL_STOPS)
        self._stop()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._held:
            self.go()

    def _stop(self) -> None:
        self._ask(_INTERRUPT)
        self._wait(_EVENT_STOP)
        self._held = True
        self._remember()

    def _remember(self) -> None:
        self.saved = self._registers()
        self._xstate = self._read_xstate()
        mask = ctypes.c_uint64()
        self._ask(_GETSIGMASK, 8, ctypes.addressof(mask))
        self._mask = int(mask.value)
        self._frames = None

    def to_system_call(self, patience: float) -> None:
        """Stop it where it enters or leaves a system call, if it does so soon: elsewhere it may hold a lock we need."""
        if self.saved.in_syscall:
            return
        self._held = False
        self._ask(_SYSCALL)
        try:
            self._wait(_SYSCALL_STOP, patience)
        except BusyError:
            self._stop()
            return
        self._held = True
        self._remember()
        if self.saved.result == ENTERED:
            self.saved = self.saved.interrupted()  # to before the system call, which will be made when it goes on

    def system_call(self, gadget: int, number: int, *arguments: int) -> int:
        """Make a system call in it at ``gadget`` (``syscall; ret``); what it gives, negative for errors."""
        self._begin(self.saved.calling_system(gadget, (number, *arguments), self._prepared()))
        while not self._has_entered(number, 0):
            self._next_syscall_stop()
        self._next_syscall_stop()
        result: int = self._registers().result
        return result

    def call(self, function: int, *arguments: int) -> None:
        """Call a function in it; its result is lost. BusyError where it does not come back, and nothing has changed."""
        stack = self._prepared()
        self._begin(self.saved.calling((function, *arguments), stack))
        try:
            while not self._has_entered(_RT_SIGRETURN, stack + 8):
                self._next_syscall_stop()
        except BusyError:
            self._ask(_INTERRUPT)
            self._wait(_EVENT_STOP)
            raise

    def _has_entered(self, number: int, stack: int) -> bool:
        """Whether it stands at the entry of a system call, with the stack pointer where that is known."""
        now = self._registers()
        return now.orig_rax == number and now.result == ENTERED and stack in (0, now.rsp)

    def _begin(self, state: Registers) -> None:
        # In this order: with the frame beneath it the mask is put back even if we are killed now.
        self._set(state)
        self._set_mask(_NO_SIGNALS)

    def go(self) -> None:
        """Give it back the state it had, and let it go.

        The kernel makes an interrupted system call again, or delivers the signals that came meanwhile, only from a stop
        between system calls: so one more of these, in which it would have found back by itself too.
        """
        self._write_xstate(self._xstate)
        if self._frames is not None:
            self._set_mask(self._mask)
            self._set(self.saved.interrupted())
            self._ask(_INTERRUPT)
            self._ask(_CONT)
            self._wait(_EVENT_STOP)
        self._set(self.saved)
        self._let_go()

    def go_calling(self, calls: list[Call]) -> None:
        """Let it go to make the calls, whether we live or not, and then to go on; host's signals wait until then."""
        frames = Frames(self.saved, self._xstate, (_NO_SIGNALS, self._mask), self._sigreturn, calls)
        os.pwrite(self._memory, frames.data, frames.address)
        self._begin(frames.states[0])
        self._let_go()

    def _let_go(self) -> None:
        self._held = False
        self._ask(_DETACH)

    def _prepared(self) -> int:
        """Where the stack is for a call, with the frame for its return above, which lies there from the first on."""
        if self._frames is None:
            self._frames = Frames(self.saved, self._xstate, (self._mask, self._mask), self._sigreturn, [(0,)])
            os.pwrite(self._memory, self._frames.data, self._frames.address)
        return int(self._frames.address)

    def _next_syscall_stop(self) -> None:
        self._ask(_SYSCALL)
        self._wait(_SYSCALL_STOP)

    def _wait(self, stop: int, patience: float | None = None) -> None:
        """Until it stops so; other stops are passed through. BusyError where it does not."""
        deadline = time.monotonic() + (self._patience if patience is None else patience)
        looks = 0
        while True:
            tid, status = os.waitpid(self.tid, os.WNOHANG | _ALL_CHILDREN)
            if not tid:
                looks += 1
                if looks > _SPINS:
                    if time.monotonic() > deadline:
                        raise BusyError("its main thread does not stop")
                    time.sleep(_PAUSE)
                continue
            if not os.WIFSTOPPED(status):
                raise RefusedError("it has ended")
            event, number = status >> 16, os.WSTOPSIG(status)
            if stop in (event, number):
                return
            on = _SYSCALL if stop == _SYSCALL_STOP else _CONT
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

    def _write_xstate(self, state: bytes) -> None:
        buffer = ctypes.create_string_buffer(state, len(state))
        vector = _Vector(ctypes.addressof(buffer), len(state))
        self._ask(_SETREGSET, _X86_XSTATE, ctypes.addressof(vector))

    def _ask(self, request: int, address: int = 0, data: int = 0) -> None:
        if _ptrace(request, self.tid, address, data) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
