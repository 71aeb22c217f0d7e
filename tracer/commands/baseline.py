"""``bootseq baseline``: the steps of several boots of one release and their variation, as a text file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from tracer import gc_pause
from tracer.commands import inputs, printing
from tracer.commands.inputs import Recorded
from tracer.commands.options import PATH
from tracer.commands.progress import Progress, progress
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.writer import written
from tracer.errors import TracerError
from tracer.files import write
from tracer.model import Baseline, Request
from tracer.text import plural

#: Fewer boots hardly show what varies from boot to boot.
FEW = 5


@click.command()
@click.option("-o", "--output", type=PATH, required=True, metavar="NAME", help="Baseline to write, a text file.")
@click.option(
    "--boot", "words", multiple=True, metavar="WHAT",
    help="Learn from this boot only: a server, a uuid, a request id, or a number from `bootseq list`; repeatable.",
)  # fmt: skip
@click.option("--outcome", metavar="WORD", help="Learn from boots with this outcome only: active, error.")
@click.option("--partial", is_flag=True, help="Learn from incomplete recordings too.")
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="FILE…")
def baseline(paths: tuple[Path, ...], output: Path, words: tuple[str, ...], outcome: str | None, partial: bool) -> None:
    """Learn from the boots in FILEs the steps of a release, and what varies from boot to boot.

    NAME is a numbered outline with ranges as counts, to commit, review and edit; `bootseq diff` reads it. Ten boots are
    a good number; the first boot after a service's start differs from those that follow.

    \b
    Examples:
      bootseq baseline 34.trace.jsonl.gz -o nova-34.baseline
      bootseq baseline monday.trace.jsonl.gz tuesday.trace.jsonl.gz -o nova-34.baseline --outcome active
    """
    with progress() as doing, gc_pause.paused():
        read = [_read(path, words, doing) for path in dict.fromkeys(paths)]
        _check_doubts(read, partial)
        boots = _alike(read, outcome)
        doing(f"learning from {plural(len(boots), 'boot')}")
        learned = learn([normal(boot) for boot in boots], output.name)
        text = written(learned)
    with write.written(output, write.default_mode()) as file:
        file.write(text.encode(errors="backslashreplace"))
    _warn(boots)
    printing.done(output, _summary(learned))


def _read(path: Path, words: tuple[str, ...], doing: Progress) -> Recorded:
    doing(f"reading {path}")
    if inputs.written(path) is not None:
        raise TracerError(f"{path}: already a baseline; learn from trace files")
    return inputs.recorded(path, words)


def _check_doubts(read: list[Recorded], partial: bool) -> None:
    """Refuse incomplete recordings without --partial: the baseline does not show what they lack."""
    doubts = [doubt for recorded in read for doubt in recorded.doubts]
    if doubts and not partial:
        more = f" (and {len(doubts) - 1} more like it)" if len(doubts) > 1 else ""
        raise TracerError(f"{doubts[0]}{more}; record again or pass --partial")
    for doubt in doubts:
        printing.note(f"warning: {doubt}")


def _alike(read: list[Recorded], outcome: str | None) -> list[Request]:
    """Return the boots to learn from; a TracerError if they are not of one kind."""
    operations = sorted({recorded.operation for recorded in read})
    if len(operations) > 1:
        raise TracerError(f"{' and '.join(operations)} are different requests; choose some with --boot")
    boots = [boot for recorded in read for boot in recorded.boots]
    if not all(boot.chapters for boot in boots):
        raise TracerError(f"{read[0].path}: a boot has no steps; choose others with --boot")
    outcomes = Counter(map(inputs.outcome, boots))
    ended = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    if outcome is None and len(outcomes) > 1:
        raise TracerError(
            f"the boots ended differently: {ended}; choose some with --outcome {inputs.usual(outcomes)} or --boot"
        )
    chosen = [boot for boot in boots if outcome in (None, inputs.outcome(boot))]
    if not chosen:
        raise TracerError(f"no boot ended {outcome}: {ended}")
    if "unfinished" in map(inputs.outcome, chosen):
        raise TracerError(f"{ended}: cannot learn from an unfinished boot; exclude it with --outcome or --boot")
    return chosen


def _warn(boots: list[Request]) -> None:
    releases = sorted({boot.versions["nova"] for boot in boots if "nova" in boot.versions})
    if len(releases) > 1:
        printing.note(f"warning: several releases of Nova in one baseline: {', '.join(releases)}")
    if len(boots) < FEW:
        few = plural(len(boots), "boot")
        printing.note(f"note: {few}; at least {FEW} are needed to show most of what varies")


def _summary(learned: Baseline) -> str:
    nodes = list(learned.walk())
    varying = sum(node.min_count != node.max_count or node.unordered for node in nodes)
    return f"{plural(learned.boots, 'boot')}, {plural(len(nodes), 'step')}, {varying} of them vary"
