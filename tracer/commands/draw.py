"""``bootseq draw``: a boot as a picture or a document, by the suffix of the file."""

from __future__ import annotations

from pathlib import Path

import click

import diagrams
from tracer import files
from tracer.commands import choose
from tracer.commands.show import detail_option
from tracer.errors import TracerError


@click.command()
@detail_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help=f"Suffix chooses: {', '.join(diagrams.RENDERERS)}.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("boot", required=False)
def draw(file: Path, boot: str | None, output: Path, detail: str) -> None:
    """Draw BOOT as a sequence diagram, a document, or a page to explore (.html).

    \b
    Examples:
      bootseq draw boot.trace.jsonl.gz -o boot.svg
      bootseq draw boot.trace.jsonl.gz vm1 -o boot.md --detail full
      bootseq draw boot.trace.jsonl.gz -o boot.html        then boot.html#2-1-2 is step 2-1-2
    """
    suffix = output.suffix.removeprefix(".").lower()
    if suffix not in diagrams.RENDERERS:
        raise TracerError(
            f"{output}: cannot draw .{suffix}; one of: {', '.join('.' + each for each in diagrams.RENDERERS)}"
        )
    text = diagrams.render(choose.boot(file, boot), suffix, detail)
    data = text.encode(errors="backslashreplace")
    with files.written(output, files.default_mode()) as picture:
        picture.write(data)
    click.echo(f"{output}: {len(data) / 1000:.0f} kB")
