"""The stacks of a process, as a visit read them: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Frame:
    """A function that runs, and the line that it is at."""

    module: str
    file: str
    function: str
    line: int

    @property
    def name(self) -> str:
        """The function's own name, without its class."""
        return self.function.rpartition(".")[2]

    @property
    def text(self) -> str:
        """Return the function in the notation of the tree: compute/manager.py.ComputeManager -> _build()."""
        words = self.function.replace("<locals>.", "").split(".")
        path = self.module.replace(".", "/").removeprefix("nova/")
        return f"{'.'.join([f'{path}.py', *words[:-1]])} -> {words[-1]}()"


@dataclass(frozen=True)
class Stack:
    """The frames of a thread or a greenlet, innermost first; or the function of work that waits for a worker.

    ``values`` are ids and names in it: (index of the frame, key, value), of each frame from the inside out.
    """

    kind: str
    thread: str
    number: int
    count: int
    frames: tuple[Frame, ...]
    values: tuple[tuple[int, str, str], ...]

    def all(self, *keys: str) -> list[str]:
        """Return the values of these keys, the innermost first."""
        return [value for _, key, value in self.values if key in keys]

    def first(self, key: str, start: int = 0) -> str:
        """Return the first value of a key from frame ``start`` on, "" if there is none."""
        return next((value for index, name, value in self.values if name == key and index >= start), "")

    def position(self) -> tuple[Any, ...]:
        """Return what differs as soon as the thread is at another line, or waits for another thing."""
        return tuple((frame.function, frame.line) for frame in self.frames), self.values


@dataclass(frozen=True)
class ProcessStacks:
    """A service's process and its stacks; ``problem`` is the reason for which they could not be read."""

    pid: int
    inner_pid: int
    service: str
    host: str
    state: str
    python: str = ""
    stacks: tuple[Stack, ...] = ()
    problem: str = ""
    #: The longest time for which the process was stopped, and the time of our code in it.
    stopped_ms: float = 0.0
    read_ms: float = 0.0
    unread: int = 0
    #: What the kernel shows of its threads, by their number.
    threads: dict[int, KernelThread] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The service and its process, as sentences name it."""
        return f"{self.service} (pid {self.pid})"


@dataclass(frozen=True)
class KernelThread:
    """A thread as the kernel shows it; ``call`` is its system call's number, -1 outside of one."""

    state: str
    switches: int
    call: int = -1
    argument: int = 0
    waits_in: str = ""
