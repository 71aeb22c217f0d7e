"""The agent on a host: it attaches there for a controller, sends what is recorded, and takes the hooks out again.

It runs from memory, and its messages are its stdin and stdout. When the controller ends or is silent, it takes the
hooks out; when it is killed itself, its guard does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from tracer.attach import detach, eligibility, guard, proc, processes, registry, runtime_folder, status
from tracer.attach.attach import Attachment
from tracer.attach.eligibility import ProcessReport
from tracer.attach.processes import Process
from tracer.errors import TracerError
from tracer.files import folder as folders
from tracer.hosts import growth, host_captures
from tracer.hosts.channel import Channel, ChannelError, Head
from tracer.hosts.growth import Marks

#: Bytes sent for one request: the controller asks again for the rest.
_MAX_SENT = 16 << 20
_MAX_PACKED = 4 << 20
#: The lease is granted for this many silences at least, and renewed after a third of it.
_LEASE_SILENCES, _MIN_LEASE = 2.0, 20.0


class Agent:
    """An agent; ``silence`` is the time in seconds without a message after which the controller counts as gone."""

    def __init__(self, channel: Channel, silence: float) -> None:
        self._channel = channel
        self._silence = silence
        self._token = ""
        self._attachment: Attachment | None = None
        self._known: dict[tuple[int, int], Process] = {}
        self._marks: dict[str, Marks] = {}
        self._renew_at = 0.0
        self._operations = {
            "ping": self._ping, "doctor": self._doctor, "status": self._status, "open": self._open,
            "attach": self._attach, "fetch": self._fetch, "detach": self._detach, "remove": self._remove,
        }  # fmt: skip

    def run(self) -> None:
        """Answer messages until one ends the agent, or the controller is gone."""
        self._channel.send(_about())
        while True:
            try:
                head, _ = self._channel.receive(self._silence)
                if head.get("op") == "end":
                    break
                self._answer(head)
            except ChannelError:
                self._take_out()
                break
        if self._attachment is not None:
            self._attachment.close()

    def _answer(self, head: Head) -> None:
        """Do what a message asks for, and report the result or the reason of a failure."""
        operation = self._operations.get(str(head.get("op")))
        try:
            if operation is None:
                raise TracerError("unknown request")
            result = operation(head)
        except ChannelError:
            raise
        except TracerError as error:
            result = {"error": str(error)}
        except OSError as error:
            result = {"error": f"{error.filename or 'a file'}: {error.strerror or error}"}
        except Exception as error:  # noqa: BLE001 - the controller reports it, and goes on with the others
            result = {"error": f"{type(error).__name__}: {error}"}
        self._channel.send({"end": True, **result}, seconds=self._silence)

    def _ping(self, _head: Head) -> Head:
        return {"wall": time.time_ns()}

    def _doctor(self, _head: Head) -> Head:
        services = processes.services()
        return {"reports": _as_json([*eligibility.of_machine(), *map(status.readiness, services)])}

    def _status(self, _head: Head) -> Head:
        return {"reports": _as_json(status.of_all()[1])}

    def _open(self, head: Head) -> Head:
        """Continue a capture: ``marks`` are the files that the controller has, by part."""
        host_captures.path(str(head["capture"]))
        self._token = str(head["capture"])
        self._marks = {
            str(part): {str(name): int(mark) for name, mark in files.items()} for part, files in head["marks"].items()
        }
        return {}

    def _attach(self, head: Head) -> Head:
        """Attach to the services that started since the last time; all of them at first."""
        if self._attachment is None:
            capture = host_captures.make(self._token, head["options"])
            seconds = float(head["seconds"]) or max(_MIN_LEASE, _LEASE_SILENCES * self._silence)
            self._attachment = Attachment(capture, seconds, lasting=bool(head["seconds"]))
        matching = [process for pattern in head["services"] for process in processes.services(str(pattern))]
        fresh = {(process.pid, process.started): process for process in matching}
        fresh = {key: process for key, process in fresh.items() if key not in self._known}
        self._known.update(fresh)
        self._renew_at = time.monotonic() + self._attachment.seconds / 3
        return {"reports": _as_json(self._attachment.attach(list(fresh.values())) if fresh else [])}

    def _fetch(self, _head: Head) -> Head:
        """Send what is new in the capture; ``more`` if there is more to send."""
        self._renew()
        room = _MAX_SENT
        for part, name, offset, data in self._new_parts():
            packed = zlib.compress(data)
            message = {"part": part, "name": name, "offset": offset, "size": len(data)}
            self._channel.send(message, packed, self._silence)
            room -= len(data)
            if room <= 0:
                return {"more": True}
        return {"more": False}

    def _new_parts(self) -> Iterator[tuple[str, str, int, bytes]]:
        for part, spool in host_captures.parts(self._token):
            marks = self._marks.setdefault(part, {})
            with suppress(OSError, ValueError, TypeError):  # removed with its container, or invalid
                yield from _received(
                    part, marks, spool.read(partial(growth.new_parts, marks=dict(marks), room=_MAX_SENT))
                )

    def _renew(self) -> None:
        """Grant the lease again, which ends when nobody does."""
        attachment = self._attachment
        if attachment is not None and not attachment.lasting and time.monotonic() > self._renew_at:
            self._renew_at = time.monotonic() + attachment.seconds / 3
            attachment.renew()

    def _detach(self, head: Head) -> Head:
        """Take the hooks out for one capture, or for all of this user's."""
        if head.get("all"):
            return {"reports": _as_json(detach.detach_all())}
        return {"reports": _as_json(self._take_out())}

    def _take_out(self) -> list[ProcessReport]:
        """Take the hooks out, and leave a report in the capture."""
        capture = host_captures.path(self._token) if self._token else None
        if capture is None or (self._attachment is not None and self._attachment.lasting):
            return []
        reports = detach.detach(capture)
        if reports:
            with suppress(OSError), folders.opened(capture) as folder, folder.write(guard.RESULT) as file:
                file.write(json.dumps(_as_json(reports), indent=1).encode())
        return reports

    def _remove(self, _head: Head) -> Head:
        """Remove the capture, unless something is still attached for it."""
        capture = host_captures.path(self._token)
        if not registry.of(capture).entries:
            host_captures.remove(self._token)
        return {}


def _received(part: str, marks: Marks, contents: Iterator[bytes]) -> Iterator[tuple[str, str, int, bytes]]:
    """Yield (part, file, offset, bytes) of what a spool yields, which is its user's: nothing of it is trusted."""
    for head in contents:
        name, offset, mark = json.loads(head)
        data = next(contents, b"")
        if type(name) is not str or type(offset) is not int or type(mark) is not int or len(data) > _MAX_PACKED:
            return
        yield part, name, offset, data
        marks[name] = mark


def _about() -> dict[str, Any]:
    return {
        "host": os.uname().nodename, "boot": runtime_folder.boot_id(), "python": sys.version.split()[0],
        "uid": os.geteuid(), "pid": os.getpid(),
    }  # fmt: skip


def _as_json(reports: list[ProcessReport]) -> list[dict[str, Any]]:
    return [report.as_json() for report in reports]


def main(silence: float) -> None:
    """Run an agent whose messages are stdin and stdout; whatever else prints there prints to stderr."""
    output = os.dup(1)
    os.dup2(2, 1)
    for number in (signal.SIGPIPE, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    channel = Channel(os.dup(0), output)
    if not proc.is_own():
        channel.send({"error": "/proc shows the processes of another namespace; enter the host's own"})
        return
    Agent(channel, silence).run()


def _end(number: int, frame: object) -> None:
    raise ChannelError(f"signal {number}")
