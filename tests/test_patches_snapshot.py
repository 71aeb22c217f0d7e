"""Snapshots: the state of a process before and after, and the identities of replaced objects."""

from __future__ import annotations

import functools
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import patching, snapshot


class Owner:
    """A class with a method to replace."""

    def method(self) -> int:
        return 1


class Heir(Owner):
    """A class that inherits the method."""


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    patching.restore_all()


def same(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def test_two_snapshots_of_an_unchanged_process_do_not_differ() -> None:
    state = snapshot.state()
    assert snapshot.changes(state, snapshot.state()) == []


def test_identities_are_those_of_the_originals() -> None:
    before = id(vars(Owner)["method"])
    patching.replace(Owner, "method", same)
    patching.replace(Heir, "method", same)
    owned, inherited = snapshot.identities()
    assert owned[2:] == (f"{__name__}.Owner.method", before)
    assert inherited[3] == 0
    assert snapshot.now(Owner, "method") != before
    patching.restore_all()
    assert snapshot.now(Owner, "method") == before
    assert snapshot.now(Heir, "method") == 0


def test_leftovers_are_reported(tmp_path: Path) -> None:
    before = snapshot.state()
    handler, done = logging.NullHandler(), threading.Event()
    thread = threading.Thread(target=done.wait)
    logging.getLogger("proof").addHandler(handler)
    sys.modules["proof_of_nothing"] = sys
    sys.meta_path.append(Owner())  # type: ignore[arg-type]
    sys.path.append("/nowhere")
    old = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    thread.start()
    try:
        changes = "\n".join(snapshot.changes(before, snapshot.state()))
    finally:
        logging.getLogger("proof").removeHandler(handler)
        sys.modules.pop("proof_of_nothing")
        sys.meta_path.pop()
        sys.path.remove("/nowhere")
        signal.signal(signal.SIGUSR2, old)
        os.close(descriptor)
        done.set()
        thread.join()
    for line in (
        "new module: proof_of_nothing", "new log handler: proof NullHandler", "new finder:", "new path:",
        "new thread:", f"other signal handler: {int(signal.SIGUSR2)}", f"new file: {descriptor} {tmp_path}",
    ):  # fmt: skip
        assert line in changes
