"""The diff of two boots, by size, with one step in ten changed, beside difflib; and of trees that are hard to pair."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from random import Random

from tests.bench.row import Row
from tests.support import builders
from tracer.diff.baseline.normalise import normal
from tracer.diff.compare.compare import compare
from tracer.model import Baseline, NormalStep

SIZES = (1_000, 10_000, 30_000, 100_000)
#: difflib takes minutes beyond.
PEER_UP_TO = 10_000
HARD = 10_000


def run() -> Iterable[Row]:
    """Measure the CPU seconds of compare() alone; bench_trace measures the reading of trace files."""
    for size in SIZES:
        old, new = _big(size), _big(size)
        _change(new, 0.1, Random(size))
        ours = _seconds(compare, old, new)
        if size <= PEER_UP_TO:
            before, after = ([node.text for node in tree.walk()] for tree in (old, new))
            peer = _seconds(SequenceMatcher(None, before, after, autojunk=False).get_opcodes)
            yield Row(f"diff, {size} steps, 10 % changed", ours, "CPU s", ours / peer, "difflib on the flat texts")
        else:
            yield Row(f"diff, {size} steps, 10 % changed", ours, "CPU s")
    for name, text in _HARD.items():
        old, new = (_wide([text(index, side) for index in range(HARD)]) for side in (0, 1))
        yield Row(f"diff, {HARD} siblings, {name}", _seconds(compare, old, new), "CPU s")
    old, new = _deep(HARD, "a"), _deep(HARD, "b")
    yield Row(f"diff, {HARD} levels, each fiftieth changed", _seconds(compare, old, new), "CPU s")


#: The text of the nth sibling on the old (0) and on the new side (1).
_HARD: dict[str, Callable[[int, int], str]] = {
    "two texts in turn": lambda index, side: f"m.py -> f{(index + side) % 2}()",
    "two texts at random": lambda index, side: f"m.py -> f{Random(2 * index + side).randrange(2)}()",
    "reversed": lambda index, side: f"m.py -> f{index if side else HARD - index}()",
    "all renamed": lambda index, side: f"m.py -> f{index}_{side}()",
    "all other statements": lambda index, side: f"sql: SELECT t{index}_{side} in d #{index}{side}",
}


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    start = time.process_time()
    work(*arguments)
    return time.process_time() - start


def _big(size: int) -> Baseline:
    """Return copies of the small boot, each under another function."""
    small = normal(builders.small_boot())
    count = sum(1 for _ in small.walk()) + 1
    return Baseline(
        [
            NormalStep("call", "API", f"m{n}.py -> f()", children=copy.deepcopy(small.nodes))
            for n in range(size // count)
        ]
    )


def _change(tree: Baseline, share: float, random: Random) -> None:
    """Drop, rename, add and repeat steps in turn."""
    positions = [(node, index) for node in tree.walk() for index in range(len(node.children))]
    for number, (node, index) in enumerate(random.sample(positions, int(len(positions) * share))):
        if index >= len(node.children):
            continue
        child = node.children[index]
        if number % 4 == 0:
            node.children.pop(index)
        elif number % 4 == 1:
            child.text += "x"
        elif number % 4 == 2:
            node.children.insert(index, NormalStep("sql", child.service, f"sql: SELECT t{number} in d #{number:x}"))
        else:
            child.min_count = child.max_count = child.max_count + 1


def _wide(texts: list[str]) -> Baseline:
    return Baseline([NormalStep("call", "API", "top", children=[NormalStep("call", "API", text) for text in texts])])


def _deep(levels: int, leaf: str) -> Baseline:
    node = NormalStep("call", "API", leaf)
    for level in range(levels):
        statement = f"sql: SELECT t{level % 3}{leaf if level % 50 == 0 else ''} in d"
        node = NormalStep(
            "call", "API", f"m.py -> f{level % 7}()", children=[node, NormalStep("sql", "API", statement)]
        )
    return Baseline([node])
