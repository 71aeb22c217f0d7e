"""Selection of a boot, or another request, by a word on the command line."""

from __future__ import annotations

import re
from pathlib import Path

from tracer import lookup, trace_file
from tracer.errors import TracerError
from tracer.model import Request, Trace
from tracer.text import command, printable

#: A word that may be, or begin, the uuid of a volume or a port, which only steps name.
_UUID = re.compile(r"[0-9a-f]{8}[0-9a-f-]*")


class _UnknownError(TracerError):
    """Nothing in a trace's header has the name."""


def boot(path: Path, word: str | None = None) -> Request:
    """Return the boot that ``word`` names (server, uuid, request id, number of ``list``); None: the only one."""
    if word is None:
        return trace_file.read_boot(path, lambda trace: _only(path, trace))
    try:
        return trace_file.read_boot(path, lambda trace: named(path, trace, word))
    except _UnknownError:
        if not _UUID.fullmatch(word):
            raise
        return named(path, trace_file.read(path), word)


def named(path: Path, trace: Trace, word: str) -> Request:
    """Return the boot, or other request, that ``word`` names; a TracerError if none or several match."""
    matching = _matching(trace, word)
    if not matching:
        like = lookup.like(trace, word)
        meant = f"; did you mean {printable(like)}?" if like else ""
        raise _UnknownError(f"{path} holds no boot {word!r}{meant}; see: {command('bootseq', 'list', path)}")
    if len(matching) > 1:
        numbers = command("bootseq", "list", path)
        raise TracerError(f"{path}: {word!r} matches {len(matching)} boots; choose one by number (see: {numbers})")
    return matching[0]


def _matching(trace: Trace, word: str) -> list[Request]:
    """Return the requests that have the name or id; else those whose steps name the uuid, boots before what reads."""
    matching = lookup.by_name(trace, word)
    if matching or not _UUID.fullmatch(word):
        return matching
    mentioning = [request for request in (*trace.boots, *trace.others) if lookup.mentions(request, word)]
    boots = [request for request in mentioning if request.operation == "boot"]
    return boots or [request for request in mentioning if lookup.is_user_request(request)] or mentioning


def _only(path: Path, trace: Trace) -> Request:
    if not trace.boots:
        everything = command("bootseq", "list", "--all", path)
        raise TracerError(f"{path} holds no boots; for other requests, see: {everything}")
    if len(trace.boots) > 1:
        numbers = command("bootseq", "list", path)
        raise TracerError(f"{path} holds {len(trace.boots)} boots; choose one by number (see: {numbers})")
    return trace.boots[0]
