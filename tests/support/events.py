"""Events for tests: processes of a fictional cloud, whose steps a test scripts on a simulated clock.

A story is a generator, such as ``Services.boot()``: each ``next`` does a step of it. ``run`` interleaves several.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from tracer.correlation.pipeline import correlate
from tracer.events import Event, Events, Process
from tracer.model import Request, Step, Trace

EPOCH = 1_767_225_600_000_000_000
TICK = 1_000_000

UUID = "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a{:02x}"
INSERT = "INSERT INTO instances (uuid, vm_state, task_state) VALUES (?, ?, ?)"
UPDATE = "UPDATE instances SET vm_state=?, task_state=?, host=? WHERE instances.uuid = ?"


class Cloud:
    """Some processes and a clock; ``events`` has everything that they record."""

    def __init__(self) -> None:
        self.now = EPOCH
        self.events: list[Event] = []
        self.processes: list[Process] = []
        self._ids = count(1)

    def process(self, argv: str, host: str = "h1", ahead: int = 0) -> Worker:
        """Add a process; its host's clock is ``ahead`` nanoseconds ahead."""
        pid = 100 + len(self.processes)
        self.processes.append(Process(f"{host}-{pid}-1", pid, host, argv))
        return Worker(self, self.processes[-1], ahead)

    def fresh(self, word: str) -> str:
        """Return an id that nothing else has."""
        return f"{word}-{next(self._ids)}"

    def tick(self) -> int:
        """Advance the clock by a millisecond and return it."""
        self.now += TICK
        return self.now

    def collect(self) -> Events:
        """Return the events as a reader would."""
        return Events(self.events, self.processes)

    def trace(self) -> Trace:
        """Return the trace of all events."""
        return correlate(self.collect())

    def boot(self) -> Request:
        """Return the trace's only boot."""
        (boot,) = self.trace().boots
        return boot


class Message:
    """A message that one process has sent and others may receive."""

    def __init__(self, method: str, ids: dict[str, Any], request_id: str) -> None:
        self.method = method
        self.ids = ids
        self.request_id = request_id


class Worker:
    """A process that records; each of its threads (``on``) has a current step of its own."""

    def __init__(self, cloud: Cloud, process: Process, ahead: int = 0) -> None:
        self.cloud = cloud
        self.process = process
        self._ahead = ahead
        self._numbers = count(1)
        self._open_steps: dict[int, list[int]] = defaultdict(lambda: [0])
        self.thread = 1

    def on(self, thread: int) -> Worker:
        """Return the same process in another thread."""
        other = Worker(self.cloud, self.process, self._ahead)
        other._numbers, other._open_steps, other.thread = self._numbers, self._open_steps, thread
        return other

    def now(self) -> int:
        """Advance the clock and return the host's time."""
        return self.cloud.tick() + self._ahead

    @contextmanager
    def step(
        self, kind: str, name: str = "", parent: int | None = None, error: str | None = None, open_: bool = False,
        **attributes: Any,
    ) -> Iterator[Event]:  # fmt: skip
        """Record a step around the block; ``open_`` leaves it unfinished. ``class_`` is written as ``class``."""
        stack = self._open_steps[self.thread]
        event = Event(
            self.process, next(self._numbers), stack[-1] if parent is None else parent, kind, name, self.thread,
            self.now(), attributes={key.rstrip("_"): value for key, value in attributes.items() if value is not None},
        )  # fmt: skip
        self.cloud.events.append(event)
        stack.append(event.number)
        yield event
        stack.pop()
        event.error = error
        event.end = None if open_ else self.now()

    def does(self, kind: str, name: str = "", **attributes: Any) -> Event:
        """Record a step without children."""
        with self.step(kind, name, **attributes) as event:
            pass
        return event

    def call(self, target: str, **attributes: Any) -> Any:
        """Record a function call around the block; ``target`` as in ``nova.compute.api:API.create``."""
        module, _, qualified = target.partition(":")
        owner, _, function = qualified.rpartition(".")
        return self.step("call", target, module=module, class_=owner, function=function, **attributes)

    def sql(self, statement: str, *parameters: Any, **attributes: Any) -> Event:
        """Record a statement."""
        return self.does("sql", statement=statement, parameters=list(parameters), **attributes)

    def log(self, message: str, request_id: str | None = None, kind: str = "log") -> Event:
        """Record a log line."""
        return self.does(kind, "nova.x", message=message, logger="nova.x", request_id=request_id)

    @contextmanager
    def asks(self, far: Worker | None, method: str, path: str, own: str | None = None, **more: Any) -> Iterator[Event]:
        """Record an HTTP request around the block, the far side's part; ``own`` is the id that the far side assigns.

        ``more``: ``global_id`` is the caller's id, ``answered=False`` an answer without an id; ``status``, ``error``.
        """
        global_id, status = more.pop("global_id", None), more.pop("status", 200)
        request = {"method": method, "path": path, "status": status, "global_request_id": global_id}
        callee = own if more.pop("answered", True) else None
        with self.step("http", f"{method} {path}", side="client", callee_request_id=callee, **request, **more) as sent:
            if far is None:
                yield sent
            else:
                with far.step("http", f"{method} {path}", parent=0, side="server", request_id=own, **request) as served:
                    yield served

    def message(self, method: str, request_id: str, mode: str, **ids: Any) -> tuple[Message, dict[str, Any]]:
        """Return a message and the attributes of its sending."""
        ids = ids or {"unique_id": self.cloud.fresh("unique")} | (
            {"msg_id": self.cloud.fresh("msg")} if mode == "call" else {}
        )
        attributes = {"side": "client", "mode": mode, "request_id": request_id}
        return Message(method, ids, request_id), attributes | ids

    def cast(self, method: str, request_id: str, mode: str = "cast", **ids: Any) -> Message:
        """Record the sending of a cast."""
        message, attributes = self.message(method, request_id, mode, **ids)
        self.does("rpc", method, **attributes)
        return message

    @contextmanager
    def calls(
        self, far: Worker, method: str, request_id: str, error: str | None = None, **where: Any
    ) -> Iterator[Event]:
        """Record an RPC call around the block, the far side's part; ``where`` is the endpoint."""
        message, attributes = self.message(method, request_id, "call")
        with self.step("rpc", method, error=error, **attributes), far.receives(message, error=error, **where) as served:
            yield served
            far.does("rpc", "reply", side="client", mode="reply", msg_id=message.ids.get("msg_id"))

    @contextmanager
    def receives(self, message: Message, **where: Any) -> Iterator[Event]:
        """Record the handling of a message."""
        attributes = {"side": "server", "request_id": message.request_id} | message.ids | where
        with self.step("rpc", message.method, parent=0, **attributes) as served:
            yield served


