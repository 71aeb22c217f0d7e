"""A capture: the folder that recording fills, and the file in it that tells the hooks what to do.

Services do what a capture says. So it is its owner's alone, as are the files in it, and so is the way to it: neither
the folder nor one above it may be another user's, or one that another user may exchange.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.errors import TracerError
from tracer.files import folder, read
from tracer.files.folder import Folder
from tracer.files.trust import UnsafeError

if TYPE_CHECKING:
    from tracer.recording.call_points import Point  # which needs YAML: the guard and what runs on other hosts have none

FORMAT_VERSION = 1
OPTIONS = "capture.json"
ASKS = "asks.json"
_POINT = ("key", "where", "when", "expressions", "unsafe", "pids", "services")
_MAX_TEXT = 16 << 20

#: Bytes of one segment, and of all segments of a capture together unless the user says otherwise.
SEGMENT_SIZE = 2 << 20
CAP = 2 << 30


def make(path: Path, *, points: list[Point], ask: list[str], echo: bool, cap: int = CAP) -> None:
    """Make ``path`` a capture that is ready to record into (0700: it holds what services do); one's own is continued.

    The folder that it is in has to be there.
    """
    options = {
        "format": FORMAT_VERSION, "segment_size": SEGMENT_SIZE, "cap": cap,
        "points": points, "ask": ask, "echo": echo,
    }  # fmt: skip
    with _ready(path) as capture:
        _write(capture, OPTIONS, options)


def _ready(path: Path) -> Folder:
    """A new folder, or an empty one or a capture that is one's own."""
    try:
        try:
            found = folder.opened(path)
        except FileNotFoundError:
            found = folder.private(path)
    except OSError as error:
        raise TracerError(f"{path}: cannot make a capture: {error.strerror}") from None
    try:
        _adopt(found)
    except OSError as error:
        found.close()
        raise TracerError(f"{path}: cannot make a capture: {error.strerror}") from None
    except BaseException:
        found.close()
        raise
    return found


def _adopt(found: Folder) -> None:
    # Looked at in this order, since another command may be making the same capture at this very moment.
    holds_others = any(not name.startswith(f".{OPTIONS}") for name in found.names())
    if found.has(OPTIONS):
        check(found)
    elif holds_others:
        raise TracerError(f"{found.path}: not a capture and not empty; name a folder that does not exist yet")
    elif found.is_shared():
        raise UnsafeError("a folder that others may write to; name one that does not exist yet")
    else:
        found.make_private()


def check(capture: Folder) -> None:
    """Refuse, with an OSError, a capture that is not the caller's own, as ``make`` made it."""
    capture.check_private()
    capture.open(OPTIONS, own=True).close()


def own(path: Path) -> Folder:
    """The caller's own capture, opened; a TracerError says what is wrong with it."""
    try:
        found = folder.opened(path)
        try:
            check(found)
        except BaseException:
            found.close()
            raise
    except FileNotFoundError:
        raise TracerError(f"{path}: no such capture") from None
    except OSError as error:
        raise TracerError(f"{path}: not a capture of one's own: {error.strerror}") from None
    return found


def is_capture(path: Path) -> bool:
    """Whether ``path`` is a folder as ``make`` makes them, whosever it is: fit to be read from."""
    return (path / OPTIONS).is_file()


def asks(path: Path) -> list[dict[str, Any]]:
    """The ask points that are set for what records into the capture, as ``ask add`` wrote them.

    They are run in services: what another user wrote, or what was written on another machine or before this one
    started anew, is not taken.
    """
    try:
        with own(path) as capture:
            kept = json.loads(capture.read(ASKS, _MAX_TEXT, own=True))
        points = kept["points"] if kept["machine"] == _machine() else []
        return [_checked({name: each[name] for name in _POINT}) for each in points]
    except FileNotFoundError:
        return []
    except UnsafeError as error:
        raise TracerError(f"{path / ASKS}: {error.strerror}; remove it, and add the ask points again") from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise TracerError(f"{path / ASKS}: makes no sense; remove it, and add the ask points again") from None


def _checked(point: dict[str, Any]) -> dict[str, Any]:
    """The point, each of its fields as ``ask add`` gives it."""
    expressions = point["expressions"]
    if not (
        _are(str, [point["key"], point["where"]], point["services"])
        and _are(int, point["pids"], [point["when"]] if point["when"] not in ("entry", "return") else [])
        and type(point["unsafe"]) is bool
        and _are(list, expressions)
        and all(len(each) == 3 and _are(str, each[:2], each[2]) for each in expressions)
    ):
        raise ValueError("a field of another type")
    return point


def _are(type_: type, *lists: Any) -> bool:
    return all(type(each) is list and all(type(one) is type_ for one in each) for each in lists)


def keep_asks(path: Path, points: list[dict[str, Any]]) -> None:
    """Set these from now on."""
    with own(path) as capture:
        _write(capture, ASKS, {"machine": _machine(), "points": points})


def _write(capture: Folder, name: str, content: object) -> None:
    """In one step: other processes of the same cloud may be reading it this very moment."""
    try:
        with capture.write(name) as file:
            file.write(json.dumps(content, indent=1).encode())
    except OSError as error:
        raise TracerError(f"{capture.path / name}: cannot be written: {error.strerror}") from None


def _machine() -> str:
    """Another after each start of each machine, and nobody's to know."""
    return read.contents(Path("/proc/sys/kernel/random/boot_id"), 64).decode().strip()
