"""What a process looks like where hooks could leave something: taken before they come, compared when they went."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterator

from . import faults, patching

_OURS = "_bootseq"
#: The file in memory through which the tool asks just now (tracer.attach.injection.exchange).
_VISIT = "/memfd:bootseq-visit-"
_HOOKS = ("excepthook", "displayhook", "unraisablehook")


def state() -> dict[str, dict[Any, Any]]:
    """What is there now, by kind, each thing under a key of its own; nothing in it keeps a thing alive."""
    return {
        "module": {name: 0 for name in list(sys.modules) if not name.startswith(_OURS)},
        "path": dict(enumerate(sys.path)),
        "finder": {number: _named(each) for number, each in enumerate(sys.meta_path)},
        "path hook": {number: _named(each) for number, each in enumerate(sys.path_hooks)},
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
    """What differs, a line each: of the service's own doing, or ours."""
    found: list[str] = []
    for kind, things in before.items():
        now = after[kind]
        found.extend("new %s: %s" % (kind, _told(key, now[key])) for key in now if key not in things)
        found.extend("%s gone: %s" % (kind, _told(key, things[key])) for key in things if key not in now)
        changed = [key for key in things if now.get(key, things[key]) != things[key]]
        found.extend("other %s: %s" % (kind, _told(key, now[key])) for key in changed)
    return found


def identities() -> list[tuple[Any, str, str, int]]:
    """Of each attribute that is replaced: owner, name, what to call it, and the identity of what stood there before."""
    found: dict[tuple[int, str], tuple[Any, str, str, int]] = {}
    for owner, name, own, _ in patching.replaced:
        # Two hooks may stand in one place: what was there before is what the first of them found.
        found.setdefault((id(owner), name), (owner, name, "%s.%s" % (_owner(owner), name), _identity(own)))
    return list(found.values())


def now(owner: Any, name: str) -> int:
    """The identity of what the owner itself holds under the name, 0 where that is nothing."""
    return _identity(vars(owner).get(name, patching.ABSENT))


def _identity(thing: Any) -> int:
    return 0 if thing is patching.ABSENT else id(thing)


def _owner(owner: Any) -> str:
    module = getattr(owner, "__module__", None)
    return "%s.%s" % (module, owner.__qualname__) if isinstance(owner, type) else str(owner.__name__)


def _named(thing: Any) -> str:
    return "%s at %x" % (type(thing).__name__, id(thing))


def _told(key: Any, value: Any) -> str:
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
    for number in os.listdir("/proc/self/fd"):
        try:
            file = os.readlink("/proc/self/fd/" + number)
        except OSError as error:  # the one that listed them
            faults.pass_on(error)
            continue
        if not file.startswith(_VISIT):
            yield number, file


def _libraries() -> set[str]:
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        paths = {line.split(None, 5)[5].strip() for line in file if line.count("/") and len(line.split(None, 5)) > 5}
    return {path for path in paths if path.startswith("/") and ".so" in path}
