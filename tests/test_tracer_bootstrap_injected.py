"""The code that runs in foreign processes: it answers a pending request once, and leaves no trace in the process."""

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
    """Return the module, which is never imported by name."""
    spec = importlib.util.spec_from_file_location("injected", INJECTED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Visitor:
    """A visitor with a memory file, open under separate descriptors in visitor and process."""

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
        """Return whether the visited process has closed its descriptor."""
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
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        fields.pop("seconds", None)
        return fields


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """Yield a visitor whose request is pending."""
    visitor_ = Visitor()
    yield visitor_
    os.close(visitor_.descriptor)
    if not visitor_.is_closed():
        os.close(visitor_.inner)


@pytest.fixture(autouse=True)
def no_hooks_are_left() -> Iterator[None]:
    yield
    assert not [name for name in sys.modules if name.startswith("_bootseq")]


def request_text(what: str = "report", until: float | None = None, **request: Any) -> bytes:
    until = time.time() + 60 if until is None else until
    return marshal.dumps({"what": what, "until": until, "request": request, "version": "1"}, 2)


def test_a_process_without_hooks_answers_that_it_is_free(injected: Any, visitor: Visitor) -> None:
    assert injected.main(request_text(), b"", visitor.numbers) is None
    assert visitor.answer() == {"state": "free"}
    assert visitor.is_closed()


@pytest.mark.parametrize("until", [1.0, None])
def test_an_expired_or_withdrawn_request_is_not_run(injected: Any, visitor: Visitor, until: float | None) -> None:
    """The descriptor is closed all the same."""
    if until is None:
        os.pwrite(visitor.descriptor, b"x", 1)
    before = visitor.text()
    injected.main(request_text("attach", until), b"", visitor.numbers)
    assert visitor.text() == before
    assert visitor.is_closed()


def test_a_descriptor_number_that_the_service_has_reused_is_not_closed(injected: Any, visitor: Visitor) -> None:
    device, [(inner, number)] = visitor.numbers
    with open("/dev/null") as other:
        os.dup2(other.fileno(), inner)
        injected.main(request_text("attach"), b"", (device, [(inner, number)]))
        assert os.path.samestat(os.fstat(inner), os.fstat(other.fileno()))


def test_files_of_earlier_visits_are_closed(injected: Any, visitor: Visitor) -> None:
    abandoned = Visitor()
    device, files = visitor.numbers
    injected.main(request_text(), b"", (device, [*files, *abandoned.numbers[1]]))
    assert (visitor.is_closed(), abandoned.is_closed()) == (True, True)
    os.close(abandoned.descriptor)


def test_a_failure_is_reported_and_leaves_no_modules(injected: Any, visitor: Visitor) -> None:
    hooks = {"order": ["", "good", "bad"], "codes": b"", "magic": b"", "sources": {"": "", "good": "", "bad": "1/0"}}
    assert injected.main(request_text("attach"), marshal.dumps(hooks, 2), visitor.numbers) is None
    answer = visitor.answer()
    assert answer["state"] == "failed"
    assert "ZeroDivisionError" in answer["reason"]
    assert "_bootseq.bad" in answer["reason"]


def test_code_for_another_python_is_not_loaded(injected: Any, visitor: Visitor) -> None:
    hooks = {"order": [""], "codes": b"x", "magic": b"\0\0\0\0", "sources": {}}
    injected.main(request_text("attach"), marshal.dumps(hooks, 2), visitor.numbers)
    assert visitor.answer()["state"] == "incompatible"


def test_the_text_leaves_no_name_in_the_main_module(visitor: Visitor) -> None:
    """Nor in builtins: the text is an expression."""
    main, before = sys.modules["__main__"], set(vars(builtins))
    names = set(vars(main))
    text = payload.text("report", {}, time.time() + 60).replace(ROOM, b"%d, %a" % visitor.numbers)
    exec(compile(text, "<text>", "single"), vars(main))
    assert set(vars(main)) == names
    assert set(vars(builtins)) - before <= {"_"}
    assert visitor.answer() == {"state": "free"}


def test_an_exception_of_the_services_signal_handler_reaches_the_service() -> None:
    """SystemExit from a handler, as in web servers: our code is interrupted, and the service exits."""
    names = f"(exec(open({str(INJECTED)!r}).read(), names), names.__setitem__('visit', lambda *_: "
    kill = "__import__('os').kill(__import__('os').getpid(), 12) or {'state': 'free'}"
    room = ROOM.decode()
    text = f"(lambda names: {names}{kill}), names['main']({request_text()!r}, b'', ({room})))[2])({{'__name__': 'x'}})"
    with Victim("signal") as victim:
        python, exchange = interpreter.find(victim.pid), Exchange(victim.pid)
        try:
            inject.run(python, text.encode(), exchange.answered, 10, exchange)
            assert answers.read("detach", exchange.answer())["state"] in ("free", "failed")
        finally:
            exchange.close()
            python.close()
        assert victim.process.wait(10) == 23
