"""Call points: YAML files of functions to record, compile_text to the lists that hooks match against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import yaml

from tracer.errors import TracerError
from tracer.files import read

#: Releases are major versions of the distribution that has the module: 34 of Nova 34.0.0.
_NAME = re.compile(r"(\S+(?: or \S+)*)(?: since (\d{1,6}))?(?: until (\d{1,6}))?", re.ASCII)

FORM = "expected a name, or names like: API.old or API.new since 32 until 34"


@dataclass(frozen=True)
class PointName:
    """Globs of which at least one names a function, in the releases from ``since`` to ``until`` (None: any)."""

    globs: tuple[str, ...]
    since: int | None = None
    until: int | None = None

    def is_for(self, release: int | None) -> bool:
        """Return whether a release (None: unknown) has the function; an unknown one may not."""
        if self.since is None and self.until is None:
            return True
        return release is not None and (self.since or 0) <= release <= (self.until or release)


def parse_name(text: str) -> PointName | None:
    """Return the name that a call-points file contains as ``text``; None for a text of another form."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    alternatives, since, until = match.groups()
    return PointName(tuple(alternatives.split(" or ")), _number(since), _number(until))


def _number(text: str | None) -> int | None:
    return int(text) if text else None


#: module glob, names (their text: parse_name), globs of excluded names
CallPoint = tuple[str, list[str], list[str]]

#: Every process of the cloud holds all of them, and YAML aliases expand a few lines to many.
MAX_NAMES = 20_000

DEFAULT = Path(__file__).with_name("points.yaml")


def load(paths: list[Path]) -> list[CallPoint]:
    """Return the points of the default file and of ``paths``, in that order; TracerError names the line."""
    return [*_defaults(), *(point for path in paths for point in compile_text(str(path), read.small_text(path)))]


@cache
def _defaults() -> list[CallPoint]:
    return compile_text(str(DEFAULT), read.small_text(DEFAULT))


def compile_text(file: str, text: str) -> list[CallPoint]:
    """Compile ``{module glob: [name, "!glob of names to exclude", …]}``; a module may occur twice.

    The text is read as YAML nodes, which have line numbers, and no tag constructs an object.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise TracerError(f"{file}{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise TracerError(f"{file}: not YAML: {str(error).partition(chr(10))[0]}") from None
    except RecursionError:
        raise TracerError(f"{file}: nested too deep") from None
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return []
    if not isinstance(node, yaml.MappingNode):
        _fail(file, node, "expected modules and, under each, a list of names")
    if sum(len(names.value) for _, names in node.value) > MAX_NAMES:
        _fail(file, node, f"more than {MAX_NAMES} names")
    return [_point(file, module, names) for module, names in node.value]


def _point(file: str, module: yaml.Node, names: yaml.Node) -> CallPoint:
    if not _is_text(module):
        _fail(file, module, "expected the name of a module")
    if not isinstance(names, yaml.SequenceNode) or not all(_is_text(name) for name in names.value):
        _fail(file, names, f"under {module.value} expected a list of names such as API.create or API.*")
    listed = [str(name.value) for name in names.value]
    wanted = [name for name in listed if not name.startswith("!")]
    for name in names.value:
        if not name.value.startswith("!") and parse_name(name.value) is None:
            _fail(file, name, f"{name.value!r}: {FORM}")
    if not wanted:
        _fail(file, names, f"under {module.value} every name is excluded")
    return str(module.value), wanted, [name[1:] for name in listed if name.startswith("!")]


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str" and bool(node.value)


def _fail(file: str, node: yaml.Node, what: str) -> NoReturn:
    raise TracerError(f"{file}:{node.start_mark.line + 1}: {what}")
