"""Captures of controllers on a host: private folders beside the runtime folder, named by the controller's token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tracer.attach import registry, runtime_folder
from tracer.attach import spool as spools
from tracer.attach.spool_location import PARTS, Spool
from tracer.files import folder as folders
from tracer.recording import capture as captures

_TOKEN = re.compile(r"[0-9a-f]{16}")
#: The part of a host's recording that its agent's own user recorded.
OWN = "own"


def path(token: str) -> Path:
    """Return the folder of a controller's capture; ValueError for an invalid token."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("invalid token of a capture")
    return Path(f"{runtime_folder.path()}-{token}")


def make(token: str, options: dict[str, Any]) -> Path:
    """Create a capture, or continue it."""
    folder = path(token)
    captures.make(
        folder, points=options["points"], ask=options["ask"], echo=bool(options["echo"]), cap=int(options["cap"])
    )
    return folder


def remove(token: str) -> None:
    """Remove a capture, with what was recorded."""
    folders.remove(path(token))


def parts(token: str) -> Iterator[tuple[str, Spool]]:
    """Yield the parts of a capture by name: its own folder, what was copied into it, and the spools of processes."""
    folder = path(token)
    yield OWN, Spool(folder, str(folder))
    with suppress(FileNotFoundError), folders.opened(folder / PARTS) as above:
        for name in above.names(spools.MAX_FILES):
            inner = folder / PARTS / name
            yield name, Spool(inner, str(inner))
    entries = registry.of(folder).entries
    yield from {entry.label: entry.spool for entry in entries if entry.spool.owner is not None}.items()
