"""The wait of a stack: for which answer, lock, statement, request, command or event its thread stands still."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracer.live.stacks import Frame, KernelThread, Stack

#: The module whose pollers wait for messages, whatever they do meanwhile.
_DRIVER = "oslo_messaging._drivers.amqpdriver"
#: Kind, module and function (expressions that match as a whole) of the innermost known function.
_KNOWN = [
    ("rpc", r"oslo_messaging\._drivers\.amqpdriver", "wait"),
    ("broker", r"oslo_messaging\._drivers\.impl_rabbit", "ensure|_ensure_publishing|_publish.*|declare.*"),
    ("broker", r"amqp\.transport|kombu\.connection", "_connect|connect|ensure_connection|_ensure_connection"),
    ("lock_file", r"fasteners\.process_lock", "acquire|_do_acquire"),
    ("lock", r"oslo_concurrency\.lockutils", "lock"),
    ("database", r"sqlalchemy\.engine\.default", "do_\\w+"),
    ("database", r"pymysql\.connections", "_read_bytes|connect"),
    ("connection", r"sqlalchemy\.util\.queue", "get"),
    ("name", r"socket|eventlet\.(green\.socket|support\.greendns)", "getaddrinfo"),
    ("download", r"urllib3\.response", "read|stream|read_chunked|_raw_read|_fp_read"),
    ("http", r"urllib3\.connectionpool", "urlopen"),
    ("libvirt", r"libvirt", ".*"),
    ("libvirt", r"eventlet\.tpool", "execute"),
    ("command", r"subprocess|eventlet\.green\.subprocess", "wait|communicate|_communicate|_wait"),
    ("privileged", r"oslo_privsep\.(daemon|comm)", "remote_call|send_recv"),
    ("event", r"nova\.compute\.manager", "_wait_for_instance_events|wait_for_instance_event"),
    ("volume", r"nova\.compute\.manager", "_await_block_device_map_created"),
    ("retry", r"oslo_db\.api", "wrapper"),
    ("worker", r"eventlet\.greenpool|futurist\._green", "spawn|spawn_n|_spawn"),
    ("future", r"concurrent\.futures\._base|futurist\.waiters|concurrent\.futures", "result|wait|_wait.*|exception"),
    ("semaphore", r"eventlet\.semaphore", "acquire"),
    ("sleep", r"eventlet\.greenthread|time", "sleep"),
]  # fmt: skip
_COMPILED = [(kind, re.compile(module), re.compile(function)) for kind, module, function in _KNOWN]
#: Frames among which a service's own waiting function is.
_NEAR = 4
#: System calls: sleeps (nanosleep, clock_nanosleep), reads of a socket, futex, waits for a child.
_SLEEPS, _READS, _FUTEX, _FOR_CHILD = (35, 230), (0, 45, 47), 202, (61, 247)
_LIBRARY = re.compile(r"-packages/|/lib(64)?/python3|^<frozen")
_PROJECTS = re.compile(
    r"(nova|placement|keystone|glance|neutron|cinder|heat|ironic|octavia|manila|barbican|magnum|designate)(\..*)?"
)
#: Modules of services that start, serve and hand on: work is within other functions.
_PLUMBING = re.compile(
    r"\w+\.(cmd(\..*)?|service|rpc|(\w+\.)*rpcapi|wsgi(\..*)?|utils|safe_utils|exception_wrapper|thread_pool_factory)"
)
#: Decorators' functions.
_WRAPPERS = frozenset(("wrapped", "wrapper", "inner", "decorated_function", "_wrapped", "__call__", "decorator"))


@dataclass(frozen=True)
class Wait:
    """A wait: its kind, and the frame of the function that is known to wait so."""

    kind: str
    index: int = 0

    #: A thread of this kind of wait continues by itself.
    @property
    def ends_by_itself(self) -> bool:
        """Return whether the wait has an end of its own, or is none."""
        return self.kind in ("sleep", "computing", "idle")


def wait_of(stack: Stack, thread: KernelThread | None) -> Wait:
    """Return the wait of a stack; ``thread`` is what the kernel shows of its thread, None for a greenlet."""
    if stack.kind == "queued":
        return Wait("worker")
    if any(frame.module == _DRIVER and frame.name == "poll" for frame in stack.frames):
        return Wait("idle")
    for index, frame in enumerate(stack.frames):
        kind = "semaphore" if frame.function == "Semaphore.acquire" else _kind(frame)
        if kind and not (kind == "retry" and index):
            return Wait(kind, index)
        if is_work(frame):
            return _of_own(stack, index) or Wait(_by_kernel(stack, thread))
    return Wait(_by_kernel(stack, thread))


def _of_own(stack: Stack, start: int) -> Wait | None:
    """Return the wait of a service's own function that waits by another of its own."""
    near = enumerate(stack.frames[start : start + _NEAR], start)
    return next((Wait(kind, index) for index, frame in near if (kind := _kind(frame)) in ("event", "volume")), None)


def _kind(frame: Frame) -> str:
    for kind, module, function in _COMPILED:
        if module.fullmatch(frame.module) and function.fullmatch(frame.name):
            return kind
    return ""


def _by_kernel(stack: Stack, thread: KernelThread | None) -> str:
    innermost = stack.frames[0].module if stack.frames else ""
    if thread is None:
        return "switched"
    if thread.call in _SLEEPS and innermost not in ("threading", "queue"):
        return "sleep"
    if innermost in ("threading", "queue"):
        return "thread"
    if thread.state == "R" or thread.call == -1:
        return "computing"
    if thread.call in _READS:
        return "socket"
    if thread.call in _FOR_CHILD:
        return "child"
    return "thread" if thread.call == _FUTEX else "call"


def is_work(frame: Frame) -> bool:
    """Return whether a frame is a service's own function that does work."""
    if not _PROJECTS.fullmatch(frame.module) or _PLUMBING.fullmatch(frame.module):
        return False
    return frame.name not in _WRAPPERS


def is_under_way(stack: Stack) -> bool:
    """Return whether a stack does somebody's work, and does not wait for some."""
    return stack.kind == "queued" or any(map(is_work, stack.frames))


def work(stack: Stack) -> list[Frame]:
    """Return the frames at the grain of the tree: the service's own functions, the innermost first."""
    frames = [frame for frame in stack.frames if is_work(frame)]
    return frames or [frame for frame in stack.frames if not _LIBRARY.search(frame.file)][:1] or list(stack.frames[:1])
