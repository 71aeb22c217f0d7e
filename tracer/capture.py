"""A capture: the folder that recording fills, and the file in it that tells the hooks what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracer.errors import TracerError
from tracer.files.writing import written
from tracer.points import Point

FORMAT_VERSION = 1
OPTIONS = "capture.json"
ASKS = "asks.json"
_POINT = ("key", "where", "when", "expressions", "unsafe", "pids", "services")

#: Bytes of one segment, and of all segments of a capture together unless the user says otherwise.
SEGMENT_SIZE = 2 << 20
CAP = 2 << 30


def make(path: Path, *, points: list[Point], ask: list[str], echo: bool, cap: int = CAP) -> None:
    """Make ``path`` a capture that is ready to record into (0700: it holds what services do); an old one goes on."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Looked at in this order, since another command may be making the same capture at this very moment.
        holds_others = any(not file.name.startswith(f".{OPTIONS}") for file in path.iterdir())
        if holds_others and not (path / OPTIONS).exists():
            raise TracerError(f"{path}: not a capture and not empty; name a folder that does not exist yet")
        path.chmod(0o700)
    except OSError as error:
        raise TracerError(f"{path}: cannot make a capture: {error.strerror}") from None
    options = {
        "format": FORMAT_VERSION, "segment_size": SEGMENT_SIZE, "cap": cap,
        "points": points, "ask": ask, "echo": echo,
    }  # fmt: skip
    # In one step: other processes of the same cloud may be reading the options this very moment.
    with written(path / OPTIONS) as file:
        file.write(json.dumps(options, indent=1).encode())


def is_capture(path: Path) -> bool:
    """Whether ``path`` is a folder that ``make`` made."""
    return (path / OPTIONS).is_file()


def asks(path: Path) -> list[dict[str, Any]]:
    """The ask points that are set for what records into the capture, as ``ask add`` wrote them.

    They are run in services: what was written on another machine, or before this one started anew, is not taken.
    """
    try:
        kept = json.loads((path / ASKS).read_text())
        points = kept["points"] if kept["machine"] == _machine() else []
        return [{name: each[name] for name in _POINT} for each in points]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError):
        raise TracerError(f"{path / ASKS}: makes no sense; remove it, and add the ask points again") from None


def keep_asks(path: Path, points: list[dict[str, Any]]) -> None:
    """These are set from now on."""
    with written(path / ASKS) as file:
        file.write(json.dumps({"machine": _machine(), "points": points}, indent=1).encode())


def _machine() -> str:
    """Another after each start of each machine, and nobody's to know."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
