"""A capture: the folder that recording fills, with the file of options that the hooks read.

Services follow these options. So the capture and its files belong to its owner alone, and no other user may own or
exchange a folder on the path to it.
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
    from tracer.recording.call_points import CallPoint  # needs YAML, missing in the guard and on other hosts

FORMAT_VERSION = 1
OPTIONS = "capture.json"
ASKS = "asks.json"
_POINT = ("key", "where", "when", "expressions", "unsafe", "pids", "services")
_MAX_TEXT = 16 << 20

#: Bytes of one segment, and the default for all segments of a capture together.
SEGMENT_SIZE = 2 << 20
CAP = 2 << 30


def make(path: Path, *, points: list[CallPoint], ask: list[str], echo: bool, cap: int = CAP) -> None:
    """Create a capture at ``path`` (0700: it shows what services do), or continue the caller's own.

    Its parent folder has to exist. Raises TracerError for any other existing file or folder.
    """
    options = {
        "format": FORMAT_VERSION, "segment_size": SEGMENT_SIZE, "cap": cap,
        "points": points, "ask": ask, "echo": echo,
    }  # fmt: skip
    with _ready(path) as capture:
        _write(capture, OPTIONS, options)


def _ready(path: Path) -> Folder:
    """Open a new or empty folder, or a capture, of the caller's own."""
    try:
        try:
            capture = folder.opened(path)
        except FileNotFoundError:
            capture = folder.private(path)
    except OSError as error:
        raise TracerError(f"{path}: cannot create a capture: {error.strerror}") from None
    try:
        _adopt(capture)
    except OSError as error:
        capture.close()
        raise TracerError(f"{path}: cannot create a capture: {error.strerror}") from None
    except BaseException:
        capture.close()
        raise
    return capture


def _adopt(capture: Folder) -> None:
    # In this order, since another command may be creating the same capture at this very moment.
    holds_others = any(not name.startswith(f".{OPTIONS}") for name in capture.names())
    if capture.has(OPTIONS):
        check(capture)
    elif holds_others:
        raise TracerError(f"{capture.path}: not a capture and not empty; name a folder that does not exist yet")
    elif capture.is_shared():
        raise UnsafeError("a folder that others may write to; name one that does not exist yet")
    else:
        capture.make_private()


def check(capture: Folder) -> None:
    """Raise OSError for a capture that is not the caller's own, as ``make`` creates it."""
    capture.check_private()
    capture.open(OPTIONS, own=True).close()


def own(path: Path) -> Folder:
    """Open the caller's own capture; TracerError with the reason if it is not one."""
    try:
        capture = folder.opened(path)
        try:
            check(capture)
        except BaseException:
            capture.close()
            raise
    except FileNotFoundError:
        raise TracerError(f"{path}: no such capture") from None
    except OSError as error:
        raise TracerError(f"{path}: not a capture of yours: {error.strerror}") from None
    return capture


def is_capture(path: Path) -> bool:
    """Return whether ``path`` is a capture, of any user: good enough for reading events from."""
    return (path / OPTIONS).is_file()


def options(path: Path) -> dict[str, Any]:
    """Return the options of the caller's own capture, for the hooks."""
    with own(path) as opened:
        content: dict[str, Any] = json.loads(opened.read(OPTIONS, own=True))
    return content


def points(path: Path) -> list[CallPoint]:
    """Return the call points of the caller's own capture, none where they cannot be read."""
    try:
        with own(path) as opened:
            content = json.loads(opened.read(OPTIONS, _MAX_TEXT, own=True))
        return [
            (str(module), [*map(str, names)], [*map(str, excluded)]) for module, names, excluded in content["points"]
        ]
    except (TracerError, OSError, ValueError, TypeError, KeyError, RecursionError):
        return []


def asks(path: Path) -> list[dict[str, Any]]:
    """Return the ask points of a capture, as ``ask add`` wrote them.

    They run in services: those that another user wrote raise TracerError; those written on another machine, or
    before its last start, are skipped.
    """
    try:
        with own(path) as capture:
            content = json.loads(capture.read(ASKS, _MAX_TEXT, own=True))
        points = content["points"] if content["machine"] == _machine() else []
        return [_checked({name: point[name] for name in _POINT}) for point in points]
    except FileNotFoundError:
        return []
    except UnsafeError as error:
        raise TracerError(f"{path / ASKS}: {error.strerror}; remove it, and add the ask points again") from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise TracerError(f"{path / ASKS}: invalid content; remove it, and add the ask points again") from None


def _checked(point: dict[str, Any]) -> dict[str, Any]:
    """Return the point; ValueError if a field has not the type that ``ask add`` writes."""
    expressions = point["expressions"]
    if not (
        _are(str, [point["key"], point["where"]], point["services"])
        and _are(int, point["pids"], [point["when"]] if point["when"] not in ("entry", "return") else [])
        and type(point["unsafe"]) is bool
        and _are(list, expressions)
        and all(len(item) == 3 and _are(str, item[:2], item[2]) for item in expressions)
    ):
        raise ValueError("a field has another type")
    return point


def _are(type_: type, *lists: Any) -> bool:
    return all(type(items) is list and all(type(item) is type_ for item in items) for items in lists)


def write_asks(path: Path, points: list[dict[str, Any]]) -> None:
    """Replace the ask points of a capture."""
    with own(path) as capture:
        _write(capture, ASKS, {"machine": _machine(), "points": points})


def _write(capture: Folder, name: str, content: object) -> None:
    """Write a file of the capture in one step, as other processes may be reading it at this very moment."""
    try:
        with capture.write(name) as file:
            file.write(json.dumps(content, indent=1).encode())
    except OSError as error:
        raise TracerError(f"{capture.path / name}: cannot be written: {error.strerror}") from None


def _machine() -> str:
    """Return the id of this uptime of this machine: it differs after each start, and cannot be guessed."""
    return read.contents(Path("/proc/sys/kernel/random/boot_id"), 64).decode().strip()
