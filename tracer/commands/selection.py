"""What the commands that look at one boot share: finding the one that a word means."""

from __future__ import annotations

from pathlib import Path

from tracer import trace_file
from tracer.errors import TracerError
from tracer.model import Request, Trace
from tracer.text import command


def boot(path: Path, word: str | None = None) -> Request:
    """The boot that ``word`` means: a server's name or uuid, a request id, a number of ``list``; None: the only one."""
    return trace_file.read_boot(path, lambda trace: _only(path, trace) if word is None else named(path, trace, word))


def named(path: Path, trace: Trace, word: str) -> Request:
    """The boot, or other request, that ``word`` means; a TracerError where it is none or several."""
    everything = [*trace.boots, *trace.others]
    matching = [
        each for each in everything if word in (str(each.number), each.uuid, each.request_id, *each.request_ids)
    ]
    matching = matching or [each for each in everything if each.server == word]
    if not matching:
        raise TracerError(f"{path}: no boot {word!r} in it; see: {command('bootseq', 'list', path)}")
    if len(matching) > 1:
        numbers = command("bootseq", "list", path)
        raise TracerError(f"{path}: {word!r} is {len(matching)} boots; name one by its number from: {numbers}")
    return matching[0]


def _only(path: Path, trace: Trace) -> Request:
    if not trace.boots:
        everything = command("bootseq", "list", "--all", path)
        raise TracerError(f"{path}: no boot in it; other requests are listed by: {everything}")
    if len(trace.boots) > 1:
        numbers = command("bootseq", "list", path)
        raise TracerError(f"{path}: {len(trace.boots)} boots in it; name one by its number from: {numbers}")
    return trace.boots[0]
