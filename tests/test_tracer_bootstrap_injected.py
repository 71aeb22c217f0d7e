"""What is run in foreign processes: it answers once, while it is wanted, and never swallows what is the service's."""

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

from tests.victims import Victim
from tracer.attach import inject, interpreter, payload
from tracer.sources import unmarshal

INJECTED = Path(payload.__file__).parent.parent / "bootstrap" / "injected.py"


@pytest.fixture
def injected() -> ModuleType:
    """The module, which nothing imports by a name."""
    spec = importlib.util.spec_from_file_location("injected", INJECTED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    """A request that is wanted for a minute."""
    path = tmp_path / "ticket"
    path.touch()
    os.utime(path, (time.time() + 60,) * 2)
    return path


@pytest.fixture(autouse=True)
def no_hooks_are_left() -> Iterator[None]:
    yield
    assert not [name for name in sys.modules if name.startswith("_bootseq")]


def asked(ticket: Path, what: str = "report", **request: Any) -> bytes:
    return marshal.dumps({"what": what, "ticket": str(ticket), "request": request, "version": "1"}, 2)


def answer(ticket: Path) -> dict[Any, Any]:
    pairs = unmarshal.loads(Path(f"{ticket}.answer").read_bytes())
    assert isinstance(pairs, tuple)
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    found.pop("seconds", None)
    return found


def test_a_process_without_hooks_says_that_it_is_free(injected: Any, ticket: Path) -> None:
    assert injected.main(asked(ticket), b"") is None
    assert answer(ticket) == {"state": "free"}
    assert not ticket.exists()


def test_nobody_answers_a_second_time(injected: Any, ticket: Path) -> None:
    injected.main(asked(ticket), b"")
    Path(f"{ticket}.answer").unlink()
    injected.main(asked(ticket), b"")
    assert not Path(f"{ticket}.answer").exists()


def test_what_is_no_longer_wanted_is_not_done(injected: Any, ticket: Path) -> None:
    os.utime(ticket, (1, 1))
    injected.main(asked(ticket, "attach"), b"")
    assert not Path(f"{ticket}.answer").exists()


def test_a_failure_of_ours_is_told_and_leaves_nothing(injected: Any, ticket: Path) -> None:
    hooks = {"order": ["", "good", "bad"], "codes": b"", "magic": b"", "sources": {"": "", "good": "", "bad": "1/0"}}
    assert injected.main(asked(ticket, "attach"), marshal.dumps(hooks, 2)) is None
    found = answer(ticket)
    assert found["state"] == "failed"
    assert "ZeroDivisionError" in found["reason"]
    assert "_bootseq.bad" in found["reason"]


def test_code_for_another_python_is_not_loaded(injected: Any, ticket: Path) -> None:
    hooks = {"order": [""], "codes": b"x", "magic": b"\0\0\0\0", "sources": {}}
    injected.main(asked(ticket, "attach"), marshal.dumps(hooks, 2))
    assert "compiled for another Python" in answer(ticket)["reason"]


def test_no_name_is_left_in_the_main_module(tmp_path: Path, ticket: Path) -> None:
    """And none of builtins': the text is an expression."""
    main, before = sys.modules["__main__"], set(vars(builtins))
    names = set(vars(main))
    exec(compile(payload.text("report", str(ticket), {}), "<text>", "single"), vars(main))
    assert set(vars(main)) == names
    assert set(vars(builtins)) - before <= {"_"}
    assert answer(ticket) == {"state": "free"}


def test_what_a_signal_handler_of_the_services_raises_reaches_the_service(tmp_path: Path, ticket: Path) -> None:
    """SystemExit out of a handler, as web servers do it: we are interrupted, and the service ends as it wanted to."""
    names = f"(exec(open({str(INJECTED)!r}).read(), names), names.__setitem__('visit', lambda *_: "
    kill = "__import__('os').kill(__import__('os').getpid(), 12) or {'state': 'free'}"
    text = f"(lambda names: {names}{kill}), names['main']({asked(ticket)!r}, b''))[2])({{'__name__': 'x'}})"
    with Victim("signal") as victim:
        python = interpreter.find(victim.pid)
        try:
            inject.run(python, text.encode(), Path(f"{ticket}.answer").exists, 10)
        finally:
            python.close()
        assert victim.process.wait(10) == 23
    assert answer(ticket)["state"] in ("free", "failed")
