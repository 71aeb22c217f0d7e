"""The registers of a stopped thread, and the signal frames by which it finds back to them by itself (x86_64)."""

from __future__ import annotations

import ctypes
import struct

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
#: What rax holds at the entry of a system call.
ENTERED = -38
#: What the kernel leaves there for itself: ERESTARTSYS, ERESTARTNOHAND, ERESTART_RESTARTBLOCK; ERESTARTNOINTR
_INTERRUPTED = frozenset((-512, -514, -516))
_TO_BE_MADE_AGAIN = -513
_EINTR = 4
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
#: Without AMX's tiles, which a thread must ask for before its signal frames may hold them.
_PLAIN_XSTATE, _TILES = 2696, 3 << 17

Call = tuple[int, ...]


class Registers(ctypes.Structure):
    """The kernel's struct user_regs_struct."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in _NAMES)

    def copy(self) -> Registers:
        """Another, which may be changed."""
        return Registers.from_buffer_copy(self)

    @property
    def result(self) -> int:
        """What a system call gave, negative for an error."""
        return ctypes.c_int64(self.rax).value

    @property
    def in_syscall(self) -> bool:
        """Whether the thread was stopped on its way into or out of a system call."""
        return bool(self.orig_rax != NO_SYSTEM_CALL)

    def interrupted(self) -> Registers:
        """These, outside of any system call: one that was going on gives EINTR, as if a signal had come.

        Which may be true: signals that come while the thread works for us wait. One that had not begun begins again.
        """
        found = self.copy()
        if self.in_syscall:
            if self.result in _INTERRUPTED:
                found.rax = (1 << 64) - _EINTR
            elif self.result in (ENTERED, _TO_BE_MADE_AGAIN):
                found.rax = self.orig_rax
                found.rip -= _SYSCALL_SIZE
            found.orig_rax = NO_SYSTEM_CALL
        return found

    def calling(self, call: Call, stack: int) -> Registers:
        """These, at the start of ``call`` (function, arguments …) with the stack pointer at its return address."""
        found = self._at(call[0], stack)
        for name, value in zip(_ARGUMENTS, call[1:], strict=False):
            setattr(found, name, value)
        return found

    def calling_system(self, gadget: int, call: Call, stack: int) -> Registers:
        """These, at a ``syscall; ret`` that makes the system call (number, arguments …)."""
        found = self._at(gadget, stack)
        found.rax = call[0]
        for name, value in zip(_SYSTEM_CALL_ARGUMENTS, call[1:], strict=False):
            setattr(found, name, value)
        return found

    def _at(self, address: int, stack: int) -> Registers:
        found = self.copy()
        found.rip, found.rsp, found.orig_rax = address, stack, NO_SYSTEM_CALL
        found.rax = 0
        found.eflags &= ~_TRAP_AND_DIRECTION
        return found


class Frames:
    """What has to lie on a thread's stack so that it makes ``calls`` and then goes on from ``saved``.

    Each call returns into ``sigreturn``, which loads the frame above the return address: the start of the next call,
    or the end. ``states`` are those starts and the end; ``data`` belongs to ``address``.
    """

    def __init__(
        self, saved: Registers, xstate: bytes, masks: tuple[int, int], sigreturn: int, calls: list[Call]
    ) -> None:
        during, after = masks
        if not in_use(xstate) & _TILES:
            xstate = xstate[:_PLAIN_XSTATE]
        image = _framed_xstate(xstate)
        fpstate = (saved.rsp - _RED_ZONE - len(image)) & ~63
        pitch = 8 + _UCONTEXT.size + 15 & ~15
        self.address = (fpstate - pitch * len(calls) & ~15) - 8
        stacks = [self.address + pitch * number for number in range(len(calls))]
        self.states = [saved.calling(call, stack) for call, stack in zip(calls, stacks, strict=True)] + [
            saved.interrupted()
        ]
        parts = bytearray(fpstate + len(image) - self.address)
        for stack, state in zip(stacks, self.states[1:], strict=True):
            at = stack - self.address
            mask = after if state is self.states[-1] else during
            parts[at : at + 8 + _UCONTEXT.size] = sigreturn.to_bytes(8, "little") + _ucontext(state, mask, fpstate)
        parts[fpstate - self.address :] = image
        self.data = bytes(parts)


def in_use(xstate: bytes) -> int:
    """The features whose state is not their initial one, as bits."""
    return int.from_bytes(xstate[_FEATURES_USED_AT : _FEATURES_USED_AT + 8], "little")


def _framed_xstate(xstate: bytes) -> bytes:
    """The extended state as ptrace gives it, with the marks that a signal frame has around it."""
    features = int.from_bytes(xstate[_SOFTWARE_AT : _SOFTWARE_AT + 8], "little")
    head = _SOFTWARE.pack(_XSTATE_MAGIC[0], len(xstate) + 4, features, len(xstate))
    marked = bytearray(xstate + _XSTATE_MAGIC[1].to_bytes(4, "little"))
    marked[_SOFTWARE_AT : _SOFTWARE_AT + len(head)] = head
    return bytes(marked)


def _ucontext(state: Registers, mask: int, fpstate: int) -> bytes:
    general = [getattr(state, name) for name in _CONTEXT]
    return _UCONTEXT.pack(_FLAGS, 0, *_NO_STACK, *general, state.cs, 0, 0, state.ss, 0, 0, mask, 0, fpstate, mask)
