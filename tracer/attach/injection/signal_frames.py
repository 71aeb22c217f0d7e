"""The registers of a stopped thread, and the signal frames by which it returns to them by itself (x86_64)."""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass

_NAMES = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax",
    "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs",
)  # fmt: skip
#: In the order of the kernel's struct sigcontext.
_CONTEXT = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp",
    "rip", "eflags",
)  # fmt: skip
_ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
_SYSTEM_CALL_ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")

NO_SYSTEM_CALL = 0xFFFF_FFFF_FFFF_FFFF
#: The value of rax at the entry of a system call.
ENTERED = -38
#: The kernel's own values there: ERESTARTSYS, ERESTARTNOHAND; ERESTARTNOINTR; ERESTART_RESTARTBLOCK
_INTERRUPTED, _ALWAYS_AGAIN, _WITH_TIMEOUT = frozenset((-512, -514)), -513, -516
_EINTR = 4
_UNFINISHED = _INTERRUPTED | {_ALWAYS_AGAIN, _WITH_TIMEOUT, -_EINTR}
_SYSCALL_SIZE = 2
_TRAP_AND_DIRECTION = 0x100 | 0x400
#: Bytes below the stack pointer that belong to the function that was running.
_RED_ZONE = 128
#: uc_flags, uc_link, uc_stack (an invalid one: the alternate stack stays as it is), sigcontext, uc_sigmask
_UCONTEXT = struct.Struct("<QQQIIQ18Q4H4QQ64xQ")
_FLAGS = 1 | 2 | 4  # extended state, ss is valid, ss is to be restored
_NO_STACK = (0, 0xFFFF_FFFF, 0, 0)
_XSTATE_MAGIC = (0x46505853, 0x46505845)
_SOFTWARE = struct.Struct("<IIQI")
_SOFTWARE_AT, _FEATURES_USED_AT = 464, 512
#: Without AMX's tiles, which a thread must request before its signal frames may contain them.
_PLAIN_XSTATE, _TILES = 2696, 3 << 17

#: Distance of two frames: return address, frame, and a number that a guard counts.
_PITCH = 8 + _UCONTEXT.size + 8 + 15 & ~15


