"""The memory file of a visit: replacements by the process are neither read nor written; a claim decides the owner."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.victims import Victim
from tests.support.waiting import wait_until
from tracer.attach import processes
from tracer.attach.injection import exchange as exchanges
from tracer.attach.injection import interpreter, visits
from tracer.attach.injection.exchange import Exchange
from tracer.attach.injection.ptrace import BusyError, RefusedError


def process(victim: Victim) -> processes.Process:
    read = processes.read(victim.pid)
    assert read is not None
    return read


def create(exchange: Exchange, flags: int = os.MFD_CLOEXEC) -> int:
    """Create the file as the visited process, which is this one."""
    return os.memfd_create(exchange.name, flags)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(os.getpid())


def test_a_visit_leaves_the_descriptors_unchanged() -> None:
    with Victim("sleep") as victim:
        before = victim.ask("sorted(os.listdir('/proc/self/fd'))")
        for _ in range(3):
            assert visits.ask(process(victim), "detach", {})[0]["state"] == "free"
        assert victim.ask("sorted(os.listdir('/proc/self/fd'))") == before


def test_a_process_without_a_free_descriptor_is_refused() -> None:
    with Victim("sleep") as victim:
        fill = "import resource; resource.setrlimit(7, (len(os.listdir('/proc/self/fd')) - 1, 4096))"
        victim.ask(f"exec({fill!r})")
        with pytest.raises(RefusedError, match="no descriptor left"):
            visits.ask(process(victim), "detach", {})
        victim.ask("__import__('resource').setrlimit(7, (1024, 4096))")
        assert victim.alive()


def test_the_file_of_a_dead_visitor_is_closed_by_the_next() -> None:
    with Victim("sleep") as victim:
        before = victim.ask("sorted(os.listdir('/proc/self/fd'))")
        victim.ask("os.memfd_create('bootseq-visit-of-the-dead')")
        visits.ask(process(victim), "detach", {})
        # The main thread is still leaving the visit when this one answers.
        wait_until(lambda: victim.ask("sorted(os.listdir('/proc/self/fd'))") == before)


def _regular_file(name: str) -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _pipe(name: str) -> int:
    reading, writing = os.pipe()
    os.close(writing)
    return reading


OTHERS: dict[str, Callable[[str], int]] = {
    "a file": _regular_file,
    "a pipe": _pipe,
    "a device": lambda name: os.open("/dev/null", os.O_RDWR),
    "a folder": lambda name: os.open("/", os.O_RDONLY),
    "a socket": lambda name: socket.socket().detach(),
    "another file in memory": lambda name: os.memfd_create("another"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_replacement_of_the_file_is_not_opened(
    kind: str, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process replaces its descriptor after the links were read."""
    other = OTHERS[kind](exchange.name)
    monkeypatch.setattr(exchanges, "_links", lambda folder: {str(other): f"/memfd:{exchange.name} (deleted)"})
    with pytest.raises((RefusedError, BusyError), match="what it has created for us is"):
        exchange.connect()
    os.close(other)


def test_a_regular_file_of_the_same_name_is_refused(exchange: Exchange, tmp_path: Path) -> None:
    """In a root directory of its own a process can have a file with the same link."""
    decoy = tmp_path / f"memfd:{exchange.name} (deleted)"
    decoy.write_text("precious")
    with pytest.raises(RefusedError, match="is not a file in memory"):
        exchanges._opened(str(decoy), exchange.name)
    assert decoy.read_text() == "precious"


def test_a_sealed_file_is_refused(exchange: Exchange) -> None:
    descriptor = create(exchange, os.MFD_ALLOW_SEALING)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    with pytest.raises(RefusedError, match="cannot be written"):
        exchange.connect()
    os.close(descriptor)


def test_an_answer_that_is_too_long_is_not_read(exchange: Exchange) -> None:
    descriptor = create(exchange)
    exchange.connect()
    os.pwrite(descriptor, (1 << 40).to_bytes(8, "little"), 8)
    os.truncate(descriptor, 1 << 40)
    with pytest.raises(RefusedError, match="too long"):
        exchange.answer()
    exchange.close()
    os.close(descriptor)


