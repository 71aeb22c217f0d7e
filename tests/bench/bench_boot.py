"""The CPU of a whole boot with all default hooks, beside the same boots without hooks, in one run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from examples.embedded import EmbeddedCloud
from tests.bench.row import Row

BOOTS = 30
_TICK = 1 / os.sysconf("SC_CLK_TCK")


def run() -> Iterable[Row]:
    """Boot on a plain and a hooked cloud in turn, so that both meet the same machine."""
    with tempfile.TemporaryDirectory() as folder:
        plain = EmbeddedCloud("34", Path(folder, "plain"))
        hooked = EmbeddedCloud("34", Path(folder, "hooked"), capture=Path(folder, "capture"))
        with plain, hooked:
            without, within = _measured(plain, hooked)
    # The kernel reports CPU in truncated ticks of 10 ms: their mean is right, their median is not.
    yield Row("a boot's CPU, without hooks", mean(without), "s")
    yield Row("a boot's CPU, with all hooks", mean(within), "s", mean(within) / mean(without), "without")


def _measured(*clouds: EmbeddedCloud) -> list[list[float]]:
    """Return the CPU seconds of each cloud's boots, without the client's."""
    spent: list[list[float]] = [[] for _ in clouds]
    for number in range(BOOTS + 1):
        for cloud, seconds in zip(clouds, spent, strict=True):
            before = _cpu(cloud)
            cloud.boot(f"vm{number}")
            # The first boot fills caches, in both.
            if number:
                seconds.append(_cpu(cloud) - before)
    return spent


def _cpu(cloud: EmbeddedCloud) -> float:
    """Return the CPU seconds that the services and their forked workers have used."""
    return sum(_process_cpu(pid) for root in cloud.pids.values() for pid in (root, *_children(root)))


def _children(pid: int) -> list[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [below for word in words for below in (int(word), *_children(int(word)))]


def _process_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK
