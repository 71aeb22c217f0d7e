"""Parallel work on paths: helper processes, one per core, each taking one path after the other."""

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
#: Receives the share of a path's work that is done: 0 to 1.
OnProgress = Callable[[float], None]


class Work(Protocol[Answer_co]):
    """The work on one path: a module's function, so that a fresh process can import it."""

    def __call__(self, path: Path, *, on_progress: OnProgress) -> Answer_co:
        """Return the answer for ``path``."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def map_paths(
    work: Work[Answer], paths: Sequence[Path], sizes: Sequence[int], on_progress: Callable[[Path, float], None]
) -> Generator[Answer, None, None]:
    """Yield the answer of ``work`` for each path, in the given order; the largest path is started first.

    A TracerError is raised at the path's turn, as in sequential work. Closing the generator early ends all helpers.
    """
    with _helpers(work, min(cores(), len(paths))) as idle:
        answers = _Answers[Answer](paths, sorted(range(len(paths)), key=lambda index: sizes[index]), idle)
        for index in range(len(paths)):
            yield answers.of(index, on_progress)


class _Answers(Generic[Answer]):
    """The paths in work, by helper, and the answers received."""

    def __init__(self, paths: Sequence[Path], pending: list[int], idle: list[Connection]) -> None:
        self._paths = paths
        self._pending = pending
        self._busy: dict[Connection, int] = {}
        self._done: dict[int, Answer | TracerError] = {}
        for helper in idle:
            self._assign(helper)

    def of(self, index: int, on_progress: Callable[[Path, float], None]) -> Answer:
        """Wait for the answer of a path, and return it."""
        while index not in self._done:
            if not self._busy:  # all of them have died
                index = next(index for index, done in self._done.items() if isinstance(done, TracerError))
                break
            for helper in wait(list(self._busy)):
                assert isinstance(helper, Connection)
                self._take(helper, on_progress)
        answer = self._done.pop(index)
        if isinstance(answer, TracerError):
            raise answer
        return answer

    def _assign(self, helper: Connection) -> None:
        if self._pending:
            index = self._pending.pop()
            self._busy[helper] = index
            with suppress(OSError):  # it has died, which the next receive detects
                helper.send(self._paths[index])

    def _take(self, helper: Connection, on_progress: Callable[[Path, float], None]) -> None:
        index = self._busy[helper]
        try:
            # Pickled by our own helper, which turned the log into events: nothing in it was written by others.
            message = helper.recv()
        except (EOFError, OSError):
            del self._busy[helper]
            reason = f"{self._paths[index]}: its reader process was killed; out of memory?"
            self._done[index] = TracerError(reason)
            return
        if isinstance(message, float):
            on_progress(self._paths[index], message)
        else:
            self._done[self._busy.pop(helper)] = message
            self._assign(helper)


@contextmanager
def _helpers(work: Work[Answer], count: int) -> Iterator[list[Connection]]:
    """Yield connections to new processes, which import what ``work`` needs and nothing else."""
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
    import_path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    with theirs:
        helper = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(theirs.fileno())], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env={**os.environ, "PYTHONPATH": import_path},
            start_new_session=True,  # Ctrl-C is handled by the parent
        )  # fmt: skip
    return helper, ours


def serve(ours: Connection) -> None:
    """Run a helper: answer one path after the other until the parent is gone."""
    with gc_pause.paused(), suppress(EOFError, BrokenPipeError, ConnectionResetError):
        work = ours.recv()
        while True:
            path = ours.recv()
            try:
                answer: object = work(path, on_progress=lambda share: ours.send(float(share)))
            except TracerError as error:
                answer = error
            ours.send(answer)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
