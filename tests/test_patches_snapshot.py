"""The proof: what is there before and after, and the identity of what was replaced."""

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
    """Something to hook."""

    def method(self) -> int:
        return 1


class Heir(Owner):
    """Inherits it."""


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    yield
    patching.restore_all()


def same(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def test_nothing_has_changed_where_nothing_was_done() -> None:
    state = snapshot.state()
    assert snapshot.changes(state, snapshot.state()) == []


def test_identities_are_those_of_what_stood_there() -> None:
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


def test_what_stays_behind_is_told(tmp_path: Path) -> None:
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
        told = "\n".join(snapshot.changes(before, snapshot.state()))
    finally:
        logging.getLogger("proof").removeHandler(handler)
        sys.modules.pop("proof_of_nothing")
        sys.meta_path.pop()
        signal.signal(signal.SIGUSR2, old)
        os.close(descriptor)
        done.set()
        thread.join()
    for line in (
        "new module: proof_of_nothing", "new log handler: proof NullHandler", "new finder:", "new path:",
        "new thread:", f"other signal handler: {int(signal.SIGUSR2)}", f"new file: {descriptor} {tmp_path}",
    ):  # fmt: skip
        assert line in told
