"""The guard of a capture, a process of its own: it takes the hooks out when its owner has ended or the lease is over.

Its stdin is a pipe that closes when the owner ends. ``attach`` ends and leaves its hooks in: it writes so to the pipe
before, and the guard then stays until the lease is over, which a later ``attach`` may renew in the registry, or until
nothing is attached any more. It has a session of its own, without signals of the terminal, and no file of the user's;
a SIGTERM ends it like its owner's end.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path

from tracer.attach import detach, registry, runtime_folder
from tracer.attach.eligibility import ProcessReport
from tracer.attach.registry import Entry, Registered
from tracer.files import folder as folders
from tracer.files import write

#: The line of an owner that ends while its hooks stay in.
STAY = b"stay\n"
#: The file that the guard leaves in the capture: each process that it took hooks out of, and the proof.
RESULT = "detached.json"
_PACE = 1.0
#: Processes that cannot be entered now are tried again: the number of tries, and the seconds between.
_TRIES, _PAUSE = 12, 5.0


class Guard:
    """A watch over one capture."""

    def __init__(self, capture: Path) -> None:
        self._capture = capture
        self._owner: int | None = 0
        self._stays = False
        self._changed_at = -1
        self._registered = Registered(capture)
        #: Descriptors that become readable when the processes end.
        self._processes: dict[tuple[int, int], int] = {}

    def run(self) -> None:
        """Watch until nothing is attached any more, then end."""
        signal.signal(signal.SIGTERM, lambda *_: self._terminate())
        _report_ready()
        while True:
            self._look()
            if self._is_over() and self._end():
                return
            self._wait()

    def _terminate(self) -> None:
        self._owner, self._stays = None, False

    def _look(self) -> None:
        """Read the registry again if it has changed."""
        changed_at = registry.changed_at(self._capture)
        if changed_at != self._changed_at:
            self._changed_at, self._registered = changed_at, registry.of(self._capture)
            self._watch(self._registered.entries)

    def _watch(self, entries: tuple[Entry, ...]) -> None:
        wanted = {(entry.pid, entry.started): entry for entry in entries}
        for key in self._processes.keys() - wanted.keys():
            os.close(self._processes.pop(key))
        for key in wanted.keys() - self._processes.keys():
            with suppress(OSError):
                descriptor = os.pidfd_open(key[0])
                if wanted[key].process() is None:  # the number has been reused
                    os.close(descriptor)
                else:
                    self._processes[key] = descriptor

    def _is_over(self) -> bool:
        if self._owner is None and not (self._stays and self._processes):
            return True
        return bool(self._registered.entries) and not self._registered.seconds_left

    def _wait(self) -> None:
        """Wait for an event, at most for a second."""
        names = {descriptor: key for key, descriptor in self._processes.items()}
        owner = self._owner  # SIGTERM may come while we wait, and then there is none
        poll = select.poll()
        for descriptor in [*names, *([] if owner is None else [owner])]:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(1000 * min(_PACE, self._registered.seconds_left or _PACE)):
            if descriptor == owner:
                self._read_owner(descriptor)
            else:
                os.close(self._processes.pop(names[descriptor]))

    def _read_owner(self, descriptor: int) -> None:
        """Read a line of the owner, or notice its end."""
        data = os.read(descriptor, 100)
        self._stays = self._stays or data == STAY
        if not data:
            self._owner = None

    def _end(self) -> bool:
        """Take the hooks out; return False if the lease has just been renewed."""
        results: dict[int, ProcessReport] = {}
        for number in range(_TRIES):
            time.sleep(_PAUSE if number else 0)
            with registry.locked(self._capture) as registration:
                now = registration.read()
                if self._stays and now.seconds_left and any(entry.process() for entry in now.entries):
                    self._changed_at = -1
                    return False
                if now.entries:
                    results |= {report.pid: report for report in detach.take_out(registration)}
                    self._report(results)
                if not registration.read().entries or number == _TRIES - 1:
                    registration.set_guard(None)
                    return True
        return True

    def _report(self, results: dict[int, ProcessReport]) -> None:
        with suppress(OSError), folders.opened(self._capture) as folder, folder.write(RESULT) as file:
            file.write(json.dumps([report.as_json() for report in results.values()], indent=1).encode())


def main() -> None:
    """Watch over the capture in the first line of stdin; without a line the owner has ended before."""
    request = json.loads(_line() or "null")
    if request is not None:
        home = Path(request["home"])
        runtime_folder.path = lambda: home
        Guard(Path(request["capture"])).run()


def _report_ready() -> None:
    """Report to the owner that the watch has begun, and keep nothing of the owner's open but the pipe."""
    with suppress(OSError):  # the owner has ended meanwhile
        os.write(1, b"ready\n")
    write.silence(1)
    write.silence(2)


def _line() -> bytes:
    """Read the first line of stdin, and no byte more."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line
