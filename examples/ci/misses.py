"""``python -m examples.ci.misses TRACE``: how many seeded changes to recorded boots the diff fails on, and names right.

Every mutation of examples.ci.mutations is made, with seeds, to boots of the trace; each mutated boot is compared with
the boot it was, or with ``--baseline`` with what all boots of the trace have in common, under the default policy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click

from examples.ci.judging import judged
from examples.ci.mutations import MUTATIONS
from tracer import trace_file
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.model import Baseline, Request

#: What makes `bootseq diff` exit with 1.
FAILS = "fail"


@dataclass(slots=True)
class Score:
    """What came of one mutation: how often it was made, found, and named right; what was not, in a line each."""

    name: str
    made: int = 0
    found: int = 0
    right: int = 0
    changes: int = 0
    misses: list[str] = field(default_factory=list)


def scores(boots: Sequence[Request], seeds: int, baseline: bool) -> Iterator[Score]:
    """The score of each mutation."""
    learned = learn([normal(boot) for boot in boots]) if baseline else None
    for name in MUTATIONS:
        score = Score(name)
        for seed in range(seeds):
            _try(score, boots, learned, Random(f"{name} {seed}"))
        yield score


def _try(score: Score, boots: Sequence[Request], learned: Baseline | None, random: Random) -> None:
    mutate, names = MUTATIONS[score.name]
    for boot in random.sample(boots, len(boots)):
        mutated = copy.deepcopy(boot)
        if (step := mutate(mutated, random)) is not None:
            break
    else:
        return
    changes = judged(learned or normal(boot), normal(mutated))
    failing = [change for change in changes if change.severity == FAILS]
    right = any(change.class_ in names for change in failing)
    score.made += 1
    score.found += bool(failing)
    score.right += right
    score.changes += len(failing)
    if not right:
        said = ", ".join(f"{change.class_} ({change.severity}) {change.text}" for change in changes)
        score.misses.append(f"{score.name}: {step.kind} {step.name} at {step.address}: {said or 'nothing'}")


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="Attempts of each mutation.")
@click.option("--baseline", is_flag=True, help="Against what all boots have in common, not the boot itself.")
def main(trace: Path, seeds: int, baseline: bool) -> None:
    """Print a line for each mutation, what was not found or named otherwise, and the whole."""
    total = Score("all")
    click.echo(f"{'mutation':<18}{'made':>6}{'found':>8}{'named right':>13}{'changes each':>14}")
    for score in scores(trace_file.read(trace).boots, seeds, baseline):
        click.echo(_line(score))
        for name in ("made", "found", "right", "changes"):
            setattr(total, name, getattr(total, name) + getattr(score, name))
        for miss in score.misses:
            click.echo(f"    {miss[:400]}")
    click.echo(_line(total))


def _line(score: Score) -> str:
    if not score.made:
        return f"{score.name:<18}{0:>6}"
    found, right, changes = (value / score.made for value in (score.found, score.right, score.changes))
    return f"{score.name:<18}{score.made:>6}{found:>8.1%}{right:>13.1%}{changes:>14.1f}"


if __name__ == "__main__":
    main()
