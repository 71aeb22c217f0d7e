"""Selection of a boot, or another request, by a word on the command line."""

from __future__ import annotations

from pathlib import Path

from tracer import trace_file
from tracer.errors import TracerError
from tracer.model import Request, Trace
from tracer.text import command


def boot(path: Path, word: str | None = None) -> Request:
    """Return the boot that ``word`` names (server, uuid, request id, number of ``list``); None: the only one."""
    return trace_file.read_boot(path, lambda trace: _only(path, trace) if word is None else named(path, trace, word))


def named(path: Path, trace: Trace, word: str) -> Request:
    """Return the boot, or other request, that ``word`` names; a TracerError if none or several match."""
    everything = [*trace.boots, *trace.others]
    matching = [
        request
        for request in everything
        if word in (str(request.number), request.uuid, request.request_id, *request.request_ids)
    ]
    matching = matching or [request for request in everything if request.server == word]
    if not matching:
        raise TracerError(f"{path} holds no boot {word!r}; see: {command('bootseq', 'list', path)}")
    if len(matching) > 1:
        numbers = command("bootseq", "list", path)
        raise TracerError(f"{path}: {word!r} matches {len(matching)} boots; choose one by number (see: {numbers})")
    return matching[0]


def _only(path: Path, trace: Trace) -> Request:
    if not trace.boots:
        everything = command("bootseq", "list", "--all", path)
        raise TracerError(f"{path} holds no boots; for other requests, see: {everything}")
    if len(trace.boots) > 1:
        numbers = command("bootseq", "list", path)
        raise TracerError(f"{path} holds {len(trace.boots)} boots; choose one by number (see: {numbers})")
    return trace.boots[0]