class Registers(ctypes.Structure):
    """The kernel's struct user_regs_struct."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in _NAMES)

    def copy(self) -> Registers:
        """Return a copy, which may be changed."""
        return Registers.from_buffer_copy(self)

    @property
    def result(self) -> int:
        """Return the result of a system call, negative for an error."""
        return ctypes.c_int64(self.rax).value

    @property
    def in_syscall(self) -> bool:
        """Return whether the thread was stopped on its way into or out of a system call."""
        return bool(self.orig_rax != NO_SYSTEM_CALL)

    @property
    def waits(self) -> bool:
        """Return whether it was stopped within a system call that is unfinished."""
        return self.in_syscall and self.result in _UNFINISHED

    def outside(self, again: bool) -> Registers:
        """Return these, outside of any system call: an interrupted one is made ``again``, or else returns EINTR.

        The kernel makes it again unless there was a signal. Those with a timeout always return EINTR: their caller
        knows better how much of it is left. A system call that had not begun begins.
        """
        registers = self.copy()
        if self.in_syscall:
            if self.result == _WITH_TIMEOUT or (self.result in _INTERRUPTED and not again):
                registers.rax = (1 << 64) - _EINTR
            elif self.result in _INTERRUPTED or self.result in (ENTERED, _ALWAYS_AGAIN):
                registers.rax = self.orig_rax
                registers.rip -= _SYSCALL_SIZE
            registers.orig_rax = NO_SYSTEM_CALL
        return registers

    def calling(self, call: Call, stack: int) -> Registers:
        """Return these at the start of ``call``, with the stack pointer at its return address."""
        registers = self.copy()
        registers.rip, registers.rsp, registers.orig_rax = call.function, stack, NO_SYSTEM_CALL
        registers.rax = call.number
        registers.eflags &= ~_TRAP_AND_DIRECTION
        for name, value in zip(_SYSTEM_CALL_ARGUMENTS if call.number else _ARGUMENTS, call.arguments):
            setattr(registers, name, value)
        return registers


@dataclass(frozen=True)
class Call:
    """A call of a function; with a ``number``, of that system call at a ``syscall; ret``.

    Bytes among the arguments are stored below the frames and passed by address.
    """

    function: int
    arguments: tuple[int | bytes, ...] = ()
    number: int = 0


@dataclass(frozen=True)
class Guard:
    """A function without arguments that must return 0 (``zero``), or must not, for the calls after it to happen."""

    function: int
    zero: bool


class Frames:
    """The content of a thread's stack with which it makes calls by itself and then continues from ``end``.

    A call returns into ``sigreturn``, which loads the frame above the return address: the start of the next, or the
    end. The result of a function is lost on that way. So a guard is called by C's ``lsearch``, as its comparison: where
    it does not return 0, lsearch treats the key as missing and appends it to its array; the key is a frame, and the end
    of the array is the position of the next frame. ``data`` is to be written at ``address``, ``start`` is the state to
    begin with, ``last`` the stack pointer at the last return.
    """

    def __init__(
        self, saved: Registers, end: Registers, xstate: bytes, masks: tuple[int, int], sigreturn: int, lsearch: int,
        guards: list[Guard], calls: list[Call],
    ) -> None:  # fmt: skip
        image = _framed_xstate(xstate if in_use(xstate) & _TILES else xstate[:_PLAIN_XSTATE])
        fpstate = (saved.rsp - _RED_ZONE - len(image)) & ~63
        count = len(guards) + len(calls)
        spare = fpstate - _PITCH * len(guards) & ~15
        lowest = spare - _PITCH * count - 8
        stacks = [lowest + _PITCH * number for number in range(count)]
        texts = b"".join(argument for call in calls for argument in call.arguments if isinstance(argument, bytes))
        self.address = lowest - len(texts)
        self._data = bytearray(fpstate + len(image) - self.address)
        self._put(fpstate, image)
        self._put(self.address, texts)

        last = _ucontext(end, masks[1], fpstate)
        stopped = _ucontext(saved.outside(again=True), masks[1], fpstate)
        placed = [
            *[self._guarded(guard, lsearch, spare, number, stacks[number]) for number, guard in enumerate(guards)],
            *[self._placed(call, texts) for call in calls],
        ]
        states = [saved.calling(call, stack) for call, stack in zip(placed, stacks)]
        frames = [*[_ucontext(state, masks[0], fpstate) for state in states[1:]], last]
        for number, (stack, frame) in enumerate(zip(stacks, frames)):
            instead = number < len(guards) and not guards[number].zero
            self._put(stack, sigreturn.to_bytes(8, "little") + (stopped if instead else frame))
            if number < len(guards):
                self._put(spare + _PITCH * number, frame if instead else stopped)
                self._put(spare + _PITCH * (number + 1) - 8, (1).to_bytes(8, "little"))
        self.start, self.last, self.data = states[0], stacks[-1] + 8, bytes(self._data)
        #: Address of the number that becomes 2 where the last guard does not return 0.
        self.verdict = spare + _PITCH * len(guards) - 8

    def _guarded(self, guard: Guard, lsearch: int, spare: int, number: int, stack: int) -> Call:
        """Return the call of lsearch that replaces the next frame by the spare one if the guard does not return 0."""
        key = spare + _PITCH * number
        array = stack + 8 - _UCONTEXT.size
        return Call(lsearch, (key, array, key + _PITCH - 8, _UCONTEXT.size, guard.function))

    def _placed(self, call: Call, texts: bytes) -> Call:
        """Return the call with addresses in place of the bytes among its arguments."""
        arguments = [
            argument if isinstance(argument, int) else self.address + texts.index(argument)
            for argument in call.arguments
        ]
        return Call(call.function, tuple(arguments), call.number)

    def _put(self, address: int, data: bytes) -> None:
        offset = address - self.address
        self._data[offset : offset + len(data)] = data


def in_use(xstate: bytes) -> int:
    """Return the features whose state is not their initial one, as bits."""
    return int.from_bytes(xstate[_FEATURES_USED_AT : _FEATURES_USED_AT + 8], "little")


def _framed_xstate(xstate: bytes) -> bytes:
    """Return the extended state of ptrace with the marks that a signal frame has around it."""
    features = int.from_bytes(xstate[_SOFTWARE_AT : _SOFTWARE_AT + 8], "little")
    head = _SOFTWARE.pack(_XSTATE_MAGIC[0], len(xstate) + 4, features, len(xstate))
    marked = bytearray(xstate + _XSTATE_MAGIC[1].to_bytes(4, "little"))
    marked[_SOFTWARE_AT : _SOFTWARE_AT + len(head)] = head
    return bytes(marked)


def _ucontext(state: Registers, mask: int, fpstate: int) -> bytes:
    general = [getattr(state, name) for name in _CONTEXT]
    return _UCONTEXT.pack(_FLAGS, 0, *_NO_STACK, *general, state.cs, 0, 0, state.ss, 0, 0, mask, 0, fpstate, mask)
