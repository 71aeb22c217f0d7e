"""Callbacks in forked children: called once per fork, and no more after everything is restored."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from patches import after_fork, patching


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    patching.restore_all()


def output_of_a_child(read: int) -> bytes:
    """Fork, and return the bytes that the child wrote to the pipe."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    os.set_blocking(read, False)
    try:
        return os.read(read, 100)
    except BlockingIOError:
        return b""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # 3.12 warns of forks beside threads
def test_the_callback_runs_in_children_until_everything_is_restored() -> None:
    read, write = os.pipe()
    try:
        after_fork.in_child(lambda: os.write(write, b"child"))
        assert output_of_a_child(read) == b"child"
        patching.restore_all()
        assert output_of_a_child(read) == b""
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_failing_callback_does_not_break_logging_in_the_child(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError("ours")

    after_fork.in_child(fail)
    child = os.fork()
    if child == 0:
        logging.getLogger("child").warning("still logs")
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert "RuntimeError" in capfd.readouterr().err


def test_restoring_removes_the_callback_from_logging() -> None:
    children = logging._at_fork_reinit_lock_weakset  # type: ignore[attr-defined]
    before = set(children)
    after_fork.in_child(int)
    assert len(set(children) - before) == 1
    patching.restore_all()
    assert set(children) == before
