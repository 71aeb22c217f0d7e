"""``bootseq draw``: a boot as a picture or a document, by the suffix of the file."""

from __future__ import annotations

import os
from pathlib import Path

import click

import diagrams
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
    """Draw BOOT as a sequence diagram or a document.

    \b
    Examples:
      bootseq draw boot.trace.jsonl.gz -o boot.svg
      bootseq draw boot.trace.jsonl.gz vm1 -o boot.md --detail full
    """
    suffix = output.suffix.removeprefix(".")
    if suffix not in diagrams.RENDERERS:
        raise TracerError(
            f"{output}: cannot draw .{suffix}; one of: {', '.join('.' + each for each in diagrams.RENDERERS)}"
        )
    text = diagrams.render(choose.boot(file, boot), suffix, detail)
    draft = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(output)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise TracerError(f"{output}: cannot be written: {error.strerror}") from None
    click.echo(f"{output}: {len(text.encode(errors='backslashreplace')) / 1000:.0f} kB")
