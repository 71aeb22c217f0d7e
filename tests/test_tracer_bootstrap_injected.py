"""What is run in foreign processes: it answers once, while it is wanted, and keeps and swallows nothing of theirs."""

from __future__ import annotations

import builtins
import importlib.util
import marshal
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.victims import Victim
from tracer.attach.injection import answers, inject, interpreter, payload
from tracer.attach.injection.exchange import ROOM, Exchange
from tracer.sources.hooks import marshal_reader

INJECTED = Path(payload.__file__).parents[2] / "bootstrap" / "injected.py"


@pytest.fixture
def injected() -> ModuleType:
    """The module, which nothing imports by a name."""
    spec = importlib.util.spec_from_file_location("injected", INJECTED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Visitor:
    """What a visitor has to do with a process: the file in memory, by a descriptor of its own in each."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("bootseq-test")
        self.inner = os.open(f"/proc/self/fd/{self.descriptor}", os.O_RDWR)
        os.pwrite(self.descriptor, b"#w".ljust(63) + b"\n", 0)

    @property
    def numbers(self) -> tuple[int, list[tuple[int, int]]]:
        about = os.fstat(self.descriptor)
        return about.st_dev, [(self.inner, about.st_ino)]

    def text(self) -> bytes:
        return os.pread(self.descriptor, 1 << 20, 0)

    def is_closed(self) -> bool:
        """In the process that is visited."""
        try:
            os.fstat(self.inner)
        except OSError:
            return True
        return False

    def answer(self) -> dict[Any, Any]:
        text = self.text()
        assert text[:2] == b"#a"
        pairs = marshal_reader.loads(text[64 : 64 + int.from_bytes(text[8:16], "little")])
        assert isinstance(pairs, tuple)
        found = dict(zip(pairs[::2], pairs[1::2], strict=True))
        found.pop("seconds", None)
        return found


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """One whose request is wanted."""
    made = Visitor()
    yield made
    os.close(made.descriptor)
    if not made.is_closed():
        os.close(made.inner)


@pytest.fixture(autouse=True)
def no_hooks_are_left() -> Iterator[None]:
    yield
    assert not [name for name in sys.modules if name.startswith("_bootseq")]


def asked(what: str = "report", until: float | None = None, **request: Any) -> bytes:
    until = time.time() + 60 if until is None else until
    return marshal.dumps({"what": what, "until": until, "request": request, "version": "1"}, 2)


def test_a_process_without_hooks_says_that_it_is_free(injected: Any, visitor: Visitor) -> None:
    assert injected.main(asked(), b"", visitor.numbers) is None
    assert visitor.answer() == {"state": "free"}
    assert visitor.is_closed()


@pytest.mark.parametrize("until", [1.0, None])
def test_what_is_no_longer_wanted_is_not_done(injected: Any, visitor: Visitor, until: float | None) -> None:
    """Neither after its time, nor once it was withdrawn; the descriptor is closed all the same."""
    if until is None:
        os.pwrite(visitor.descriptor, b"x", 1)
    before = visitor.text()
    injected.main(asked("attach", until), b"", visitor.numbers)
    assert visitor.text() == before
    assert visitor.is_closed()


def test_a_descriptor_that_has_become_the_services_is_left_alone(injected: Any, visitor: Visitor) -> None:
    device, [(inner, number)] = visitor.numbers
    with open("/dev/null") as other:
        os.dup2(other.fileno(), inner)
        injected.main(asked("attach"), b"", (device, [(inner, number)]))
        assert os.path.samestat(os.fstat(inner), os.fstat(other.fileno()))


def test_what_earlier_visits_have_left_is_closed(injected: Any, visitor: Visitor) -> None:
    abandoned = Visitor()
    device, files = visitor.numbers
    injected.main(asked(), b"", (device, [*files, *abandoned.numbers[1]]))
    assert (visitor.is_closed(), abandoned.is_closed()) == (True, True)
    os.close(abandoned.descriptor)


def test_a_failure_of_ours_is_told_and_leaves_nothing(injected: Any, visitor: Visitor) -> None:
    hooks = {"order": ["", "good", "bad"], "codes": b"", "magic": b"", "sources": {"": "", "good": "", "bad": "1/0"}}
    assert injected.main(asked("attach"), marshal.dumps(hooks, 2), visitor.numbers) is None
    found = visitor.answer()
    assert found["state"] == "failed"
    assert "ZeroDivisionError" in found["reason"]
    assert "_bootseq.bad" in found["reason"]


def test_code_for_another_python_is_not_loaded(injected: Any, visitor: Visitor) -> None:
    hooks = {"order": [""], "codes": b"x", "magic": b"\0\0\0\0", "sources": {}}
    injected.main(asked("attach"), marshal.dumps(hooks, 2), visitor.numbers)
    assert visitor.answer()["state"] == "incompatible"


def test_no_name_is_left_in_the_main_module(visitor: Visitor) -> None:
    """And none of builtins': the text is an expression."""
    main, before = sys.modules["__main__"], set(vars(builtins))
    names = set(vars(main))
    text = payload.text("report", {}, time.time() + 60).replace(ROOM, b"%d, %a" % visitor.numbers)
    exec(compile(text, "<text>", "single"), vars(main))
    assert set(vars(main)) == names
    assert set(vars(builtins)) - before <= {"_"}
    assert visitor.answer() == {"state": "free"}


def test_what_a_signal_handler_of_the_services_raises_reaches_the_service() -> None:
    """SystemExit out of a handler, as web servers do it: we are interrupted, and the service ends as it wanted to."""
    names = f"(exec(open({str(INJECTED)!r}).read(), names), names.__setitem__('visit', lambda *_: "
    kill = "__import__('os').kill(__import__('os').getpid(), 12) or {'state': 'free'}"
    room = ROOM.decode()
    text = f"(lambda names: {names}{kill}), names['main']({asked()!r}, b'', ({room})))[2])({{'__name__': 'x'}})"
    with Victim("signal") as victim:
        python, exchange = interpreter.find(victim.pid), Exchange(victim.pid)
        try:
            inject.run(python, text.encode(), exchange.answered, 10, exchange)
            assert answers.read("detach", exchange.answer())["state"] in ("free", "failed")
        finally:
            exchange.close()
            python.close()
        assert victim.process.wait(10) == 23
