"""Hooks in this very process for as long as a test needs them, and what they recorded, read back by the tool."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import patches
from patches import hooks as patches_hooks
from patches import patching
from patches import recorder as patches_recorder
from tracer.events import Event
from tracer.sources.hooks import segments


class Recorded:
    """What a capture holds so far."""

    def __init__(self, capture: Path) -> None:
        self.capture = capture

    def events(self, kind: str | None = None) -> list[Event]:
        """The events of one kind, or all, in the order of their beginnings."""
        if not segments.recorded(self.capture):
            return []
        found = segments.read(self.capture)
        assert found.warnings == [], found.warnings
        events = sorted(found.events, key=lambda event: event.number)
        return [event for event in events if kind in (None, event.kind)]

    def single(self, kind: str) -> Event:
        """The only event of a kind."""
        (event,) = self.events(kind)
        return event


@contextmanager
def recording(capture: Path, *hooks: str, **options: Any) -> Iterator[Recorded]:
    """Install the named hooks; on the way out everything must be the very object again that it was."""
    capture.mkdir(exist_ok=True)
    patches.install(str(capture), {"segment_size": 1 << 20, "cap": 1 << 26, "hooks": list(hooks), "ask": []} | options)
    try:
        yield Recorded(capture)
        failed = {name: each.last_error for name, each in patches_hooks.hooks.items() if each.failures}
        before = [(owner, name, own) for owner, name, own, _ in patching.replaced]
    finally:
        kept = patches.uninstall()
    assert kept == []
    assert failed == {}
    for owner, name, own in before:
        assert vars(owner).get(name, own) is own, f"{owner}.{name} was not put back"


@contextmanager
def failing() -> Iterator[None]:
    """Whatever a hook wants to record fails; for faults injected into hooks, so their counters start anew after it."""
    recorder = patches_recorder.recorder
    assert recorder is not None
    patches_recorder.recorder = Broken()  # type: ignore[assignment]
    try:
        yield
    finally:
        patches_recorder.recorder = recorder
        for each in patches_hooks.hooks.values():
            each.reset()


class Broken:
    """A recorder that cannot write."""

    def write(self, _payload: object) -> None:
        raise RuntimeError("injected")

    def failed(self) -> None:
        """Counting a failure of a hook goes on."""


@contextmanager
def inside_step(name: str = "around") -> Iterator[int]:
    """A step that goes on, as one of another hook's."""
    step = patches_recorder.begin("call", name)
    before = patches_recorder.current.get()
    patches_recorder.current.set(step)
    try:
        yield step
    finally:
        patches_recorder.current.set(before)
        patches_recorder.finish(step)


@contextmanager
def standing_in(name: str, **contents: Any) -> Iterator[ModuleType]:
    """A module of that dotted name, for a library that is not installed beside the tool."""
    module = ModuleType(name)
    for key, value in contents.items():
        if isinstance(value, type) or callable(value):
            value.__module__ = name
        setattr(module, key, value)
    assert name not in sys.modules
    sys.modules[name] = module
    try:
        yield module
    finally:
        del sys.modules[name]
