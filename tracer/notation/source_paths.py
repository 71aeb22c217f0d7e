"""Where a node's code stands, said as shortly as a baseline's text can: in the file that its line names already."""

from __future__ import annotations

import re

from tracer.model import Node
from tracer.notation.marks import escape, escaped, unescaped

#: A text's own file: ``compute/api.py`` of ``compute/api.py.API -> create()`` and of ``x by compute/api.py.API``.
_FILE = re.compile(r"(?:^|^\S+ by )([\w./-]+?\.py)(?:\.\w+)*(?: |$)")
#: Packages beside Nova whose steps are recorded; any other path is below ``nova/``, which its text leaves out.
_BESIDE = frozenset({"placement", "openstack", "nova"})


def file_of(text: str) -> str:
    """The file that a step's text names, from its package on: ``nova/compute/api.py``; "" where it names none."""
    found = _FILE.match(text)
    if not found:
        return ""
    path = found[1]
    return path if path.partition("/")[0] in _BESIDE else f"nova/{path}"


def written_place(node: Node, parent: Node | None) -> str:
    """The mark for where the node stands: `` @123``, or `` @path:123`` in a file that nothing names yet."""
    around = parent.where if parent is not None else ""
    if node.where == around:
        return ""
    if not node.where:
        return " @?"
    file, _, line = node.where.rpartition(":")
    if file and file == _file(node.text, around) and _is_line(line):
        return f" @{line}"
    said = escaped(node.where, " ")
    # A place that is only a number, or a question mark, would be read as another.
    return f" @{escape(said[0])}{said[1:]}" if _is_line(said) or said == "?" else f" @{said}"


def read_place(said: str, text: str, around: str) -> str | None:
    """What ``written_place`` wrote, of a node with ``text`` below one at ``around``; None where no file is named."""
    if not said:
        return around
    if said == "?":
        return ""
    if not _is_line(said):
        return unescaped(said)
    file = _file(text, around)
    return f"{file}:{said}" if file else None


def _is_line(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _file(text: str, around: str) -> str:
    return file_of(text) or around.rpartition(":")[0]