class Services:
    """The processes that take part in a boot."""

    def __init__(self, cloud: Cloud, **hosts: int) -> None:
        self.cloud = cloud
        self.client = cloud.process("/usr/bin/openstack server create vm1")
        self.api = cloud.process("/usr/bin/nova-api")
        self.conductor = cloud.process("/usr/bin/nova-conductor")
        self.scheduler = cloud.process("/usr/bin/nova-scheduler")
        self.compute = cloud.process("/usr/bin/nova-compute", host="cmp1", ahead=hosts.get("cmp1", 0))
        self.placement = cloud.process("/usr/bin/placement-api")

    def boot(
        self, number: int = 1, global_id: str | None = None, servers: int = 1, fails: bool = False, own: str = ""
    ) -> Iterator[None]:
        """Play a boot, a step at each ``next``; every service works for it in a thread of its own."""
        own = own or f"req-{number}"
        body = {"server": {"name": f"vm{number}"}}
        cast = None
        client, api = self.client.on(number), self.api.on(number)
        uuids = [UUID.format(16 * number + index) for index in range(servers)]
        with client.call("openstack.compute.v2._proxy:Proxy.create_server"):
            yield
            with client.asks(api, "POST", "/v2.1/servers", own, global_id=global_id, body=body, status=202):
                yield
                with api.call("nova.compute.api:API.create"):
                    for uuid in uuids:
                        api.sql("INSERT INTO build_requests (instance_uuid) VALUES (?)", uuid)
                    yield
                    cast = api.cast("schedule_and_build_instances", own)
        yield
        yield from self._conduct(number, own, cast, uuids, fails)

    def _conduct(self, number: int, own: str, cast: Message, uuids: list[str], fails: bool) -> Iterator[None]:
        conductor, scheduler = self.conductor.on(number), self.scheduler.on(number)
        placement = self.placement.on(number)
        sent = []
        error = "NoValidHost_Remote: No valid host was found. \nTraceback" if fails else None
        where = {"module": "nova.conductor.manager", "class_": "ComputeTaskManager"}
        with conductor.receives(cast, function="schedule_and_build_instances", **where):
            yield
            request = "GET", "/allocation_candidates", f"req-p{number}"
            with (
                conductor.calls(scheduler, "select_destinations", own, error=error),
                scheduler.asks(placement, *request, global_id=own),
            ):
                yield
                placement.sql("SELECT 1 FROM inventories")
            for uuid in uuids:
                conductor.sql(INSERT, uuid, "error" if fails else "building", None if fails else "scheduling")
                yield
                if not fails:
                    sent.append(conductor.cast("build_and_run_instance", own))
        for message, uuid in zip(sent, uuids, strict=False):
            yield from self._build(number, own, message, uuid)

    def _build(self, number: int, own: str, message: Message, uuid: str) -> Iterator[None]:
        compute, conductor = self.compute.on(number), self.conductor.on(number)
        where = {"module": "nova.compute.manager", "class_": "ComputeManager", "function": "build_and_run_instance"}
        with (
            compute.receives(message, **where),
            compute.call("nova.compute.manager:ComputeManager.build_and_run_instance"),
        ):
            for vm_state, task_state in (("building", "spawning"), ("active", None)):
                yield
                with compute.calls(conductor, "Instance.save", own):
                    conductor.sql(UPDATE, vm_state, task_state, "cmp1", uuid)
            with compute.call("nova.virt.fake:FakeDriver.spawn"):
                yield


def run(*stories: Iterable[None]) -> None:
    """Play the stories at once, a step of each in turn."""
    running = [iter(story) for story in stories]
    while running:
        running = [story for story in running if next(story, running) is None]


def outline(step: Step, depth: int = 0) -> str:
    """Return a tree as indented lines of service, kind and name."""
    line = f"{'  ' * depth}{step.service} {step.kind} {step.name}".rstrip()
    return "\n".join([line, *(outline(child, depth + 1) for child in step.children)])


def tree(boot: Request) -> str:
    """Return the outlines of all chapters of a boot."""
    return "\n".join(outline(chapter) for chapter in boot.chapters)
