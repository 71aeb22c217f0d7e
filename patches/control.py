"""Requests of the tool to a process that it has entered: attach, report, detach with proof, ask points."""

from __future__ import annotations

import sys
from typing import Any

from . import ask_points, hooks, lease, patching, snapshot
from . import recorder as patches_recorder

#: Set by the package.
install: Any = None
uninstall: Any = None

#: The capture that this process records into, and the snapshot from before.
capture = ""
_before: dict[str, dict[Any, Any]] = {}


def attach(request: dict[str, Any]) -> dict[str, Any]:
    """Install the hooks, to record into ``request["capture"]`` while ``request["lease"]`` holds."""
    global capture, _before
    if not lease.left(request["lease"]):
        return {"state": "refused", "reason": "the lease ended before the hooks were in"}
    if not installed_here():
        _before = snapshot.state()
        _before["module"] = dict.fromkeys(request["modules"], 0)  # the list from before our own imports
        capture = request["capture"]
        install(capture, request["options"])
        patching.replace_second_names()
    ask_points.sync(request["options"].get("asks") or [])
    lease.hold(request["lease"], expire)
    return report(request)


def report(request: dict[str, Any]) -> dict[str, Any]:
    """Return the hooks in place, and their counts."""
    recorder = patches_recorder.recorder
    return {
        "state": "attached" if recorder is not None else "expired",
        "capture": capture,
        "hooks": [name for name, hook in hooks.hooks.items() if hook.enabled],
        "off": ["%s: %s" % (name, hook.last_error) for name, hook in hooks.hooks.items() if not hook.enabled],
        "attributes": [(text, identity) for _, _, text, identity in snapshot.identities()],
        "dropped": getattr(recorder, "dropped", 0),
        "failures": getattr(recorder, "failures", 0),
    }


def detach(request: dict[str, Any]) -> dict[str, Any]:
    """Remove the hooks; return every attribute's identity before and now."""
    replaced = snapshot.identities()
    stayed = leave()
    attributes = [(text, before, snapshot.now(owner, name)) for owner, name, text, before in replaced]
    left = ["module " + name for name in list(sys.modules) if name.partition(".")[0] == "_bootseq"]
    left.extend("finder" for finder in sys.meta_path if type(finder).__module__.startswith("_bootseq"))
    return {
        "state": "detached",
        "attributes": attributes,
        "kept": stayed,
        "left": left,
        "changes": snapshot.changes(_before, snapshot.state()) if _before else [],
    }


def ask_add(request: dict[str, Any]) -> dict[str, Any]:
    """Add an ask point."""
    if not installed_here():
        return {"state": "expired"}
    point = ask_points.add(request["point"])
    return {"state": "asked", "outcome": point.state, "near": point.near}


def ask_remove(request: dict[str, Any]) -> dict[str, Any]:
    """Remove the ask points with these keys."""
    return {"state": "asked", "removed": [key for key in request["keys"] if ask_points.remove(key)]}


def ask_list(request: dict[str, Any]) -> dict[str, Any]:
    """Return all ask points."""
    return {"state": "asked", "points": [list(point.values()) for point in ask_points.listed()]}


def leave() -> list[str]:
    """Remove everything, this package too; return the names that others have wrapped, which need the package."""
    lease.let_go()
    stayed: list[str] = uninstall()
    if not stayed:
        drop()
    return stayed


def expire() -> None:
    """Remove everything since the lease is over; not even the ends of calls in flight are recorded any more."""
    recorder = patches_recorder.recorder
    leave()
    if recorder is not None:
        recorder.abandon()


def drop() -> None:
    """Remove the package from ``sys.modules``."""
    package = __name__.rpartition(".")[0]
    for name in list(sys.modules):
        if name == package or name.startswith(package + "."):
            del sys.modules[name]


def installed_here() -> bool:
    """Return whether anything records in this process."""
    return patches_recorder.recorder is not None
