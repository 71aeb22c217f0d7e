"""Positions in the source as marks of a baseline's lines: only the line number where the file is named already."""

from __future__ import annotations

import re

from tracer.model import NormalStep
from tracer.notation.marks import escape, escaped, unescaped

#: The package whose name texts omit.
_OMITTED = "nova/"
#: The file in a text: ``compute/api.py`` of ``compute/api.py.API -> create()`` and of ``x by compute/api.py.API``.
_FILE = re.compile(r"(?:^|^\S+ by )([\w./-]+?\.py)(?:\.\w+)*(?: |$)")
#: Packages beside Nova whose steps are recorded; any other path is below ``nova/``, which texts omit.
_BESIDE = frozenset({"placement", "openstack", "nova"})


def short_path(path: str) -> str:
    """Return a path as texts write it: without ``nova/``."""
    return path.removeprefix(_OMITTED)


def file_of(text: str) -> str:
    """Return the file in a step's text, with its package: ``nova/compute/api.py``; "" where it names none."""
    match = _FILE.match(text)
    if not match:
        return ""
    path = match[1]
    return path if path.partition("/")[0] in _BESIDE else _OMITTED + path


def written_place(node: NormalStep, parent: NormalStep | None) -> str:
    """Write the node's position as `` @123``, or `` @path:123`` in a file that is not named yet; "" if inherited."""
    around = parent.where if parent is not None else ""
    if node.where == around:
        return ""
    if not node.where:
        return " @?"
    file, _, line = node.where.rpartition(":")
    if file and file == _file(node.text, around) and _is_line(line):
        return f" @{line}"
    escaped_where = escaped(node.where, " ")
    # A path that is only a number or a question mark would be read as another mark.
    return (
        f" @{escape(escaped_where[0])}{escaped_where[1:]}"
        if _is_line(escaped_where) or escaped_where == "?"
        else f" @{escaped_where}"
    )


def read_place(mark: str, text: str, around: str) -> str | None:
    """Read a mark back, of a node with ``text`` below one at ``around``; None where the file is not known."""
    if not mark:
        return around
    if mark == "?":
        return ""
    if not _is_line(mark):
        return unescaped(mark)
    file = _file(text, around)
    return f"{file}:{mark}" if file else None


def _is_line(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _file(text: str, around: str) -> str:
    return file_of(text) or around.rpartition(":")[0]
