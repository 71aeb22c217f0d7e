"""What the tool asks of a process that it has entered: put the hooks in, tell of them, take them out with proof."""

from __future__ import annotations

import sys
from typing import Any

from . import ask_points, hooks, lease, patching, snapshot
from . import recorder as patches_recorder

#: Set by the package, which knows how.
install: Any = None
uninstall: Any = None

#: The capture that this process records into, and what the process was like before.
capture = ""
_before: dict[str, dict[Any, Any]] = {}


def attach(request: dict[str, Any]) -> dict[str, Any]:
    """Put the hooks in, to record into ``request["capture"]`` while ``request["lease"]`` holds."""
    global capture, _before
    if not lease.left(request["lease"]):
        return {"state": "refused", "reason": "the lease has run out before the hooks were in"}
    if not installed_here():
        _before = snapshot.state()
        _before["module"] = dict.fromkeys(request["modules"], 0)  # as it was before our own import anything
        capture = request["capture"]
        install(capture, request["options"])
        patching.replace_second_names()
    ask_points.sync(request["options"].get("asks") or [])
    lease.hold(request["lease"], expire)
    return report(request)


def report(request: dict[str, Any]) -> dict[str, Any]:
    """What is in, and how it goes."""
    recorder = patches_recorder.recorder
    return {
        "state": "attached" if recorder is not None else "expired",
        "capture": capture,
        "hooks": [name for name, each in hooks.hooks.items() if each.enabled],
        "off": ["%s: %s" % (name, each.last_error) for name, each in hooks.hooks.items() if not each.enabled],
        "attributes": [(text, identity) for _, _, text, identity in snapshot.identities()],
        "dropped": getattr(recorder, "dropped", 0),
        "failures": getattr(recorder, "failures", 0),
    }


def detach(request: dict[str, Any]) -> dict[str, Any]:
    """Take the hooks out, and say of each attribute what it was before and what it is now."""
    replaced = snapshot.identities()
    kept = leave()
    attributes = [(text, before, snapshot.now(owner, name)) for owner, name, text, before in replaced]
    left = ["module " + name for name in list(sys.modules) if name.partition(".")[0] == "_bootseq"]
    left.extend("finder" for each in sys.meta_path if type(each).__module__.startswith("_bootseq"))
    return {
        "state": "detached",
        "attributes": attributes,
        "kept": kept,
        "left": left,
        "changes": snapshot.changes(_before, snapshot.state()) if _before else [],
    }


def ask_add(request: dict[str, Any]) -> dict[str, Any]:
    """Ask at one more place."""
    if not installed_here():
        return {"state": "expired"}
    point = ask_points.add(request["point"])
    return {"state": "asked", "outcome": point.state, "near": point.near}


def ask_remove(request: dict[str, Any]) -> dict[str, Any]:
    """Ask no more under these keys."""
    return {"state": "asked", "removed": [key for key in request["keys"] if ask_points.remove(key)]}


def ask_list(request: dict[str, Any]) -> dict[str, Any]:
    """What is asked."""
    return {"state": "asked", "points": [list(each.values()) for each in ask_points.listed()]}


def leave() -> list[str]:
    """Take everything out, this package too; what others have wrapped stays, and with it the package that it needs."""
    lease.let_go()
    kept: list[str] = uninstall()
    if not kept:
        drop()
    return kept


def expire() -> None:
    """Take everything out since the lease is over: not even the end of a call in flight is recorded any more."""
    recorder = patches_recorder.recorder
    leave()
    if recorder is not None:
        recorder.abandon()


def drop() -> None:
    """Take the package out of ``sys.modules``."""
    package = __name__.rpartition(".")[0]
    for name in list(sys.modules):
        if name == package or name.startswith(package + "."):
            del sys.modules[name]


def installed_here() -> bool:
    """Whether anything records in this process."""
    return patches_recorder.recorder is not None
