"""``python -m examples.ci.spec_misses TRACE``: seeded changes to recorded boots that a spec of these boots detects.

Every mutation of examples.ci.mutations is applied, by seed, to boots of the trace; each mutated boot is checked against
the spec that ``bootseq spec`` writes of all of them. A change that passes is explained, or it is a miss.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click

from examples.ci.mutations import MUTATIONS
from tracer import trace_file
from tracer.commands import inputs
from tracer.model import Request, lanes
from tracer.model.assertions import Number, Spec
from tracer.spec import keys, parser, writer
from tracer.spec.check import check

#: Explanations of a change that passes: the boot has the same steps, or counts that the spec's boots have, too.
UNSTATED, IN_RANGE = "unstated", "in range"
DETECTED, MISSED = "detected", "missed"
COLUMNS = (DETECTED, UNSTATED, IN_RANGE, MISSED)


@dataclass(slots=True)
class Score:
    """A mutation's results by column, with a line for each miss."""

    name: str
    results: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)


def scores(boots: Sequence[Request], seeds: int) -> Iterator[Score]:
    """Yield the score of each mutation."""
    common = writer.of_boots(boots, inputs.operation(boots[0]))
    spec = parser.read(writer.written(common, "the boots"), "boot.spec.yaml")
    for name, (mutate, _) in MUTATIONS.items():
        score = Score(name)
        for seed in range(seeds):
            random = Random(f"{name} {seed}")
            for boot in random.sample(boots, len(boots)):
                mutated = copy.deepcopy(boot)
                if (step := mutate(mutated, random)) is not None:
                    result = _result(spec, boot, mutated)
                    score.results[result] += 1
                    if result == MISSED:
                        score.misses.append(f"{step.kind} {step.name} at {step.address}")
                    break
        yield score


def _result(spec: Spec, boot: Request, mutated: Request) -> str:
    if check(spec, mutated).failures:
        return DETECTED
    before, after = _counts(boot), _counts(mutated)
    if before == after:
        return UNSTATED
    changed = {name for name in before | after if before[name] != after[name]}
    return IN_RANGE if all(_varies(spec, *name) for name in changed) else MISSED


def _counts(boot: Request) -> Counter[tuple[str, str]]:
    """Count the steps by service and key, as a spec does."""
    return Counter((lanes.family(step.service), key) for step in boot.walk() for key in keys.of(step))


def _varies(spec: Spec, service: str, key: str) -> bool:
    """Return whether the spec's own boots differ in the count of a key, or of its kind where it names no such key."""
    numbers = {(line.service, line.key): line.count for line in spec.assertions if isinstance(line, Number)}
    count = numbers.get((service, key)) or numbers.get((service, f"{key.partition('.')[0]}.*"))
    return count is not None and count.least != count.most


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--seeds", type=click.IntRange(min=1), default=4, show_default=True, help="Attempts of each mutation.")
def main(trace: Path, seeds: int) -> None:
    """Print a line for each mutation with its misses, and the total."""
    total: Counter[str] = Counter()
    click.echo(f"{'mutation':<18}{'applied':>9}" + "".join(f"{column:>10}" for column in COLUMNS))
    for score in scores(trace_file.read(trace).boots, seeds):
        click.echo(_line(score.name, score.results))
        total += score.results
        for miss in score.misses:
            click.echo(f"    {miss[:200]}")
    click.echo(_line("all", total))


def _line(name: str, results: Counter[str]) -> str:
    return f"{name:<18}{results.total():>9}" + "".join(f"{results[column]:>10}" for column in COLUMNS)


if __name__ == "__main__":
    main()
