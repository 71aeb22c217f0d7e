"""The file in memory of a visit: what a process puts in its place is not read or written, and who claims it decides."""

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
    found = processes.read(victim.pid)
    assert found is not None
    return found


def made(exchange: Exchange, flags: int = os.MFD_CLOEXEC) -> int:
    """The file, as the visited process (this one) makes it."""
    return os.memfd_create(exchange.name, flags)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(os.getpid())


def test_afterwards_it_has_the_descriptors_that_it_had() -> None:
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


def test_what_a_dead_visitor_has_left_is_closed_by_the_next() -> None:
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
def test_what_is_put_in_its_place_is_not_opened(kind: str, exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a process that exchanges its descriptors after its links were read."""
    other = OTHERS[kind](exchange.name)
    monkeypatch.setattr(exchanges, "_links", lambda folder: {str(other): f"/memfd:{exchange.name} (deleted)"})
    with pytest.raises((RefusedError, BusyError), match="what it has created for us is"):
        exchange.connect()
    os.close(other)


def test_a_file_that_is_called_so_is_none(exchange: Exchange, tmp_path: Path) -> None:
    """In a root directory of his own anyone can have a file with the very same link."""
    decoy = tmp_path / f"memfd:{exchange.name} (deleted)"
    decoy.write_text("precious")
    with pytest.raises(RefusedError, match="is not a file in memory"):
        exchanges._opened(str(decoy), exchange.name)
    assert decoy.read_text() == "precious"


def test_one_that_is_sealed_is_refused(exchange: Exchange) -> None:
    descriptor = made(exchange, os.MFD_ALLOW_SEALING)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    with pytest.raises(RefusedError, match="cannot be written"):
        exchange.connect()
    os.close(descriptor)


def test_an_answer_that_is_too_long_is_not_read(exchange: Exchange) -> None:
    descriptor = made(exchange)
    exchange.connect()
    os.pwrite(descriptor, (1 << 40).to_bytes(8, "little"), 8)
    os.truncate(descriptor, 1 << 40)
    with pytest.raises(RefusedError, match="too long"):
        exchange.answer()
    exchange.close()
    os.close(descriptor)


def test_an_answer_that_shrinks_is_cut(exchange: Exchange) -> None:
    descriptor = made(exchange)
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


def test_what_is_claimed_cannot_be_withdrawn(exchange: Exchange) -> None:
    descriptor = made(exchange, 0)
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


#: Waits with the interpreter's lock held until it is written to: nothing can be run there before.
_READ = "import ctypes, os; print(1, flush=True); ctypes.PyDLL(None).read(0, ctypes.create_string_buffer(1), 1)"


@contextmanager
def reading(then: str) -> Iterator[tuple[subprocess.Popen[bytes], processes.Process]]:
    """A process that cannot be visited before something is written to it."""
    with subprocess.Popen([sys.executable, "-c", f"{_READ}; {then}"], stdin=-1, stdout=-1) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        found = processes.read(victim.pid)
        assert found is not None
        yield victim, found
        victim.kill()


def visited(pid: int) -> bool:
    """Whether it has the file of a visit."""
    links = [exchanges._read_link(str(each)) for each in Path(f"/proc/{pid}/fd").iterdir()]
    return any("memfd:bootseq-visit" in link for link in links)


def test_a_process_that_ends_meanwhile() -> None:
    """Noticed at once, and not when our patience ends."""
    with reading("pass") as (victim, found), ThreadPoolExecutor(1) as pool:
        visit = pool.submit(visits.ask, found, "detach", {}, 60)
        wait_until(lambda: visited(found.pid))
        victim.kill()
        with pytest.raises(RefusedError, match="has ended"):
            visit.result(10)


def test_a_process_that_becomes_another_program() -> None:
    with reading("os.execv('/bin/sleep', ['sleep', '60'])") as (victim, found):
        python = interpreter.find(found.pid)
        assert not python.is_gone()
        assert victim.stdin is not None
        victim.stdin.write(b"\n")
        victim.stdin.flush()
        wait_until(python.is_gone)
        python.close()


def test_what_nobody_waits_for_any_more_is_not_done() -> None:
    with reading("input()") as (victim, found):
        with pytest.raises(BusyError, match="does not return"):
            visits.ask(found, "attach", {}, patience=0.3)
        assert visited(found.pid)
        assert victim.stdin is not None
        victim.stdin.write(b"\n")
        victim.stdin.flush()
        wait_until(lambda: not visited(found.pid))
