"""What a path holds: a capture, a log, message copies, or a folder of logs and copies."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from tracer import capture
from tracer.errors import TracerError
from tracer.event import Events
from tracer.sources import messages, segments
from tracer.sources.logs import reading
from tracer.sources.logs.texts import STDIN

#: Where ``bootseq tap`` writes in a capture (tracer.tap.messages).
TAPPED = "messages.jsonl"
_COPIES = (".jsonl", ".json", ".ndjson")


def expanded(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Each source once: captures and files as they are, the files of other folders, what a pattern stands for."""
    seen: dict[Path, None] = {}
    for path in paths:
        seen.update(dict.fromkeys(_expanded(path)))
    yield from seen


def _expanded(path: Path) -> list[Path]:
    if path == STDIN:
        return [path]
    try:
        path.stat()
    except OSError as error:
        matched = sorted(map(Path, glob.glob(str(path), recursive=True))) if glob.has_magic(str(path)) else []
        if matched:
            return [each for match in matched for each in _expanded(match)]
        raise TracerError(f"{path}: cannot be read: {error.strerror}") from None
    if not path.is_dir() or capture.is_capture(path):
        return [path]
    inside = [*reading.logs_in(path), *(file for file in sorted(path.rglob("*.jsonl")) if file.is_file())]
    if not inside:
        raise TracerError(f"{path}: neither a capture that `bootseq run -o` recorded into, nor are logs in it")
    return inside


def read(path: Path, offsets: dict[str, int], zone: int) -> Events:
    """The events of one of them; ``zone``: seconds that the clock of its log's lines is ahead of UTC."""
    if path != STDIN and path.is_dir():
        return _capture(path, offsets)
    if path != STDIN and any(suffix in _COPIES for suffix in path.suffixes):
        if messages.is_copies(path):
            return messages.read(path)
        return Events(warnings=[f"{path}: no copies of messages, left out"])
    return reading.read(path, zone)


def _capture(path: Path, offsets: dict[str, int]) -> Events:
    """What hooks recorded into a capture, and what ``bootseq tap`` did."""
    found = segments.read(path, offsets)
    tapped = path / TAPPED
    if tapped.is_file():
        copies = messages.read(tapped)
        if not found.processes:  # then it was the tap's alone
            found = Events(
                warnings=[warning for warning in found.warnings if not warning.startswith(f"{path}: nothing")]
            )
        found.events += copies.events
        found.processes += copies.processes
        found.warnings += copies.warnings
    return found
