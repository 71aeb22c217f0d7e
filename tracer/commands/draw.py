"""``bootseq draw``: a boot as a picture or a document, by the suffix of the file."""

from __future__ import annotations

from collections.abc import Iterable
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
    "--pages",
    "paper",
    type=click.Choice(list(diagrams.PAPERS)),
    help="A .svg or .png file a page: x-1.svg, x-2.svg …",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help=f"Suffix chooses: {', '.join(diagrams.SUFFIXES)}.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("boot", required=False)
def draw(file: Path, boot: str | None, output: Path, detail: str, paper: str | None) -> None:
    """Draw BOOT as a sequence diagram, a document, or a page to explore (.html).

    \b
    Examples:
      bootseq draw boot.trace.jsonl.gz -o boot.svg
      bootseq draw boot.trace.jsonl.gz vm1 -o boot.md --detail full
      bootseq draw boot.trace.jsonl.gz --pages a4 -o boot.svg        a page of A4 a file, to print or to paste
      bootseq draw boot.trace.jsonl.gz -o boot.html        then boot.html#2-1-2 is step 2-1-2
    """
    suffix = output.suffix.removeprefix(".").lower()
    if suffix not in diagrams.SUFFIXES:
        raise TracerError(f"{output}: cannot draw .{suffix}; one of: {_dotted(diagrams.SUFFIXES)}")
    if paper and suffix not in diagrams.PAGED:
        raise TracerError(f"{output}: only {_dotted(diagrams.PAGED)} have pages; leave --pages out")
    contents = diagrams.drawn(choose.boot(file, boot), suffix, detail, paper)
    for path, data in zip(_paths(output, len(contents)), contents, strict=True):
        with files.written(path, files.default_mode()) as picture:
            picture.write(data)
        click.echo(f"{path}: {len(data) / 1000:.0f} kB")


def _dotted(suffixes: Iterable[str]) -> str:
    return ", ".join(f".{each}" for each in suffixes)


def _paths(output: Path, count: int) -> list[Path]:
    """``boot.svg`` for one page, else ``boot-1.svg`` and so on, in an order that file listings keep."""
    if count == 1:
        return [output]
    digits = len(str(count))
    return [output.with_stem(f"{output.stem}-{number:0{digits}}") for number in range(1, count + 1)]
