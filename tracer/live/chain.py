"""The way from a stack to who owes the next step: its wait, the stack of the other side, that one's wait, and so on."""

from __future__ import annotations

from collections.abc import Callable

from tracer.live import kernel
from tracer.live.holders import Holder
from tracer.live.links import Chain, Link
from tracer.live.owners import Owner, of_process, stopped
from tracer.live.stacks import Frame, ProcessStacks, Stack
from tracer.live.waits import is_under_way, wait_of, work

_MAX_LINKS = 12
#: Who sends the events that nova-compute waits for, by the beginning of their name.
_SENDERS = {
    "network-": "Neutron (the server or the agent of the port's host)", "volume-": "Cinder", "power-": "Ironic",
    "accelerator-": "Cyborg",
}  # fmt: skip
#: The service of each topic whose name differs from it.
_TOPICS = {"q-plugin": "neutron-server", "q-agent-notifier": "neutron", "engine": "heat-engine"}


class Follower:
    """The chains among the stacks of one round of visits."""

    def __init__(self, processes: list[ProcessStacks]) -> None:
        self._processes = processes
        self._followed: dict[str, Callable[[Link], Holder | Owner]] = {
            "rpc": self._rpc, "lock": self._lock, "lock_file": self._lock_file, "database": self._database,
            "http": self._http, "download": self._http, "command": self._command, "privileged": self._privileged,
            "event": self._event, "volume": self._volume, "worker": self._worker, "future": self._thread,
            "thread": self._thread, "retry": self._retry, "name": self._name, "broker": self._broker,
            "semaphore": self._semaphore, "libvirt": self._libvirt, "connection": self._connection,
            "child": self._command,
        }  # fmt: skip

    def chain(self, holder: Holder) -> Chain:
        """Return the chain from a stack on."""
        links: list[Link] = []
        passed: list[Stack] = []
        while True:
            wait = wait_of(holder.stack, holder.process.threads.get(holder.stack.number))
            link = Link(holder, wait)
            links.append(link)
            passed.append(holder.stack)
            follow = self._followed.get(wait.kind, self._itself)
            following = follow(link)
            if isinstance(following, Owner):
                return Chain(links, following)
            if any(following.stack is stack for stack in passed) or len(links) > _MAX_LINKS:
                return Chain(links, of_process(following.process, "waits for its own work: a deadlock", down=True))
            holder = following

    # One method for each kind of wait: it describes the wait, and returns the other side's stack, or who owes.

    def _rpc(self, link: Link) -> Holder | Owner:
        values = _values(link, "message", "topic", "server", "method", "object_method", "object_class")
        method = values["method"]
        if values["object_method"]:
            method = f"{values['object_class'] or 'object'}.{values['object_method']}".removeprefix("object.")
        queue = ".".join(filter(None, (values["topic"], values["server"])))
        link.waits_for = f"the answer to {method}() from {queue}"
        link.details |= {"message": values["message"], "queue": queue, "method": method, "taken": "no"}
        takers = [holder for holder in self._all() if values["message"] in holder.stack.all("taken")]
        # A heartbeat of the dispatcher has the message too.
        takers.sort(key=lambda holder: not is_under_way(holder.stack))
        if takers:
            link.details["taken"] = "queued" if takers[0].stack.kind == "queued" else "yes"
            return takers[0]
        return self._receiver(values["topic"], values["server"])

    def _receiver(self, topic: str, server: str) -> Owner:
        """Return who should have taken a message of a queue, by the queues that services consume."""
        queue = f"{topic}.{server}" if server else topic
        service = _TOPICS.get(topic, topic if "-" in topic else f"nova-{topic}")
        consumers = [process for process in self._processes if queue in _consumed(process)]
        if consumers:
            return of_process(consumers[0], "consumes the queue, and has not taken the message")
        candidates = [process for process in self._processes if process.service == service]
        unread = [process for process in candidates if process.problem]
        if unread:
            return stopped(unread[-1])
        where = f" on {server}" if server else ""
        if candidates:
            return of_process(candidates[0], f"runs, and does not consume the queue {queue}", down=True)
        return Owner(
            f"{service}{where}", f"does not run here: no process consumes the queue {queue}", service, down=True,
            fix=f"systemctl status {service}",
        )  # fmt: skip

    def _lock(self, link: Link) -> Holder | Owner:
        name = link.stack.first("lock", link.wait.index)
        link.waits_for = f'the lock "{name}"'
        link.details["lock"] = name
        for holder in self._beside(link):
            if _holds(holder, name):
                return holder
        return of_process(link.holder.process, f'a thread of it holds the lock "{name}", by functions not known')

    def _lock_file(self, link: Link) -> Holder | Owner:
        path = link.stack.first("lock_file")
        name = link.stack.first("lock") or path.rpartition("/")[2]
        link.waits_for = f'the lock "{name}" of the file {path}'
        link.details |= {"lock": name, "file": path}
        pids = kernel.lock_holders(link.holder.process.pid, [path])
        for holder in self._all():
            if holder.process.pid in pids and _holds(holder, name):
                return holder
        return self._of_pid(pids[0], f"holds the lock file {path}") if pids else Owner("nobody", "holds it any more")

    def _database(self, link: Link) -> Holder | Owner:
        statement = link.stack.first("statement", link.wait.index)
        link.waits_for = f"the database: {statement}" if statement else "the database"
        link.details["statement"] = statement
        process = link.holder.process
        shared = kernel.open_files(process.pid, "-shm") + kernel.open_files(process.pid, ".sqlite")
        pids = kernel.lock_holders(process.pid, shared)
        if not pids:
            return Owner("the database", f"has not answered {statement or 'yet'}", "database")
        for holder in self._all():
            if holder.process.pid == pids[0] and holder.stack.first("statement"):
                return holder
        return self._of_pid(pids[0], "holds a lock of the database in an open transaction")

    def _http(self, link: Link) -> Holder | Owner:
        values = _values(link, "http_method", "http_path", "http_host", "http_port", "http_scheme")
        host, port = values["http_host"], values["http_port"]
        url = f"{values['http_scheme'] or 'http'}://{host}:{port}{values['http_path']}"
        action = values["http_method"] or "the body of"
        link.waits_for = f"HTTP: {action} {url}"
        link.details |= {"method": values["http_method"], "url": url}
        path = values["http_path"].partition("?")[0]
        pids = {process.pid: process for process in self._processes}
        near = link.holder.process.pid
        callee = kernel.listener([*pids], near, host, int(port)) if port.isdecimal() else 0
        if not callee:
            other = kernel.listener(kernel.every(), near, host, int(port)) if port.isdecimal() else 0
            return self._of_pid(other, "has not answered") if other else Owner(f"{host}:{port}", "has not answered")
        if pids[callee].problem:
            return stopped(pids[callee])
        for holder in self._all():
            served = holder.stack.first("served_path")
            if holder.process.service == pids[callee].service and served and path.endswith(served):
                return holder
        return of_process(pids[callee], "listens there, and no thread of it serves the request")

    def _command(self, link: Link) -> Holder | Owner:
        process = link.holder.process
        inner = link.stack.first("pid", link.wait.index)
        pid = kernel.pid_here(process.pid, int(inner)) if inner.isdecimal() else 0
        command = kernel.command(pid) if pid else None
        program = link.stack.first("program", link.wait.index)
        link.waits_for = f"the command {program}" if program else "a command"
        if command is None:
            return Owner(program or "a command", "has ended")
        link.details |= {"program": command.program, "pid": str(command.pid), "state": command.state}
        waits = f" in {command.waits_in}" if command.waits_in else ""
        down = command.state in "TD"
        name, why = f"{command.program} (pid {command.pid})", f"runs, state {command.state}{waits}"
        return Owner(name, why, command.program, command.pid, down, f"cat /proc/{command.pid}/stack")

    def _privileged(self, link: Link) -> Holder | Owner:
        name = link.stack.first("privileged")
        link.waits_for = f"the privileged daemon: {name}()"
        link.details["function"] = name
        daemons = [process for process in self._processes if process.service == "privsep-helper"]
        for holder in self._all():
            if holder.process in daemons and any(f"{f.module}.{f.name}" == name for f in holder.stack.frames):
                return holder
        unread = [process for process in daemons if process.problem]
        return stopped(unread[0]) if unread else Owner("privsep-helper", "has not answered", "privsep-helper")

    def _event(self, link: Link) -> Holder | Owner:
        events = link.stack.all("event")
        link.waits_for = f"the event {events[0] if events else ''}"
        link.details["event"] = ", ".join(events)
        event = events[0] if events else "the event"
        sender = next((text for start, text in _SENDERS.items() if event.startswith(start)), "its sender")
        return Owner(sender, f"has not sent {event}", sender.split()[0].lower())

    def _volume(self, link: Link) -> Holder | Owner:
        volume = link.stack.first("volume")
        tries = f" (try {link.stack.first('try')} of {link.stack.first('tries')})"
        link.waits_for = f"the volume {volume} to become available{tries}"
        link.details |= {"volume": volume, "try": link.stack.first("try"), "tries": link.stack.first("tries")}
        for holder in self._all():
            if holder.process.service.startswith("cinder") and volume in holder.stack.all("volume"):
                return holder
        unread = [p for p in self._processes if p.service.startswith("cinder") and p.problem]
        return stopped(unread[0]) if unread else Owner("Cinder", "has not finished the volume", "cinder")

    def _worker(self, link: Link) -> Holder | Owner:
        """Follow the first worker of the full pool."""
        process = link.holder.process
        pool = link.stack.first("pool")
        busy = [
            holder for holder in self._beside(link)
            if holder.stack.kind != "queued" and pool in holder.stack.all("pool") and is_under_way(holder.stack)
        ]  # fmt: skip
        link.waits_for = f"a free worker: {sum(holder.stack.count for holder in busy)} are busy"
        link.details["pool"] = pool
        return busy[0] if busy else of_process(process, "has work waiting for a free worker")

    def _semaphore(self, link: Link) -> Holder | Owner:
        """Follow the first of those that are within the function that waits to enter, further than it."""
        process, entered = link.holder.process, work(link.stack)[0]
        inside = [holder for holder in self._beside(link) if _is_within(holder.stack, entered)]
        link.waits_for = f"a free worker in {entered.text}: {sum(holder.stack.count for holder in inside)} are busy"
        return inside[0] if inside else of_process(process, "has a semaphore in use, by functions not known")

    def _thread(self, link: Link) -> Holder | Owner:
        """Follow to the only other stack of this process that works for the same instance or request."""
        process, owners = link.holder.process, {*link.stack.all("instance")} or {*link.stack.all("request")[:1]}
        others = [holder for holder in self._beside(link) if owners & {*_owned(holder.stack)}]
        link.waits_for = "another thread"
        return others[0] if len(others) == 1 else of_process(process, "waits within itself")

    def _retry(self, link: Link) -> Holder | Owner:
        left, tries = link.stack.first("tries_left"), link.stack.first("tries")
        link.waits_for = f"the next try of a transaction ({left} of {tries} left)"
        link.details |= {"tries_left": left, "tries": tries}
        return Owner("the database", "made the transaction fail, by a deadlock or a lost connection", "database")

    def _name(self, link: Link) -> Holder | Owner:
        host = link.stack.first("host_name") or link.stack.first("http_host")
        link.waits_for = f"the address of {host}"
        link.details["host"] = host
        return Owner("the name server", f"has not resolved {host}", "dns", fix=f"getent hosts {host}")

    def _broker(self, link: Link) -> Holder | Owner:
        link.waits_for = "the message broker"
        why = "takes no connection or message"
        return Owner("the message broker", why, "rabbitmq", fix="rabbitmqctl cluster_status")

    def _libvirt(self, link: Link) -> Holder | Owner:
        call = link.stack.frames[link.wait.index].function if link.stack.frames else ""
        link.waits_for = f"libvirt: {call}()"
        return Owner("libvirtd", f"has not answered {call}()", "libvirt", fix="systemctl status libvirtd")

    def _connection(self, link: Link) -> Holder | Owner:
        link.waits_for = "a free connection of the database pool"
        return of_process(link.holder.process, "has every connection of its pool in use")

    def _itself(self, link: Link) -> Holder | Owner:
        process = link.holder.process
        kind = link.wait.kind
        link.waits_for = {"sleep": "the end of a sleep", "computing": "nothing: it computes"}.get(kind, "the kernel")
        return of_process(process, {"sleep": "sleeps", "computing": "computes"}.get(kind, "waits"))

    def _all(self) -> list[Holder]:
        return [Holder(process, stack) for process in self._processes for stack in process.stacks]

    def _beside(self, link: Link) -> list[Holder]:
        """Return the other stacks of the same process."""
        process = link.holder.process
        return [Holder(process, stack) for stack in process.stacks if stack is not link.stack]

    def _of_pid(self, pid: int, why: str) -> Owner:
        process = next((process for process in self._processes if process.pid == pid), None)
        if process is not None:
            return stopped(process) if process.problem else of_process(process, why)
        state = kernel.state(pid)
        is_down = state in ("T", "D", "t")
        about = f"{why}; its state is {state}" if is_down else why
        return Owner(f"{kernel.program(pid)} (pid {pid})", about, "", pid, is_down, f"cat /proc/{pid}/stack")


def _values(link: Link, *keys: str) -> dict[str, str]:
    return {key: link.stack.first(key, link.wait.index) for key in keys}


def _owned(stack: Stack) -> list[str]:
    return stack.all("instance") or stack.all("request")[:1]


def _is_within(stack: Stack, entered: Frame) -> bool:
    return any((frame.function, frame.line) == (entered.function, entered.line) for frame in work(stack)[1:])


def _consumed(process: ProcessStacks) -> set[str]:
    return {name for stack in process.stacks for name in stack.all("consumes")}


def _holds(holder: Holder, name: str) -> bool:
    """Return whether a stack is within a function under the lock, and not on its way in."""
    is_waiting = wait_of(holder.stack, None).kind in ("lock", "lock_file") and holder.stack.first("lock") == name
    return name in holder.stack.all("lock_scope") and not is_waiting
