"""``python -m examples.ci.misses TRACE``: seeded changes to recorded boots that the diff detects and classifies.

Every mutation of examples.ci.mutations is applied, by seed, to boots of the trace; each mutated boot is compared with
the original, or with ``--baseline`` with the baseline of all boots of the trace, under the default policy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click

from examples.ci.judging import judge
from examples.ci.mutations import MUTATIONS
from tracer import trace_file
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.model import Baseline, Request

#: What makes `bootseq diff` exit with 1.
FAILS = "fail"


@dataclass(slots=True)
class Score:
    """A mutation's score: how often it was applied, detected, and classified correctly; a line for each miss."""

    name: str
    applied: int = 0
    detected: int = 0
    correct: int = 0
    changes: int = 0
    misses: list[str] = field(default_factory=list)


def scores(boots: Sequence[Request], seeds: int, baseline: bool) -> Iterator[Score]:
    """Yield the score of each mutation."""
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
    changes = judge(learned or normal(boot), normal(mutated))
    failing = [change for change in changes if change.severity == FAILS]
    correct = any(change.class_ in names for change in failing)
    score.applied += 1
    score.detected += bool(failing)
    score.correct += correct
    score.changes += len(failing)
    if not correct:
        reported = ", ".join(f"{change.class_} ({change.severity}) {change.text}" for change in changes)
        score.misses.append(f"{score.name}: {step.kind} {step.name} at {step.address}: {reported or 'nothing'}")


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="Attempts of each mutation.")
@click.option("--baseline", is_flag=True, help="Compare with the baseline of all boots, not the original.")
def main(trace: Path, seeds: int, baseline: bool) -> None:
    """Print a line for each mutation with its misses, and the total."""
    total = Score("all")
    click.echo(f"{'mutation':<18}{'applied':>9}{'detected':>10}{'correct':>9}{'changes each':>14}")
    for score in scores(trace_file.read(trace).boots, seeds, baseline):
        click.echo(_line(score))
        for name in ("applied", "detected", "correct", "changes"):
            setattr(total, name, getattr(total, name) + getattr(score, name))
        for miss in score.misses:
            click.echo(f"    {miss[:400]}")
    click.echo(_line(total))


def _line(score: Score) -> str:
    if not score.applied:
        return f"{score.name:<18}{0:>9}"
    detected, correct, changes = (value / score.applied for value in (score.detected, score.correct, score.changes))
    return f"{score.name:<18}{score.applied:>9}{detected:>10.1%}{correct:>9.1%}{changes:>14.1f}"


if __name__ == "__main__":
    main()
