"""``bootseq check``: boots checked against a spec."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from diagrams.report import assertions
from tracer import gc_pause
from tracer.commands import inputs, printing
from tracer.commands.options import PATH, report_format, report_options
from tracer.commands.progress import progress
from tracer.errors import TracerError
from tracer.files import read
from tracer.model.assertions import Checked, Spec
from tracer.spec import check as spec_check
from tracer.spec import parser

PASSED, FAILED = 0, 1
_SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit"}


@click.command()
@report_options(_SUFFIXES)
@click.option("--boot", "words", multiple=True, metavar="WHAT", help="Check this boot only; repeatable.")
@click.option("--partial", is_flag=True, help="Allow a boot of an incomplete recording to pass.")
@click.argument("spec", type=PATH)
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="TRACE…")
def check(
    spec: Path, paths: tuple[Path, ...], format_: str | None, outputs: tuple[Path, ...], words: tuple[str, ...],
    partial: bool,
) -> None:  # fmt: skip
    """Check the boots in TRACEs against the assertions in SPEC (see `bootseq spec`).

    The exit code is 0 if every boot fulfils them, 1 if one does not, 2 if bootseq cannot decide. Each failure shows the
    steps that it is about. WHAT is a server's name or uuid, a request id, or a number from `bootseq list`.

    \b
    Examples:
      bootseq check boot.spec.yaml today.trace.jsonl.gz
      bootseq check boot.spec.yaml *.trace.jsonl.gz -o report.xml
    """
    formats = [report_format(output, format_, _SUFFIXES) for output in outputs]
    expected = parser.read(read.small_text(spec, 4 * parser.MAX_SIZE), str(spec))
    with progress() as doing, gc_pause.paused():
        checked: dict[str, list[Checked]] = {}
        doubts = []
        for path in dict.fromkeys(paths):
            doing(f"reading {path}")
            checked[str(path)], doubtful = _checked(expected, path, words)
            doubts += doubtful
    for doubt in doubts:
        printing.note(f"warning: {doubt}")
    passed = not any(boot.failures for boots in checked.values() for boot in boots)
    if passed and doubts and not partial:
        raise TracerError(
            "cannot decide: nothing fails, but the recording is incomplete; record again or pass --partial"
        )
    for output, format_of in zip(outputs, formats, strict=True):
        printing.report(output, assertions.report(expected, checked, format_of))
    if not outputs:
        printing.lines(assertions.report(expected, checked, format_ or "text"))
    sys.exit(PASSED if passed else FAILED)


def _checked(spec: Spec, path: Path, words: tuple[str, ...]) -> tuple[list[Checked], list[str]]:
    """Return the results of the boots of a trace file, and reasons to doubt its recording."""
    recorded = inputs.recorded(path, words)
    if spec.operation and recorded.operation != spec.operation:
        raise TracerError(f"{path}: {recorded.operation}, but {spec.name} is about {spec.operation}")
    return [spec_check.check(spec, boot) for boot in recorded.boots], recorded.doubts
