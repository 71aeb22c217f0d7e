"""The guard of a capture, a process of its own: it takes the hooks out when its owner is gone or the lease is over.

Its stdin is a pipe that ends with the owner. ``attach`` ends and leaves its hooks in: it says so on the pipe before,
and then the guard stays until the lease is over, which a later ``attach`` may renew in the registry, or until nothing
is attached any more. It has a session of its own, where no signal of the terminal comes, and no file of the user's;
a SIGTERM ends it like its owner's death.
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

#: What an owner says that ends while its hooks stay in.
STAY = b"stay\n"
#: What the guard leaves in the capture: each process that it took hooks out of, and the proof.
RESULT = "detached.json"
_PACE = 1.0
#: Processes that cannot be entered now are tried again, so often and after so many seconds.
_TRIES, _PAUSE = 12, 5.0


class Guard:
    """Watches over one capture."""

    def __init__(self, capture: Path) -> None:
        self._capture = capture
        self._owner: int | None = 0
        self._stays = False
        self._changed_at = -1
        self._registered = Registered(capture)
        #: Descriptors that end with the processes.
        self._processes: dict[tuple[int, int], int] = {}

    def run(self) -> None:
        """Watch until there is nothing to watch over, and leave nothing behind."""
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
        """At the registry, if it has changed."""
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
                if wanted[key].process() is None:  # the number is another's by now
                    os.close(descriptor)
                else:
                    self._processes[key] = descriptor

    def _is_over(self) -> bool:
        if self._owner is None and not (self._stays and self._processes):
            return True
        return bool(self._registered.entries) and not self._registered.seconds_left

    def _wait(self) -> None:
        """Until something happens, at most for a second."""
        names = {descriptor: key for key, descriptor in self._processes.items()}
        poll = select.poll()
        for descriptor in [*names, *([] if self._owner is None else [self._owner])]:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(1000 * min(_PACE, self._registered.seconds_left or _PACE)):
            if descriptor == self._owner:
                self._hear(descriptor)
            else:
                os.close(self._processes.pop(names[descriptor]))

    def _hear(self, descriptor: int) -> None:
        """What the owner says, or that it has ended."""
        data = os.read(descriptor, 100)
        self._stays = self._stays or data == STAY
        if not data:
            self._owner = None

    def _end(self) -> bool:
        """Take the hooks out; False where the lease was renewed just now."""
        results: dict[int, ProcessReport] = {}
        for number in range(_TRIES):
            time.sleep(_PAUSE if number else 0)
            with registry.locked(self._capture) as registration:
                now = registration.read()
                if self._stays and now.seconds_left and any(entry.process() for entry in now.entries):
                    self._changed_at = -1
                    return False
                if now.entries:
                    results |= {each.pid: each for each in detach.take_out(registration)}
                    self._report(results)
                if not registration.read().entries or number == _TRIES - 1:
                    registration.set_guard(None)
                    return True
        return True

    def _report(self, results: dict[int, ProcessReport]) -> None:
        with suppress(OSError), folders.opened(self._capture) as folder, folder.write(RESULT) as file:
            file.write(json.dumps([each.as_json() for each in results.values()], indent=1).encode())


def main() -> None:
    """The first line of stdin says what to watch over; without one the owner died before it asked."""
    request = json.loads(_line() or "null")
    if request is not None:
        home = Path(request["home"])
        runtime_folder.path = lambda: home
        Guard(Path(request["capture"])).run()


def _report_ready() -> None:
    """From now on nothing of the owner's is open but the pipe."""
    with suppress(OSError):  # the owner has died meanwhile
        os.write(1, b"ready\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _line() -> bytes:
    """The first line of stdin, and no byte more."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line
