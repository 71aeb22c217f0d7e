"""Several boots to be drawn as one: which, from which files, and what each is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tracer.commands import inputs
from tracer.commands.inputs import Recorded
from tracer.diff.merge.merge import merge
from tracer.errors import TracerError
from tracer.model import Merged, Request


def merged(file: Path, words: Sequence[str], also: Sequence[Path]) -> Merged:
    """The boots of ``file``, or those that ``words`` mean, and all of the other files, as one sequence."""
    found = [inputs.recorded(file, words, "BOOT"), *(inputs.recorded(path, (), "BOOT") for path in also)]
    operations = sorted({each.operation for each in found})
    if len(operations) > 1:
        raise TracerError(f"{' and '.join(operations)} are different requests: nothing to merge")
    boots = [boot for each in found for boot in each.boots]
    if empty := next((each for each in found if not all(boot.chapters for boot in each.boots)), None):
        raise TracerError(f"{empty.path}: a boot without a step in it; name the others")
    return merge(boots, _names(found))


def _names(found: list[Recorded]) -> list[str]:
    """The servers' names, where two are called the same with what tells them apart."""
    named = [(each.path, boot) for each in found for boot in each.boots]
    names = Counter(_name(boot) for _, boot in named)
    paths = Counter((path, _name(boot)) for path, boot in named)
    return [
        _name(boot) if names[_name(boot)] == 1
        else f"{_stem(path)}:{_name(boot)}" if paths[path, _name(boot)] == 1
        else f"{_stem(path)}:{boot.number}"
        for path, boot in named
    ]  # fmt: skip


def _name(boot: Request) -> str:
    return boot.server or str(boot.number)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".trace")
