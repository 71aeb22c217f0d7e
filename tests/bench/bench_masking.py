"""Masking: CPU for a real message, and how the cost of texts that are made to be slow grows with their length."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from patches import masking, sql_parameters
from tests.bench.row import Row
from tests.support.log_traces import nova34
from tests.support.slow_texts import units

ROUNDS = 3
#: Characters of the shortest text; the others have 4 and 16 times as many.
SHORTEST = 2_500
_PREFIX = re.compile(r"\S+ \S+ \d+ \w+ \S+ (?:\[[^]]*\] )?")
_WAYS: dict[str, Callable[[str], object]] = {
    "mask": masking.mask,
    "mask a statement": masking.without_secrets,
    "mask a literal": lambda text: masking.without_secrets(f"SET password='{text}"),
    "plan a statement's parameters": lambda text: sql_parameters.plan(text, (1, 2), None),
}


def run() -> Iterable[Row]:
    """Linear growth is 4 for each length; what is quadratic grows 16 times."""
    with tempfile.TemporaryDirectory() as folder:
        for log in sorted(nova34(Path(folder, "logs")).glob("nova-*.log")):
            messages = [_PREFIX.sub("", line, count=1) for line in log.read_text(errors="replace").splitlines()]
            yield Row(f"a message of {log.name}", _least(masking.mask, messages) / len(messages), "µs")
    for name, way in _WAYS.items():
        growth = {unit: _growth(way, unit) for unit in units()}
        worst = max(growth, key=lambda unit: growth[unit])
        yield Row(f"{name}: {worst!r:.30}, longer by 4", growth[worst], "times", growth[worst] / 4, "linear growth")


def _growth(way: Callable[[str], object], unit: str) -> float:
    """Return the growth of the cost from one length to the next, as the mean of both steps."""
    texts = [unit * (SHORTEST * factor // len(unit)) for factor in (1, 4, 16)]
    costs = [_least(way, [text]) for text in texts]
    return float((costs[2] / costs[0]) ** 0.5)


def _least(way: Callable[[str], object], texts: list[str]) -> float:
    """Return the microseconds of CPU for all texts, in the round that other processes disturbed least."""
    costs = []
    for _ in range(ROUNDS):
        began = time.process_time_ns()
        for text in texts:
            way(text)
        costs.append(time.process_time_ns() - began)
    return min(costs) / 1_000
