"""Wrappers are transparent: warnings name the same lines, and functions have the same signature."""

from __future__ import annotations

import functools
import inspect
import pickle
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import patches
from tests.support.recording import Recorded, recording

_SERVICE = """
import warnings

def old(value, other=2, *rest, key=3, **more):
    warnings.warn("old", DeprecationWarning, stacklevel=2)
    return inner()

def inner():
    warnings.warn("inner", UserWarning, stacklevel=3)

class Service:
    def method(self, value=1): warnings.warn("method", UserWarning, stacklevel=2)
    @staticmethod
    def static(value=1): warnings.warn("static", UserWarning, stacklevel=2)
"""


@pytest.fixture
def service() -> Iterator[ModuleType]:
    """Yield a module whose functions warn their callers."""
    module = sys.modules["warning_service"] = ModuleType("warning_service")
    exec(_SERVICE, vars(module))
    yield module
    del sys.modules["warning_service"]


@pytest.fixture
def recorded(tmp_path: Path, service: ModuleType) -> Iterator[Recorded]:
    """Yield a recording in which all functions of the module are wrapped."""
    with recording(tmp_path / "cap", points=[("warning_service", ["*"], [])]) as recording_:
        yield recording_


def positions(service: Any) -> list[tuple[str, int]]:
    """Return the positions that the warnings of a few calls name."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        service.old(1)
        service.Service().method()
        service.Service.static()
    return [(warning.filename, warning.lineno) for warning in caught]


def test_a_warning_names_the_same_line_as_without_hooks(service: ModuleType, tmp_path: Path) -> None:
    """The caller's, through any number of wrappers."""
    before = positions(service)
    assert {name for name, _ in before} == {__file__}
    with recording(tmp_path / "cap", points=[("warning_service", ["*"], [])]) as recorded:
        assert positions(service) == before
        assert len(recorded.events("call")) == 4


def test_a_wrapped_function_has_its_own_signature(service: Any, tmp_path: Path) -> None:
    """By every function of inspect, and its defaults; pickled, it stays itself."""

    def shown() -> list[object]:
        function = service.old
        return [
            inspect.getfullargspec(function), inspect.signature(function), function.__defaults__,
            function.__kwdefaults__, function.__name__, function.__module__,
            inspect.getfullargspec(service.Service.method), inspect.signature(service.Service().method),
            inspect.unwrap(function).__code__,
        ]  # fmt: skip

    before = shown()
    with recording(tmp_path / "cap", points=[("warning_service", ["*"], [])]):
        assert shown() == before
        assert pickle.loads(pickle.dumps(service.old)) is service.old


def test_the_wrapped_function_is_the_first_in_the_closure(service: Any, tmp_path: Path) -> None:
    """Nova reads it from there."""
    own = service.old
    with recording(tmp_path / "cap", points=[("warning_service", ["*"], [])]):
        callables = [cell.cell_contents for cell in service.old.__closure__ if callable(cell.cell_contents)]
        assert callables[0] is own


def test_a_warning_at_import_names_the_importer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the finder that waits for the module."""
    (tmp_path / "libvirt.py").write_text("import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with recording(tmp_path / "cap", "libvirt"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        __import__("libvirt")
    sys.modules.pop("libvirt")
    assert [warning.filename for warning in caught if "old" in str(warning.message)] == [__file__]


def test_a_wrapped_decorated_function_has_the_same_signatures(tmp_path: Path) -> None:
    """getfullargspec reports the decorator's parameters, signature those of the function below."""

    def decorated(function: Any) -> Any:
        @functools.wraps(function)
        def decorator(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return decorator

    class Owner:
        @decorated
        def method(self, value: int) -> int:
            return value

    before = inspect.getfullargspec(Owner.method), inspect.signature(Owner.method)
    with recording(tmp_path / "cap"):
        patches.patching.replace(Owner, "method", decorated)
        assert (inspect.getfullargspec(Owner.method), inspect.signature(Owner.method)) == before
