"""Files recorded by other users, copied into a capture: untrusted, so checked by name and size, up to the cap."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import suppress

from tracer.attach import spool as spools
from tracer.attach.spool import Room
from tracer.files.folder import Folder
from tracer.recording import capture as captures

#: The file in a copied spool that counts the files skipped, or says UNKNOWN where reading the spool has failed.
LEFT_OUT, UNKNOWN = "left-out", "unknown"


def bring(capture: Folder, above: str, name: str, contents: Callable[[Room], Iterator[bytes]]) -> None:
    """Copy files into the folder ``name`` in ``above``, replacing existing ones; note how many were skipped."""
    with (
        capture.private_folder(above) as parts,
        parts.private_folder(name) as part,
        part.private_folder(spools.SEGMENTS) as segments,
    ):
        room = Room(_cap(capture) - _size(capture, above), {**_sizes(segments, True), **_sizes(part, False)})
        skipped: int | str = UNKNOWN
        try:
            skipped = _copied(contents(room), room, segments, part)
        finally:
            _note(part, skipped)


def _note(part: Folder, skipped: int | str) -> None:
    if not skipped:
        part.remove(LEFT_OUT)
        return
    with part.write(LEFT_OUT) as note:
        note.write(str(skipped).encode())


def _copied(contents: Iterator[bytes], room: Room, segments: Folder, part: Folder) -> int:
    """Copy what spools.contents yields; return the number of files that it skipped."""
    for head in contents:
        name, is_segment, size = _head(head)
        if name == spools.END:
            return size
        if not room.take(name, is_segment, size):
            break  # an honest deputy sends no such file
        _copy(segments if is_segment else part, name, size, contents)
    raise OSError(errno.EPROTO, "what was recorded cannot be read")


def _head(head: bytes) -> tuple[str, bool, int]:
    try:
        file, is_segment, size = json.loads(head)
        if type(size) is not int or size < 0:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise OSError(errno.EPROTO, "what was recorded cannot be read") from None
    return str(file), bool(is_segment), size


def _copy(target: Folder, name: str, size: int, contents: Iterator[bytes]) -> None:
    """Copy a file up to its end, or to its announced size."""
    with target.write(name) as file:
        while data := next(contents, b""):
            file.write(data[:size])
            size -= min(len(data), size)


def _cap(capture: Folder) -> int:
    try:
        return int(json.loads(capture.read(captures.OPTIONS, own=True))["cap"])
    except (ValueError, KeyError, TypeError):
        return captures.CAP


def _size(capture: Folder, above: str) -> int:
    """Return the bytes of all segments in the capture."""
    size = _size_in(capture, spools.SEGMENTS)
    with suppress(FileNotFoundError), capture.folder(above) as parts:
        for name in parts.names():
            with parts.folder(name) as spool:
                size += _size_in(spool, spools.SEGMENTS)
    return size


def _size_in(above: Folder, name: str) -> int:
    with suppress(FileNotFoundError), above.folder(name) as folder:
        return sum(_sizes(folder, True).values())
    return 0


def _sizes(folder: Folder, is_segment: bool) -> dict[tuple[bool, str], int]:
    return {(is_segment, name): _size_of(folder, name) for name in folder.names()}


def _size_of(folder: Folder, name: str) -> int:
    try:
        return folder.about(name).st_size
    except OSError:
        return 0
