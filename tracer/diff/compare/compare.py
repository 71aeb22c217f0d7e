"""The comparison of two boots or baselines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tracer.diff.baseline import details
from tracer.diff.compare import align, moves
from tracer.diff.compare import changes as compare_changes
from tracer.diff.compare.subtrees import Digests, copy_nodes
from tracer.model import Baseline, Change, Comparison, Pair
from tracer.text import spread


def compare(old: Baseline, new: Baseline) -> Comparison:
    """Return all changes from ``old`` to ``new``, each of severity ``fail`` until a policy assigns another.

    The comparison holds copies of both trees, in which runs of equal steps may be split; the arguments stay as they
    are. Takes O(n log n) time for n steps.
    """
    old, new = (replace(side, nodes=copy_nodes(side.nodes)) for side in (old, new))
    known = Digests()
    top = Pair(None, None, children=align.aligned(old.nodes, new.nodes, known))
    moves.join(top, known)
    changes = [*_outcomes(old, new), *compare_changes.mark(top), *_log_lines(old, new)]
    verdict = "differs" if changes else "same"
    return Comparison(old, new, top.children, changes, verdict, details.unknown(top.walk()))


def _outcomes(old: Baseline, new: Baseline) -> Iterator[Change]:
    if old.outcomes and not set(new.outcomes) <= set(old.outcomes):
        text = f"the boot ended {_or(old.outcomes)}, and now {_or(new.outcomes)}"
        yield Change("outcome", "boot", "client", text, old_text=_or(old.outcomes), new_text=_or(new.outcomes))


def _or(outcomes: tuple[str, ...]) -> str:
    return " or ".join(outcomes) or "unknown"


def _log_lines(old: Baseline, new: Baseline) -> Iterator[Change]:
    for service in sorted(old.log_lines.keys() & new.log_lines.keys()):
        before, now = old.log_lines[service], new.log_lines[service]
        if now[0] > before[1] or now[1] < before[0]:
            text = f"log lines: {spread(*before)} → {spread(*now)}"
            yield Change("logged", "log", service, text, old_text=spread(*before), new_text=spread(*now))
