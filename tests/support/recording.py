"""Hooks in this process for as long as a test needs them, and their records, read back by the tool."""

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
    """The present contents of a capture."""

    def __init__(self, capture: Path) -> None:
        self.capture = capture

    def events(self, kind: str | None = None) -> list[Event]:
        """Return the events of a kind, or all, in the order of their start."""
        if not segments.recorded(self.capture):
            return []
        recording = segments.read(self.capture)
        assert recording.warnings == [], recording.warnings
        events = sorted(recording.events, key=lambda event: event.number)
        return [event for event in events if kind in (None, event.kind)]

    def single(self, kind: str) -> Event:
        """Return the only event of a kind."""
        (event,) = self.events(kind)
        return event


@contextmanager
def recording(capture: Path, *hooks: str, **options: Any) -> Iterator[Recorded]:
    """Install the named hooks; at the end every patched attribute must be the original object again."""
    capture.mkdir(exist_ok=True)
    patches.install(str(capture), {"segment_size": 1 << 20, "cap": 1 << 26, "hooks": list(hooks), "ask": []} | options)
    try:
        yield Recorded(capture)
        failed = {name: hook.last_error for name, hook in patches_hooks.hooks.items() if hook.failures}
        before = [(owner, name, own) for owner, name, own, _ in patching.replaced]
    finally:
        remaining = patches.uninstall()
    assert remaining == []
    assert failed == {}
    for owner, name, own in before:
        assert vars(owner).get(name, own) is own, f"{owner}.{name} was not restored"


@contextmanager
def failing() -> Iterator[None]:
    """Let every record of the hooks fail; the hooks' failure counters are reset afterwards."""
    recorder = patches_recorder.recorder
    assert recorder is not None
    patches_recorder.recorder = Broken()  # type: ignore[assignment]
    try:
        yield
    finally:
        patches_recorder.recorder = recorder
        for hook in patches_hooks.hooks.values():
            hook.reset()


class Broken:
    """A recorder that cannot write."""

    def write(self, _payload: object) -> None:
        raise RuntimeError("injected")

    def failed(self) -> None:
        """Accept that a hook counts a failure."""


@contextmanager
def inside_step(name: str = "around") -> Iterator[int]:
    """Open a step around the block, as another hook would."""
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
    """Put a module of that dotted name in place of a library that is not installed beside the tool."""
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
