"""The current step of this thread or greenlet, and the functions by which hooks open, note and close steps.

A process has one recorder; ``recorder`` is None while nothing records, and every function here then does nothing. None
of these functions catches anything: Hook.guarded does, around the hook that called them.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from contextvars import ContextVar
from typing import Any

from . import faults, memory_files, record_format, segments, values
from .unpatched import get_ident

# Read now: eventlet replaces some of these names in their modules later.
clock = time.monotonic_ns
thread_id = get_ident

#: The id of the current step, 0 outside of any. Greenlets have a context each, as threads do (from
#: greenlet 0.4.17 of 2020 on; with an older one a greenthread may have another's step).
current: ContextVar[int] = ContextVar("bootseq_step", default=0)

#: The context of the RPC message or the environ of the HTTP request that is being served, as a dict. Unlike
#: oslo.context's get_current() it is neither stale nor empty in work that was handed over.
context: ContextVar[dict[str, Any] | None] = ContextVar("bootseq_context", default=None)

next_id = itertools.count(1).__next__
#: Steps up to this one are of an earlier recording, or of the process that forked this one: not ours to close.
_before_us = 0

recorder: segments.Segments | None = None
_open_arguments: tuple[str, int, int, tuple[Any, ...]] | None = None

#: text -> its number in NAME records
names: dict[str, int] = {}
_next_name = itertools.count(1).__next__
_named_characters = 0
#: Texts beyond this number, or this total length, are written with each event instead of by number (statements with
#: literals in them). Longer ones are cut.
MAX_NAMES = 20_000
MAX_NAMED_CHARACTERS = 4 << 20
MAX_NAME = 64 << 10


def start(directory: str, size: int, cap: int, about: tuple[Any, ...]) -> None:
    """Start recording into ``directory``: ``size`` bytes a segment, ``cap`` in all, ``about`` header pairs."""
    global recorder, _open_arguments, _before_us
    os.makedirs(directory, 0o700, exist_ok=True)
    opened = _segments(directory, size, cap, about)
    opened.open()
    _open_arguments = (directory, size, cap, about)
    _before_us = next_id()
    recorder = opened


def _segments(directory: str, size: int, cap: int, about: tuple[Any, ...]) -> segments.Segments:
    global _named_characters
    names.clear()
    _named_characters = 0
    stem = "%s-%d-%d" % (os.uname().nodename, os.getpid(), time.time_ns())
    return segments.Segments(directory, stem, segments.about_process(about), size, cap)


def stop() -> None:
    """Stop recording; the files are unmapped when the last event in flight is written."""
    global recorder, _open_arguments
    was, recorder, _open_arguments = recorder, None, None
    if was is not None:
        try:
            was.close()
        except Exception as error:  # nothing of ours may keep the hooks in
            faults.pass_on(error)
    names.clear()


def after_fork() -> None:
    """Open files of its own in a forked child: two processes would overwrite each other in a shared mapping."""
    global recorder, _before_us
    if _open_arguments is None:
        return
    memory_files.close_in_hand()
    current.set(0)
    context.set(None)
    _before_us = next_id()
    try:
        if recorder is not None:
            recorder.abandon()
        recorder = _segments(*_open_arguments)
    except Exception as error:
        faults.pass_on(error)
        stop()
        sys.stderr.write("bootseq: process %d is not recorded: %s\n" % (os.getpid(), values.error_text(error)))


def name_number(text: str, attributes: tuple[Any, ...] = ()) -> int:
    """Return the number of ``text`` in CALL and SQL records; its NAME is written at the first call."""
    number = names.get(text)
    if number is None:
        number = _next_name()
        if recorder is not None:
            recorder.write((record_format.NAME, number, text, attributes))
        names[text] = number
    return number


def number_or_text(text: str) -> int | str:
    """Return the number of ``text``; beyond the limits, which unbounded kinds of texts reach, the text itself."""
    global _named_characters
    if len(text) > MAX_NAME:
        text = "%s… (%d characters)" % (text[:MAX_NAME], len(text))
    if text not in names:
        if len(names) >= MAX_NAMES or _named_characters + len(text) > MAX_NAMED_CHARACTERS:
            return text
        _named_characters += len(text)
    return name_number(text)


def begin(kind: str, name: str, attributes: tuple[Any, ...] = (), parent: int | None = None) -> int:
    """Open a step below the current one (or ``parent``); return its id, 0 while nothing records."""
    to = recorder
    if to is None:
        return 0
    step = next_id()
    if parent is None:
        parent = current.get()
    if parent <= _before_us:
        parent = 0
    to.write((record_format.BEGIN, step, parent, kind, thread_id(), clock(), name, attributes))
    return step


def finish(step: int | None, error: BaseException | None = None, attributes: tuple[Any, ...] = ()) -> None:
    """Close a step that ``begin`` opened."""
    to = recorder
    if to is not None and step and step > _before_us:
        to.write((record_format.END, step, clock(), None if error is None else values.error_text(error), attributes))


def finish_as(step: int, text: str | None, attributes: tuple[Any, ...] = ()) -> None:
    """Close a step that ``begin`` opened, with the text of its error."""
    to = recorder
    if to is not None and step > _before_us:
        to.write((record_format.END, step, clock(), text, attributes))


def note(step: int | None, attributes: tuple[Any, ...]) -> None:
    """Add attributes to a step that is open."""
    to = recorder
    if to is not None and step and step > _before_us:
        to.write((record_format.NOTE, step, attributes))


def happened(
    kind: str, name: str, attributes: tuple[Any, ...] = (), begun: int | None = None, error: str | None = None
) -> None:
    """Record a step that is over already: an instant, or from ``begun`` until now."""
    to = recorder
    if to is not None:
        now = clock()
        to.write(
            (
                record_format.STEP,
                next_id(),
                current.get(),
                kind,
                thread_id(),
                begun or now,
                now,
                name,
                error,
                attributes,
            )
        )
