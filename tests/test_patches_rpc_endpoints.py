"""Nova's RPC endpoints: methods that its wrapper has kept are seen too, and nothing of ours is kept in turn."""

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
    """As nova.service has it."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._endpoint, name)

        def tracked(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        setattr(self, name, tracked)
        return tracked


class Manager:
    """One that selects."""

    def select(self, _context: Any, number: int) -> int:
        """Something to call."""
        return number + 1


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A manager in a wrapper."""
    wrapper = type("_TrackingEndpointWrapper", (Wrapper,), {"__module__": "nova.service"})
    manager = type("Manager", (), dict(vars(Manager)) | {"__module__": "bootseq_manager"})
    module = ModuleType("bootseq_manager")
    vars(module)["Manager"] = manager
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return wrapper(manager())


def dispatch(endpoint: Any) -> Any:
    one = dispatcher.RPCDispatcher([endpoint], serializer.NoOpSerializer())
    return one._do_dispatch(endpoint, "select", {}, {"number": 1})


@pytest.mark.parametrize("called_before", [True, False])
def test_what_the_wrapper_kept_is_seen_and_comes_back(tmp_path: Path, endpoint: Any, called_before: bool) -> None:
    if called_before:
        assert dispatch(endpoint) == 2
    kept = dict(vars(endpoint))
    for number in range(2):
        with recording(tmp_path / str(number), "endpoints", points=POINTS) as recorded:
            assert [dispatch(endpoint), dispatch(endpoint)] == [2, 2]
            assert [event.name for event in recorded.events("call")] == ["bootseq_manager:Manager.select"] * 2
        assert vars(endpoint) == kept
    assert dispatch(endpoint) == 2


def test_other_endpoints_keep_what_they_have(tmp_path: Path) -> None:
    endpoint = Wrapper(Manager())
    assert dispatch(endpoint) == 2
    kept = vars(endpoint)["select"]
    with recording(tmp_path, "endpoints"):
        assert dispatch(endpoint) == 2
        assert vars(endpoint)["select"] is kept


def test_our_own_failures_stay_ours(tmp_path: Path, endpoint: Any) -> None:
    with recording(tmp_path, "endpoints"), failing():
        assert dispatch(endpoint) == 2
