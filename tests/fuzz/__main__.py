"""The fuzzer's command, which runs cases, counts outcomes and saves failing inputs: python -m tests.fuzz --help."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from tests.fuzz import failures
from tests.fuzz.kinds import KINDS, Case, case, unchanged
from tests.fuzz.worker import Outcome, run, warm_up

_EVERY = 10_000


def main() -> int:
    """Run the cases; return exit code 1 if any of them failed."""
    options = _arguments()
    warm_up(unchanged())
    counts: Counter[tuple[str, str]] = Counter()
    bad: list[Outcome] = []
    for outcome in run_all(options):
        counts[outcome.kind, outcome.how] += 1
        if not outcome.good:
            bad.append(outcome)
            new = failures.keep(options.keep, options.seed, outcome)
            click.echo(f"case {outcome.number}: {outcome.kind}: {outcome.how}: {new}")
        if counts.total() % _EVERY == 0:
            click.echo(f"{counts.total()} cases, {len(bad)} of them failed")
    _print(counts)
    return 1 if bad else 0


def run_all(options: argparse.Namespace) -> Iterator[Outcome]:
    """Yield the outcome of each case, until all have run or the time is over."""
    end = time.monotonic() + options.seconds if options.seconds else None
    for number in range(options.first, options.first + options.cases, 200):
        if end is not None and time.monotonic() > end:
            return
        yield from run(_cases(options, number))


def _cases(options: argparse.Namespace, number: int) -> list[Case]:
    last = min(number + 200, options.first + options.cases)
    cases = (case(options.seed, index) for index in range(number, last))
    return [candidate for candidate in cases if options.only in (None, candidate.kind.name)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so many seconds")
    parser.add_argument("--only", help="only this kind of input")
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), help="folder for failing inputs")
    return parser.parse_args()


def _print(counts: Counter[tuple[str, str]]) -> None:
    hows = sorted({how for _, how in counts})
    click.echo(f"{'input':<14}" + "".join(f"{how:>12}" for how in hows))
    for kind in KINDS:
        click.echo(f"{kind.name:<14}" + "".join(f"{counts[kind.name, how]:>12}" for how in hows))
    click.echo(f"{counts.total()} cases")


if __name__ == "__main__":
    sys.exit(main())
