"""A worker: a forked process that runs cases one by one, within bounds of time and memory, and reports each outcome."""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import Any, NoReturn

import click

from tests.fuzz.kinds import WRITTEN, Case
from tests.support import confinement
from tracer import cli
from tracer.attach import processes, registry
from tracer.commands import ask
from tracer.errors import TracerError
from tracer.files.folder import Folder
from tracer.recording import capture

#: CPU seconds of a case, whose input is small; and seconds of the clock, for cases that wait.
MAX_SECONDS = 8.0
MAX_WAIT = 120.0
#: Bytes of memory that a case may add to the process, and per byte of its input.
MAX_MEMORY, MAX_SHARE = 200 << 20, 20
#: Address space at which the system stops it, to protect the machine.
_WALL = 4 << 30
#: Cases per worker, so that the remains of a case cannot hide faults of many others.
CASES = 400
#: The command line's message for an unexpected exception (tracer.cli).
DEFECT = "a bug in bootseq"


@dataclass(frozen=True)
class Outcome:
    """A case's outcome: ``how`` is ``0``, ``1``, ``2``, or the kind of fault; ``text`` is stderr or the traceback."""

    number: int
    kind: str
    how: str
    command: str = ""
    text: str = ""

    @property
    def good(self) -> bool:
        """Return whether the outcome is acceptable for an arbitrary input."""
        return self.how in ("0", "2") or (self.how == "1" and self.command.startswith("diff"))


def run(cases: Iterable[Case]) -> Iterator[Outcome]:
    """Yield the outcomes of the cases in order; a worker that dies is replaced by the next."""
    left = list(cases)
    while left:
        done = 0
        for outcome in _run(left[:CASES]):
            done += 1
            yield outcome
        left = left[done:]


def _run(cases: list[Case]) -> Iterator[Outcome]:
    """Yield the outcomes by one worker, until it ends; the last outcome is the reason."""
    theirs, ours = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(theirs)
        _work(cases, ours)
    os.close(ours)
    done, late, buffer = 0, False, bytearray()
    for case in cases:
        line = _line(theirs, buffer)
        late = line is None
        if not line:
            break
        done += 1
        yield Outcome(case.number, case.kind.name, **json.loads(line))
    os.close(theirs)
    if late:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if done < len(cases):
        how = "hang" if late else _end(status)
        yield Outcome(cases[done].number, cases[done].kind.name, how)


def _end(status: int) -> str:
    if status == -signal.SIGPROF:
        return "time"
    return f"signal {-status}" if status < 0 else f"end {status}"


def _line(answers: int, buffer: bytearray) -> bytes | None:
    """Return the next answer, empty at the end, None after the timeout. ``buffer`` holds the bytes read beyond it."""
    while b"\n" not in buffer:
        if not select([answers], [], [], MAX_WAIT)[0]:
            return None
        piece = os.read(answers, 1 << 16)
        if not piece:
            return b""
        buffer += piece
    line, _, rest = bytes(buffer).partition(b"\n")
    buffer[:] = rest
    return line


def warm_up(cases: Iterable[Case]) -> None:
    """Run cases in this process, so that the workers forked from it have everything imported and compiled."""
    before, registry = os.getcwd(), tempfile.mkdtemp(prefix="fuzz-")
    _confine(Path(registry))
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            case.lay_out(Path(folder))
            for command in case.commands:
                _command(case.arguments(command))
            os.chdir(before)
    shutil.rmtree(registry)
    gc.freeze()


def _work(cases: list[Case], answers: int) -> NoReturn:
    """Run the worker, which exits and never returns to the code that forked it."""
    code, top = 1, Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    try:
        _limit()
        _confine(top / "registry")
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        for case in cases:
            folder = top / str(case.number)
            folder.mkdir()
            os.chdir(folder)
            answer = _run_case(case, folder)
            os.chdir(top)
            shutil.rmtree(folder)
            os.write(answers, json.dumps(answer).encode() + b"\n")
        code = 0
    except BaseException:  # noqa: BLE001 - a fault of the fuzzer itself must be shown
        traceback.print_exc(file=sys.__stderr__)
    finally:
        shutil.rmtree(top, ignore_errors=True)
        os._exit(code)


