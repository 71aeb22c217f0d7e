"""Snapshots of a process where hooks could leave traces: taken before they come, compared after they went."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterator

from . import faults, patching

_OURS = "_bootseq"
#: The memory file of the visit under way (tracer.attach.injection.exchange).
_VISIT = "/memfd:bootseq-visit-"
#: Descriptors looked at where there is no /proc to list them.
_MAX_NUMBER = 1 << 12
_HOOKS = ("excepthook", "displayhook", "unraisablehook")


def state() -> dict[str, dict[Any, Any]]:
    """Return a snapshot: by kind, each thing under a key of its own; it keeps nothing alive."""
    return {
        "module": {name: 0 for name in list(sys.modules) if not name.startswith(_OURS)},
        "path": dict(enumerate(sys.path)),
        "finder": {number: _named(finder) for number, finder in enumerate(sys.meta_path)},
        "path hook": {number: _named(hook) for number, hook in enumerate(sys.path_hooks)},
        "thread": dict.fromkeys(sys._current_frames(), 0),
        "log handler": dict(_handlers()),
        "signal handler": dict(_signals()),
        "exit handler": _exits(),
        "interpreter": {name: _named(getattr(sys, name, None)) for name in _HOOKS},
        "tracer": {"trace": _named(sys.gettrace()), "profile": _named(sys.getprofile())},
        "file": dict(_files()),
        "library": dict.fromkeys(_libraries(), 0),
    }


def changes(before: dict[str, dict[Any, Any]], after: dict[str, dict[Any, Any]]) -> list[str]:
    """Return the differences, a line each: by the service itself, or by us."""
    lines: list[str] = []
    for kind, things in before.items():
        now = after[kind]
        lines.extend("new %s: %s" % (kind, _shown(key, now[key])) for key in now if key not in things)
        lines.extend("%s gone: %s" % (kind, _shown(key, things[key])) for key in things if key not in now)
        changed = [key for key in things if now.get(key, things[key]) != things[key]]
        lines.extend("other %s: %s" % (kind, _shown(key, now[key])) for key in changed)
    return lines


def identities() -> list[tuple[Any, str, str, int]]:
    """Return owner, name, full name and the identity before of every replaced attribute."""
    entries: dict[tuple[int, str], tuple[Any, str, str, int]] = {}
    for owner, name, own, _ in patching.replaced:
        # Two hooks may replace one attribute: the first of them replaced the original.
        entries.setdefault((id(owner), name), (owner, name, "%s.%s" % (_owner(owner), name), _identity(own)))
    return list(entries.values())


def now(owner: Any, name: str) -> int:
    """Return the identity of the owner's own attribute, 0 where it has none."""
    return _identity(vars(owner).get(name, patching.ABSENT))


def _identity(thing: Any) -> int:
    return 0 if thing is patching.ABSENT else id(thing)


def _owner(owner: Any) -> str:
    module = getattr(owner, "__module__", None)
    return "%s.%s" % (module, owner.__qualname__) if isinstance(owner, type) else str(owner.__name__)


def _named(thing: Any) -> str:
    return "%s at %x" % (type(thing).__name__, id(thing))


def _shown(key: Any, value: Any) -> str:
    return "%s %s" % (key, value) if value else str(key)


def _handlers() -> Iterator[tuple[str, str]]:
    logging = sys.modules.get("logging")
    if logging is None:
        return
    loggers = dict(logging.Logger.manager.loggerDict)
    loggers["root"] = logging.root
    for name, logger in loggers.items():
        for handler in getattr(logger, "handlers", ()):
            yield "%s %s" % (name, _named(handler)), ""


def _signals() -> Iterator[tuple[int, str]]:
    signal = sys.modules.get("_signal")
    if signal is not None:
        for number in range(1, signal.NSIG):
            handler = signal.getsignal(number) if number not in (32, 33) else None
            yield number, _named(handler) if callable(handler) else str(handler)


def _exits() -> dict[str, int]:
    atexit = sys.modules.get("atexit")
    return {"count": atexit._ncallbacks()} if atexit is not None else {}


def _files() -> Iterator[tuple[str, str]]:
    try:
        numbers = os.listdir("/proc/self/fd")
    except OSError as error:  # a root directory without /proc, as a chroot may have
        faults.pass_on(error)
        yield from _files_without_proc()
        return
    for number in numbers:
        try:
            file = os.readlink("/proc/self/fd/" + number)
        except OSError as error:  # the descriptor that listed them
            faults.pass_on(error)
            continue
        if not file.startswith(_VISIT):
            yield number, file


def _files_without_proc() -> Iterator[tuple[str, str]]:
    for number in range(_MAX_NUMBER):
        try:
            status = os.fstat(number)
        except OSError as error:
            faults.pass_on(error)
            continue
        if status.st_nlink:  # the visit's memory file has no name
            yield str(number), "file %d of device %d" % (status.st_ino, status.st_dev)


def _libraries() -> set[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            lines = [line.split(None, 5) for line in file if "/" in line]
    except OSError as error:
        faults.pass_on(error)
        return set()
    paths = {parts[5].strip() for parts in lines if len(parts) > 5}
    return {path for path in paths if path.startswith("/") and ".so" in path}
