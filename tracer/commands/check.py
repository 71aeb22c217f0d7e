"""``bootseq check``: boots checked against a spec."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from diagrams.report import assertions
from tracer import gc_pause
from tracer.commands import inputs, printing
from tracer.commands.options import PATH
from tracer.commands.progress import progress
from tracer.errors import TracerError
from tracer.files import read, write
from tracer.model.assertions import Checked, Spec
from tracer.spec import check as spec_check
from tracer.spec import parser

PASSED, FAILED = 0, 1
_SUFFIXES = {".txt": "text", ".json": "json", ".xml": "junit"}


@click.command()
@click.option(
    "--format", "format_", type=click.Choice(tuple(_SUFFIXES.values())),
    help="Format of the report; by default from the suffix of -o, else text.",
)  # fmt: skip
@click.option(
    "-o", "--output", "outputs", multiple=True, type=PATH, metavar="FILE",
    help=f"Report to write, {', '.join(_SUFFIXES)}; - is stdout. Repeatable.",
)  # fmt: skip
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
    formats = [_format(output, format_) for output in outputs]
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
        data = assertions.report(expected, checked, format_of).encode(errors="backslashreplace")
        with write.written(output, write.default_mode()) as file:
            file.write(data)
        printing.done(output, f"{len(data) / 1000:.0f} kB")
    if not outputs:
        printing.lines(assertions.report(expected, checked, format_ or "text"))
    sys.exit(PASSED if passed else FAILED)


def _format(output: Path, name: str | None) -> str:
    by_suffix = "text" if write.descriptor(output) is not None else _SUFFIXES.get(output.suffix.lower())
    if name or by_suffix:
        return name or str(by_suffix)
    raise TracerError(f"{output}: unknown report suffix; use one of {', '.join(_SUFFIXES)}, or pass --format")


def _checked(spec: Spec, path: Path, words: tuple[str, ...]) -> tuple[list[Checked], list[str]]:
    """Return the results of the boots of a trace file, and reasons to doubt its recording."""
    recorded = inputs.recorded(path, words)
    if spec.operation and recorded.operation != spec.operation:
        raise TracerError(f"{path}: {recorded.operation}, but {spec.name} is about {spec.operation}")
    return [spec_check.check(spec, boot) for boot in recorded.boots], recorded.doubts
