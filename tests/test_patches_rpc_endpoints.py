"""Nova's RPC endpoints: methods cached by Nova's wrapper are recorded too, and no wrapper of ours stays cached."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.recording import failing, recording

dispatcher = pytest.importorskip("oslo_messaging.rpc.dispatcher")
serializer = pytest.importorskip("oslo_messaging.serializer")

POINTS: list[Any] = [("bootseq_manager", ["*"], [])]


class Wrapper:
    """The endpoint wrapper of nova.service, which caches methods."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._endpoint, name)

        def tracked(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        setattr(self, name, tracked)
        return tracked


class Manager:
    """A manager with one method."""

    def select(self, _context: Any, number: int) -> int:
        """Return the next number."""
        return number + 1


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a manager in a wrapper."""
    wrapper = type("_TrackingEndpointWrapper", (Wrapper,), {"__module__": "nova.service"})
    manager = type("Manager", (), dict(vars(Manager)) | {"__module__": "bootseq_manager"})
    module = ModuleType("bootseq_manager")
    vars(module)["Manager"] = manager
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return wrapper(manager())


def dispatch(endpoint: Any) -> Any:
    rpc_dispatcher = dispatcher.RPCDispatcher([endpoint], serializer.NoOpSerializer())
    return rpc_dispatcher._do_dispatch(endpoint, "select", {}, {"number": 1})


@pytest.mark.parametrize("called_before", [True, False])
def test_a_cached_method_is_recorded_and_restored(tmp_path: Path, endpoint: Any, called_before: bool) -> None:
    if called_before:
        assert dispatch(endpoint) == 2
    cached = dict(vars(endpoint))
    for number in range(2):
        with recording(tmp_path / str(number), "endpoints", points=POINTS) as recorded:
            assert [dispatch(endpoint), dispatch(endpoint)] == [2, 2]
            assert [event.name for event in recorded.events("call")] == ["bootseq_manager:Manager.select"] * 2
        assert vars(endpoint) == cached
    assert dispatch(endpoint) == 2


def test_the_cache_of_other_endpoints_is_unchanged(tmp_path: Path) -> None:
    endpoint = Wrapper(Manager())
    assert dispatch(endpoint) == 2
    cached = vars(endpoint)["select"]
    with recording(tmp_path, "endpoints"):
        assert dispatch(endpoint) == 2
        assert vars(endpoint)["select"] is cached


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path, endpoint: Any) -> None:
    with recording(tmp_path, "endpoints"), failing():
        assert dispatch(endpoint) == 2
