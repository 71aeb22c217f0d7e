"""Call points that name nothing in the packages of running services, with the nearest name that exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import filter as matching
from itertools import chain

from tracer.attach.packages import Packages
from tracer.recording import call_points, definitions
from tracer.recording.call_points import CallPoint, PointName
from tracer.recording.definitions import NESTED, Definitions

_DIRECT = "a nested function that its outer function calls itself; recorded are those that a loop, pool or thread runs"

#: Bounds for sources that anybody may have written: nested functions of a glob, and functions that may be the nearest.
_MAX_NESTED, _MAX_NAMES = 100, 5000


@dataclass(frozen=True)
class Unresolved:
    """A point's module and name that match nothing, and the nearest name that exists, "" if none is near."""

    module: str
    name: str
    reason: str
    nearest: str = ""


def unresolved(packages: Packages, points: Iterable[CallPoint]) -> list[Unresolved]:
    """Return what names nothing, of the points whose package is installed here and has a release that they are for."""
    results: dict[Unresolved, None] = {}
    for module, texts, _ in points:
        package = module.partition(".")[0]
        if packages.has(package):
            release = packages.release(package)
            names = [(text, name) for text in texts if (name := call_points.parse_name(text)) and name.is_for(release)]
            results |= dict.fromkeys(_of_module(packages, module, names) if names else ())
    return list(results)


def absent(every: Iterable[Packages], points: Iterable[CallPoint]) -> list[Unresolved]:
    """Return the points whose package is in none of the folders."""
    folders = list(every)
    return [
        Unresolved(module, text, f"no package {module.partition('.')[0]} here")
        for module, texts, _ in points
        for text in texts
        if call_points.parse_name(text) and not any(packages.has(module.partition(".")[0]) for packages in folders)
    ]


def _of_module(packages: Packages, module: str, names: list[tuple[str, PointName]]) -> Iterator[Unresolved]:
    sources = [definitions.of_source(text) for text in packages.sources(module)]
    if not sources:
        (nearest,) = get_close_matches(module, packages.siblings(module), 1) or [""]
        yield from (Unresolved(module, text, "no such module", nearest) for text, _ in names)
        return
    for text, name in names:
        if any(_is_recorded(glob, source) for glob in name.globs for source in sources):
            continue
        if any(matching(source.functions, glob) for glob in name.globs for source in sources):
            yield Unresolved(module, text, _DIRECT)
        else:
            yield Unresolved(module, text, "no such function", _nearest(name, sources))


def _is_recorded(glob: str, source: Definitions) -> bool:
    """Return whether a glob matches a function of the source, or a value that may be one."""
    if NESTED in glob:
        return any(source.is_handed_over(name) for name in matching(source.nested, glob)[:_MAX_NESTED])
    return bool(matching(source.functions | source.values, glob))


def _nearest(name: PointName, sources: list[Definitions]) -> str:
    """Return the function with the same last name, else with the most similar name."""
    functions = sorted({*chain.from_iterable(source.functions for source in sources)})[:_MAX_NAMES]
    wanted = name.globs[-1]
    last = wanted.rpartition(".")[2]
    same = [function for function in functions if function.rpartition(".")[2] == last]
    near = get_close_matches(wanted, same, 1, cutoff=0.0) or get_close_matches(wanted, functions, 1, cutoff=0.7)
    return near[0] if near else ""
