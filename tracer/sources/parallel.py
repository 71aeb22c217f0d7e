"""Parallel work: processes of our own, one a core, each of which works one thing off after another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from tracer import gc_pause
from tracer.errors import TracerError

#: The folder that ``tracer`` is imported from.
_ROOT = Path(__file__).parent.parent.parent
Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)
#: Says which share of one thing is done: 0 to 1.
Told = Callable[[float], None]


class Work(Protocol[Answer_co]):
    """What is done with one path; a function of a module, so that a process that begins anew can import it."""

    def __call__(self, path: Path, *, told: Told) -> Answer_co:
        """The answer for ``path``."""


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0))


def each(
    work: Work[Answer], paths: Sequence[Path], sizes: Sequence[int], told: Callable[[Path, float], None]
) -> Generator[Answer, None, None]:
    """``work`` of each path, in their order; the largest is begun first.

    TracerError is raised when it is the path's turn, as if one were worked off after the other. Whoever leaves early
    leaves no process behind.
    """
    with _helpers(work, min(cores(), len(paths))) as idle:
        answers = _Answers[Answer](paths, sorted(range(len(paths)), key=lambda place: sizes[place]), idle)
        for place in range(len(paths)):
            yield answers.of(place, told)


class _Answers(Generic[Answer]):
    """Who works at what, and what has come back."""

    def __init__(self, paths: Sequence[Path], left: list[int], idle: list[Connection]) -> None:
        self._paths = paths
        self._left = left
        self._busy: dict[Connection, int] = {}
        self._done: dict[int, Answer | TracerError] = {}
        for helper in idle:
            self._give(helper)

    def of(self, place: int, told: Callable[[Path, float], None]) -> Answer:
        """The answer for a path, once it is there."""
        while place not in self._done:
            if not self._busy:  # all of them have died
                place = next(place for place, done in self._done.items() if isinstance(done, TracerError))
                break
            for helper in wait(list(self._busy)):
                assert isinstance(helper, Connection)
                self._take(helper, told)
        answer = self._done.pop(place)
        if isinstance(answer, TracerError):
            raise answer
        return answer

    def _give(self, helper: Connection) -> None:
        if self._left:
            place = self._left.pop()
            self._busy[helper] = place
            with suppress(OSError):  # it has died, which the next word from it will tell
                helper.send(self._paths[place])

    def _take(self, helper: Connection, told: Callable[[Path, float], None]) -> None:
        place = self._busy[helper]
        try:
            # Pickled by a process of ours, which read the log and gave events: nothing in it was written by others.
            message = helper.recv()
        except (EOFError, OSError):
            del self._busy[helper]
            why = f"{self._paths[place]}: the process that read it was ended; was memory short?"
            self._done[place] = TracerError(why)
            return
        if isinstance(message, float):
            told(self._paths[place], message)
        else:
            self._done[self._busy.pop(helper)] = message
            self._give(helper)


@contextmanager
def _helpers(work: Work[Answer], count: int) -> Iterator[list[Connection]]:
    """Connections to new processes, which import what ``work`` needs and nothing else."""
    started: list[tuple[subprocess.Popen[bytes], Connection]] = []
    try:
        for _ in range(count):
            started.append(_start())
            with suppress(OSError):
                started[-1][1].send(work)
        yield [ours for _, ours in started]
    finally:
        for helper, ours in started:
            ours.close()
            helper.kill()
        for helper, _ in started:
            helper.wait()


def _start() -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = Pipe()
    found_by = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    with theirs:
        helper = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(theirs.fileno())], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env={**os.environ, "PYTHONPATH": found_by},
            start_new_session=True,  # Ctrl-C is ours to answer
        )  # fmt: skip
    return helper, ours


def serve(ours: Connection) -> None:
    """A helper's life: it ends with the one whom it helps, however that ends."""
    with gc_pause.paused(), suppress(EOFError, BrokenPipeError, ConnectionResetError):
        work = ours.recv()
        while True:
            path = ours.recv()
            try:
                answer: object = work(path, told=lambda share: ours.send(float(share)))
            except TracerError as error:
                answer = error
            ours.send(answer)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
