"""A capture: the folder that recording fills, and the file in it that tells the hooks what to do."""

from __future__ import annotations

import json
from pathlib import Path

from tracer.errors import TracerError
from tracer.files import written
from tracer.points import Point

FORMAT_VERSION = 1
OPTIONS = "capture.json"

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
