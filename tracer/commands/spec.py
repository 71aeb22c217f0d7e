"""``bootseq spec``: assertions written from recorded boots, to edit and check."""

from __future__ import annotations

from pathlib import Path

import click

from tracer import gc_pause
from tracer.commands import inputs, printing
from tracer.commands.options import PATH
from tracer.commands.progress import progress
from tracer.errors import TracerError
from tracer.files import write
from tracer.spec import parser, writer
from tracer.spec.writer import Common
from tracer.text import plural


@click.command()
@click.option("-o", "--output", type=PATH, required=True, metavar="SPEC", help="Spec to write, a YAML file.")
@click.option(
    "--boot", "words", multiple=True, metavar="WHAT",
    help="Use this boot only: a server, a uuid, a request id, or a number from `bootseq list`; repeatable.",
)  # fmt: skip
@click.option("--partial", is_flag=True, help="Use an incomplete recording too.")
@click.argument("path", type=PATH, metavar="FILE")
def spec(path: Path, output: Path, words: tuple[str, ...], partial: bool) -> None:
    """Write a spec: assertions that the boots in FILE fulfil, to edit and to check without a baseline.

    FILE is a trace file, of which all boots count, or a baseline. SPEC expects the outcome, the order of the messages,
    and a number of steps of each kind by service. Numbers that grow with the ports, volumes or hosts of a trace file's
    boots are written so: 4 + 2 per port.

    \b
    Examples:
      bootseq spec nova-34.baseline -o boot.spec.yaml
      bootseq spec 34.trace.jsonl.gz --boot vm1 -o boot.spec.yaml
      bootseq check boot.spec.yaml today.trace.jsonl.gz
    """
    with progress() as doing, gc_pause.paused():
        doing(f"reading {path}")
        common, number, doubts = _common(path, words)
    if doubts and not partial:
        raise TracerError(f"{doubts[0]}; record again or pass --partial")
    for doubt in doubts:
        printing.note(f"warning: {doubt}")
    source = f"{plural(number, 'boot')} in {path.name}"
    text = writer.written(common, source)
    assertions = parser.read(text, str(output)).assertions
    with write.written(output, write.default_mode()) as file:
        file.write(text.encode())
    printing.done(output, f"{plural(len(assertions), 'assertion')} from {source}")


def _common(path: Path, words: tuple[str, ...]) -> tuple[Common, int, list[str]]:
    """Return what the boots in a file have in common, their number, and reasons to doubt the recording."""
    if inputs.written(path) is None:
        recorded = inputs.recorded(path, words)
        return writer.of_boots(recorded.boots, recorded.operation), len(recorded.boots), recorded.doubts
    side = inputs.read(path, words)
    if side.outline is not None:
        raise TracerError(f"{path}: an outline written by hand; name a trace file or a baseline")
    return writer.of_baseline(side.baseline), side.baseline.boots, side.doubts
