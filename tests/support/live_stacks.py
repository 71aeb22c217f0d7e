"""Builders of stacks as a visit reads them: a few frames and values make a thread of a service."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tracer.live.stacks import Frame, KernelThread, ProcessStacks, Stack

DRIVER = "oslo_messaging._drivers.amqpdriver"
LOCKS = "oslo_concurrency.lockutils"
_FUTEX, _NANOSLEEP, _RECEIVE = 202, 230, 45
_numbers = itertools.count(1000)


def frame(module: str, function: str, line: int = 1) -> Frame:
    return Frame(module, f"/usr/lib/python3/dist-packages/{module.replace('.', '/')}.py", function, line)


def owned(server: str, index: int = 0) -> list[tuple[int, str, str]]:
    """Return the values of a frame that works for a server."""
    return [(index, "instance", uuid_of(server)), (index, "name", server), (index, "request", f"req-{uuid_of(server)}")]


def uuid_of(server: str) -> str:
    return f"{sum(map(ord, server)):08x}-0000-4000-8000-{server.encode().hex()[:12]:0>12}"


def stack(frames: Sequence[Frame], values: Sequence[tuple[int, str, str]] = (), number: int = 0) -> Stack:
    return Stack("thread", "worker", number or next(_numbers), 1, tuple(frames), tuple(values))


def working(server: str, line: int = 1, number: int = 0) -> Stack:
    """Return a thread of nova-compute that computes for a server."""
    return stack([frame("nova.compute.manager", "ComputeManager._build", line)], owned(server), number)


def rpc_caller(server: str, message: str, topic: str, number: int = 0) -> Stack:
    """Return a thread of nova-conductor that waits for the answer to a call."""
    values = [(2, "message", message), (2, "topic", topic), (2, "method", "select_destinations")]
    frames = [
        frame("threading", "Condition.wait"), frame(DRIVER, "ReplyWaiter.wait"), frame(DRIVER, "AMQPDriverBase._send"),
        frame("nova.conductor.manager", "ComputeTaskManager._schedule_instances"),
    ]  # fmt: skip
    return stack(frames, [*values, *owned(server, 3)], number)


def rpc_taker(message: str, module: str, function: str, server: str = "") -> Stack:
    """Return a thread that works on a message."""
    frames = [frame(module, function), frame("oslo_messaging.rpc.dispatcher", "RPCDispatcher.dispatch")]
    return stack(frames, [*(owned(server) if server else []), (1, "taken", message)])


def consumer(queue: str) -> Stack:
    """Return the thread that receives the messages of a queue."""
    return stack([frame(DRIVER, "AMQPListener.poll"), frame("threading", "Thread.run")], [(0, "consumes", queue)])


def lock_waiter(server: str, lock: str) -> Stack:
    frames = [
        frame("threading", "Semaphore.acquire"), frame(LOCKS, "lock"), frame(LOCKS, "synchronized.<locals>.inner"),
        frame("nova.compute.resource_tracker", "ResourceTracker.instance_claim"),
    ]  # fmt: skip
    return stack([frames[1], *frames[2:]], [(0, "lock", lock), (1, "lock_scope", lock), *owned(server, 2)])


def lock_holder(server: str, lock: str, line: int = 1) -> Stack:
    frames = [
        frame("nova.compute.resource_tracker", "ResourceTracker._update", line),
        frame(LOCKS, "synchronized.<locals>.inner"), frame("nova.compute.manager", "ComputeManager._update"),
    ]  # fmt: skip
    return stack(frames, [(1, "lock_scope", lock), *owned(server, 2)])


def process(
    service: str, stacks: Sequence[Stack] = (), pid: int = 0, state: str = "S", problem: str = "", call: int = _FUTEX
) -> ProcessStacks:
    """Return a process whose threads all wait in the same system call."""
    number = pid or next(_numbers)
    threads = {thread.number: KernelThread("S", 1, call) for thread in stacks}
    return ProcessStacks(
        number, number, service, "node1", state, "3.11.2", tuple(stacks), problem=problem, threads=threads
    )


def asleep(service: str, stacks: Sequence[Stack], pid: int = 0) -> ProcessStacks:
    return process(service, stacks, pid, call=_NANOSLEEP)
