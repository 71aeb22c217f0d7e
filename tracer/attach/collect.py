"""Files recorded by other users, copied into a capture: untrusted, so checked by name and size, up to the cap."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from tracer.attach import spool as spools
from tracer.files.folder import Folder
from tracer.recording import capture as captures

#: The file in a copied spool that counts the files skipped for lack of space.
LEFT_OUT = "left-out"
_SEGMENT = re.compile(r"[\w.-]{1,200}-\d{1,10}-\d{1,20}(-\d{4,8}\.seg|\.open)", re.ASCII)
_LOG = re.compile(r"[\w.-]{1,50}\.log", re.ASCII)


def bring(capture: Folder, above: str, name: str, contents: Iterator[bytes]) -> int:
    """Copy files into the folder ``name`` in ``above``, replacing existing ones; return how many did not fit."""
    room = _cap(capture) - _size(capture, above)
    with _within(capture, above) as parts, _within(parts, name) as spool, _within(spool, spools.SEGMENTS) as segments:
        left_out = 0
        for head in contents:
            file, is_segment, size = _head(head)
            target = segments if is_segment else spool
            room += _size_of(target, file)
            if size <= room and (_SEGMENT if is_segment else _LOG).fullmatch(file):
                room -= _copy(target, file, size, contents)
            else:
                left_out += 1
                _skip(contents)
        if left_out:
            with spool.write(LEFT_OUT) as note:
                note.write(b"%d" % left_out)
    return left_out


def _head(head: bytes) -> tuple[str, bool, int]:
    try:
        file, is_segment, size = json.loads(head)
        if type(size) is not int or size < 0:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise OSError(0, "what was recorded cannot be read") from None
    return str(file), bool(is_segment), size


def _copy(target: Folder, name: str, size: int, contents: Iterator[bytes]) -> int:
    """Copy a file up to its end, or to its announced size; return the bytes copied."""
    copied = 0
    with target.write(name) as file:
        while data := next(contents, b""):
            file.write(data[: size - copied])
            copied += min(len(data), size - copied)
    return copied


def _skip(contents: Iterator[bytes]) -> None:
    while next(contents, b""):
        pass


def _within(folder: Folder, name: str) -> Folder:
    with suppress(FileExistsError):
        return folder.make(name)
    inner = folder.folder(name)
    inner.check_private()
    return inner


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
        return sum(_size_of(folder, file) for file in folder.names())
    return 0


def _size_of(folder: Folder, name: str) -> int:
    try:
        return folder.about(name).st_size
    except OSError:
        return 0