def _limit() -> None:
    """Limit memory, and write no core file."""
    resource.setrlimit(resource.RLIMIT_AS, (_WALL, _WALL))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _confine(registry: Path) -> None:
    """Hide everything of the machine but the input: all processes, and the registry of attached ones."""
    os.environ[confinement.HOME] = str(registry)
    confinement.confine(os.getpid())
    os.environ |= {"BOOTSEQ_DEBUG": "1", "XDG_STATE_HOME": "/nonexistent", "COLUMNS": "100"}
    vars(os)["execvpe"] = _ended
    vars(processes)["everything"] = lambda: iter(())  # hides all processes


def _ended(*_: Any) -> NoReturn:
    raise SystemExit(0)


def _run_case(case: Case, folder: Path) -> dict[str, str]:
    case.lay_out(folder)
    answer = {"how": "0"}
    for command in case.commands:
        if WRITTEN in command and command[0] != "ingest" and not Path(WRITTEN).exists():
            break
        arguments = case.arguments(command)
        before = _reset_peak()
        signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
        how, text = _command(arguments)
        signal.setitimer(signal.ITIMER_PROF, 0)
        took = _peak() - before
        if took > MAX_MEMORY + MAX_SHARE * case.size:
            how, text = "memory", f"{took >> 20} MB for {case.size} bytes"
        answer = {"how": how, "command": " ".join(arguments)[:300], "text": text}
        if how not in ("0", "2", "1"):
            break
    return answer


def _reset_peak() -> int:
    """Reset the peak of the process's memory, and return the present use."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def _command(arguments: list[str]) -> tuple[str, str]:
    """Run a command; return its exit code or kind of fault, and its stderr."""
    with (
        open(".out", "w", encoding="utf-8", errors="backslashreplace") as out,
        open(".err", "w+", encoding="utf-8", errors="replace") as err,
    ):
        sys.stdout, sys.stderr, sys.stdin = out, err, io.TextIOWrapper(io.BytesIO())
        try:
            how = str(_called(arguments))
        except MemoryError:
            how = "memory"
        except BaseException:  # noqa: BLE001 - any exception is a fault
            how = "traceback"
            traceback.print_exc(file=err)
        finally:
            sys.stdout, sys.stderr, sys.stdin = sys.__stdout__, sys.__stderr__, sys.__stdin__
        err.flush()
        err.seek(0)
        text = err.read()
    return ("defect" if DEFECT in text else how), text[-6000:]


def _called(arguments: list[str]) -> object:
    try:
        if arguments[0] in _READERS:
            _READERS[arguments[0]](Path(arguments[1]))
        else:
            cli.main.main(arguments, prog_name="bootseq")
    except SystemExit as ended:
        return ended.code or 0
    except TracerError as error:
        click.echo(f"bootseq: {error}", err=True)
        return 2
    return 0


def _ask_points(folder: Path) -> None:
    """Read ask points as ``ask list`` and ``ask remove`` do for attached processes."""
    for point in capture.asks(folder):
        click.echo(json.dumps(ask._row(folder, point, [])))
        click.echo(f"{point['key']}. {point['where']}{ask._when(point['when'])}")


def _registry(path: Path) -> None:
    """Read the registry as ``status`` and ``detach`` do."""
    with Folder(os.open(path, os.O_RDONLY), path) as folder:
        registered = registry._read(folder, path)
    for entry in registered.entries:
        click.echo(f"{entry.spool.path} {entry.spool.inner} {len(entry.attributes)} {len(entry.hooks)} {entry.pid + 1}")
    click.echo(f"{registered.seconds_left} s")


#: Readers that commands use only with attached processes, by their placeholder in a command.
_READERS: dict[str, Callable[[Path], None]] = {"(ask points)": _ask_points, "(registry)": _registry}
