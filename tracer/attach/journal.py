"""What the tool remembers of the processes that it attached to, for ``detach`` and ``status``: a file each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracer.attach.deputy import Owner
from tracer.attach.parts import Part, label, remembered
from tracer.attach.processes import Process
from tracer.files.writing import written

FOLDER = "attached"
#: The captures that something is attached for, a line each, so that ``--all`` finds them.
_KNOWN = "bootseq/captures"


@dataclass
class Entry:
    """One process: what it is, where it records to, and what it said of itself when the hooks were in."""

    pid: int
    started: int
    uid: int
    gid: int
    service: str
    python: str
    path: str
    inner: str
    label: str
    hooks: list[str] = field(default_factory=list)
    #: Each attribute that was replaced, with the identity of what stood there before.
    attributes: list[tuple[str, int]] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)

    @property
    def part(self) -> Part:
        """Where it records to."""
        return remembered(self.path, self.inner, Owner(self.uid, self.gid, self.pid, self.started))


def entry(process: Process, part: Part, answer: dict[str, Any], stops: list[float]) -> Entry:
    """About a process that has just answered."""
    return Entry(
        process.pid, process.started, process.uid, process.gid, process.name, process.python,
        str(part.path), part.inner, label(process), list(answer.get("hooks", ())),
        list(answer.get("attributes", ())), stops,
    )  # fmt: skip


def write(capture: Path, made: Entry) -> None:
    """Remember it."""
    folder = capture / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    with written(folder / f"{made.pid}.json") as file:
        file.write(json.dumps(asdict(made)).encode())


def read(capture: Path) -> Iterator[Entry]:
    """What is remembered; a file that makes no sense is left out."""
    for path in sorted((capture / FOLDER).glob("*.json")):
        try:
            yield Entry(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            continue


def forget(capture: Path, pid: int) -> None:
    """It is no longer attached."""
    (capture / FOLDER / f"{pid}.json").unlink(missing_ok=True)


def know(capture: Path) -> None:
    """Remember that something is attached for the capture."""
    known = captures()
    if capture not in known:
        path = _known()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written(path) as file:
            file.write("".join(f"{each}\n" for each in [*known, capture]).encode(errors="surrogateescape"))


def captures() -> list[Path]:
    """Those of which it is remembered, as far as there is still anything."""
    try:
        lines = _known().read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [Path(line) for line in lines if any((Path(line) / FOLDER).glob("*.json"))]


def _known() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / _KNOWN
