"""The step that runs now, in this thread or greenlet, and the calls by which hooks open, note and close steps.

One recorder a process; ``recorder`` is None while nothing records, and every function here then does nothing. None of
these functions catches anything: hook.guarded does, around the hook that called them.
"""

import itertools
import os
import sys
import time
from _thread import get_ident
from contextvars import ContextVar

from . import record, segment, values

# Taken now: eventlet replaces some of these names in their modules later.
clock = time.monotonic_ns
thread_id = get_ident

#: The id of the step in whose course we are, 0 outside of any. Greenlets have a context each, as threads do.
current = ContextVar("bootseq_step", default=0)

#: Who asked for what is going on: the context of the RPC message or the environ of the HTTP request, as a dict. Unlike
#: oslo.context's get_current() it is neither stale nor empty in work that was handed over.
context = ContextVar("bootseq_context", default=None)

next_id = itertools.count(1).__next__

recorder = None
names = {}
_open_arguments = None
#: Texts beyond this many are written out with each event instead of by number (statements with literals in them).
MAX_NAMES = 20000


def start(directory, size, cap, about):
    """Begin to record into ``directory`` (bytes a segment, bytes the whole capture may take, pairs for the header)."""
    global recorder, _open_arguments
    _open_arguments = (directory, size, cap, about)
    names.clear()
    os.makedirs(directory, 0o700, exist_ok=True)
    stem = "%s-%d-%d" % (os.uname().nodename, os.getpid(), time.time_ns())
    recorder = segment.Segments(directory, stem, segment.about_process(about), size, cap)


def stop():
    """Stop recording; the mapped files go when the last event in flight has let go of them."""
    global recorder, _open_arguments
    recorder = _open_arguments = None
    names.clear()


def after_fork():
    """In a forked child: files of its own, since two processes would overwrite each other in a shared mapping."""
    if _open_arguments is None:
        return
    current.set(0)
    try:
        start(*_open_arguments)
    except Exception as error:
        stop()
        sys.stderr.write("bootseq: process %d is not recorded: %s\n" % (os.getpid(), error))


def name_number(text, attributes=()):
    """The number that stands for ``text`` in CALL and SQL records."""
    number = names.get(text)
    if number is None:
        if len(names) >= MAX_NAMES:
            return text
        number = names[text] = len(names) + 1
        recorder.write((record.NAME, number, text, attributes))
    return number


def begin(kind, name, attributes=(), parent=None):
    """Open a step below the current one (or ``parent``) and write its beginning; its id, 0 while nothing records."""
    if recorder is None:
        return 0
    step = next_id()
    if parent is None:
        parent = current.get()
    recorder.write((record.BEGIN, step, parent, kind, thread_id(), clock(), name, attributes))
    return step


def finish(step, error=None, attributes=()):
    """Close a step that ``begin`` opened."""
    if step and recorder is not None:
        text = None if error is None else values.error_text(error)
        recorder.write((record.END, step, clock(), text, attributes))


def note(step, attributes):
    """Add attributes to a step that is open."""
    if step and recorder is not None:
        recorder.write((record.NOTE, step, attributes))


def happened(kind, name, attributes=(), begun=None, error=None):
    """A step that is over already: an instant, or from ``begun`` until now."""
    if recorder is not None:
        now = clock()
        recorder.write(
            (record.STEP, next_id(), current.get(), kind, thread_id(), begun or now, now, name, error, attributes)
        )
