"""The events in a file: a log, message copies, or an archive of these."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO

from tracer.errors import UnreadableError
from tracer.events import Events
from tracer.sources.archives import Archive, is_archive
from tracer.sources.broker import copies as broker_copies
from tracer.sources.broker import copy_forms
from tracer.sources.logs import buffers, reader
from tracer.sources.logs.blocks import Text
from tracer.sources.logs.detect import Hints
from tracer.sources.packing import Budget
from tracer.sources.spans import files as span_files

_COPIES = (".jsonl", ".json", ".ndjson")


def may_be_copies(path: Path) -> bool:
    """Return whether a file is named like message copies."""
    return any(suffix in _COPIES for suffix in path.suffixes)


def read(path: Path, hints: Hints, on_progress: Callable[[float], None] = lambda share: None) -> Events:
    """Read a file's events; an unreadable file becomes a warning, so that others are read."""
    try:
        with buffers.file_of(path) as file:
            if is_archive(file):
                return _archive(path, file, hints, on_progress)
            with buffers.text_of(path, file, Budget()) as text:
                return _text(path, text, buffers.modified_at(path), hints, on_progress)
    except UnreadableError as error:
        return Events(warnings=[str(error)], damaged=True)


def _text(path: Path, text: Text, modified: datetime, hints: Hints, on_progress: Callable[[float], None]) -> Events:
    if span_files.matches(text, path):
        return span_files.read(path, text)
    if copy_forms.matches(text):
        return broker_copies.read_copies(path, text)
    events = reader.read_log(path, text, modified, hints, on_progress)
    if may_be_copies(path) and not events.events and not events.damaged:
        return Events(warnings=[f"{path}: {_reason(path)}, skipped"])
    return events


def _reason(path: Path) -> str:
    if ".trace" in path.suffixes:
        return "already a trace file, for list, show, draw and diff"
    return "neither message copies nor a log"


def _archive(path: Path, file: IO[bytes], hints: Hints, on_progress: Callable[[float], None]) -> Events:
    """Read the logs and copies in an archive; members of other kinds are counted in one warning."""
    result = Events()

    def read_member(member: Path, text: Text, modified: datetime) -> None:
        try:
            events = _text(member, text, modified, hints, lambda share: None)
        except UnreadableError as error:
            events = Events(warnings=[str(error)], damaged=True)
        if not events.events and not events.damaged and not text.fault:
            archive.skip("no line in a known log format" if len(text) else "empty", member)
            return
        result.events += events.events
        result.processes += events.processes
        result.warnings += events.warnings
        result.damaged = result.damaged or events.damaged

    archive = Archive(path, read_member, on_progress)
    archive.read(file)
    result.warnings += archive.warnings
    result.damaged = result.damaged or archive.damaged
    return result