def test_an_answer_that_shrinks_is_cut(exchange: Exchange) -> None:
    descriptor = create(exchange)
    exchange.connect()
    os.pwrite(descriptor, (1000).to_bytes(8, "little"), 8)
    os.truncate(descriptor, 70)
    assert exchange.answer() == bytes(6)
    exchange.close()
    os.close(descriptor)


CLAIM = """
import os, sys
os.lockf(int(sys.argv[1]), os.F_LOCK, 1)
print(1, flush=True)
sys.stdin.read()
"""


def test_a_claimed_request_cannot_be_withdrawn(exchange: Exchange) -> None:
    descriptor = create(exchange, 0)
    exchange.connect()
    command = [sys.executable, "-c", CLAIM, str(descriptor)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, pass_fds=[descriptor]) as claimer:
        assert claimer.stdout is not None
        claimer.stdout.readline()
        assert not exchange.withdraw()
    assert exchange.withdraw()
    assert os.pread(descriptor, 2, 0) == b"#x"
    exchange.close()
    os.close(descriptor)


#: Blocks with the GIL held until it is written to: no code can be run there before.
_READ = "import ctypes, os; print(1, flush=True); ctypes.PyDLL(None).read(0, ctypes.create_string_buffer(1), 1)"


@contextmanager
def reading(then: str) -> Iterator[tuple[subprocess.Popen[bytes], processes.Process]]:
    """Yield a process that cannot be visited before something is written to it."""
    with subprocess.Popen([sys.executable, "-c", f"{_READ}; {then}"], stdin=-1, stdout=-1) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        read = processes.read(victim.pid)
        assert read is not None
        yield victim, read
        victim.kill()


def visited(pid: int) -> bool:
    """Return whether the process has the file of a visit."""
    links = [exchanges._read_link(str(entry)) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return any("memfd:bootseq-visit" in link for link in links)


def test_the_end_of_a_visited_process_is_noticed() -> None:
    """At once, and not at the timeout."""
    with reading("pass") as (victim, process_), ThreadPoolExecutor(1) as pool:
        visit = pool.submit(visits.ask, process_, "detach", {}, 60)
        wait_until(lambda: visited(process_.pid))
        victim.kill()
        with pytest.raises(RefusedError, match="has ended"):
            visit.result(10)


def test_a_process_that_execs_another_program_is_gone() -> None:
    with reading("os.execv('/bin/sleep', ['sleep', '60'])") as (victim, process_):
        python = interpreter.find(process_.pid)
        assert not python.is_gone()
        assert victim.stdin is not None
        victim.stdin.write(b"\n")
        victim.stdin.flush()
        wait_until(python.is_gone)
        python.close()


def test_an_abandoned_request_is_not_run() -> None:
    with reading("input()") as (victim, process_):
        with pytest.raises(BusyError, match="does not return"):
            visits.ask(process_, "attach", {}, patience=0.3)
        assert visited(process_.pid)
        assert victim.stdin is not None
        victim.stdin.write(b"\n")
        victim.stdin.flush()
        wait_until(lambda: not visited(process_.pid))


SEIZE = """
import ctypes, signal, sys
assert ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), None, None) == 0
print("seized", flush=True)
signal.pause()
"""


def test_a_process_that_a_debugger_traces_is_reported_with_its_pid() -> None:
    with Victim("sleep") as victim:
        command = [sys.executable, "-c", SEIZE, str(victim.pid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as debugger:
            assert debugger.stdout is not None
            assert debugger.stdout.readline() == "seized\n"
            with pytest.raises(BusyError, match=f"^process {debugger.pid} traces it$"):
                visits.ask(process(victim), "detach", {})
            debugger.kill()
        assert visits.ask(process(victim), "detach", {})[0]["state"] == "free"
