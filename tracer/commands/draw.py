"""``bootseq draw``: a boot, or several as one, as a picture or a document, by the suffix of the file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

import diagrams
from tracer.commands import printing, selection
from tracer.commands.paths import PATH
from tracer.commands.several import merged
from tracer.commands.show import detail_option
from tracer.errors import TracerError
from tracer.files import write


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
    type=PATH,
    required=True,
    metavar="FILE",
    help=f"Suffix chooses: {', '.join(diagrams.SUFFIXES)}; - is stdout, as txt.",
)
@click.option("--merged", "all_boots", is_flag=True, help="All boots of FILE as one diagram; the same as naming each.")
@click.option("--also", type=PATH, multiple=True, metavar="FILE", help="And all boots of this file; repeat.")
@click.argument("file", type=PATH)
@click.argument("boots", nargs=-1, metavar="[BOOT]…")
def draw(
    file: Path,
    boots: tuple[str, ...],
    output: Path,
    detail: str,
    paper: str | None,
    all_boots: bool,
    also: tuple[Path, ...],
) -> None:
    """Draw BOOT as a sequence diagram, a document, or a page to explore (.html).

    Several boots become one diagram: what only some of them do is framed as opt or alt, with the share of boots, what
    is repeated as loop, what comes in any order as par. Its steps have numbers of its own.

    \b
    Examples:
      bootseq draw boot.trace.jsonl.gz -o boot.svg
      bootseq draw boot.trace.jsonl.gz vm1 -o boot.md --detail full
      bootseq draw boot.trace.jsonl.gz --pages a4 -o boot.svg        a page of A4 a file, to print or to paste
      bootseq draw boot.trace.jsonl.gz -o boot.html        then boot.html#2-1-2 is step 2-1-2
      bootseq draw boots.trace.jsonl.gz vm1 vm2 vm3 -o boots.svg
      bootseq draw monday.trace.jsonl.gz --merged --also tuesday.trace.jsonl.gz -o boots.svg
    """
    if all_boots and boots:
        raise TracerError("--merged takes all boots of FILE; leave it out, or the boots")
    several = all_boots or len(boots) > 1 or bool(also)
    suffix = _suffix(output, several)
    if paper and suffix not in diagrams.PAGED:
        raise TracerError(f"{output}: only {_dotted(diagrams.PAGED)} have pages; leave --pages out")
    boot = merged(file, boots, also) if several else selection.boot(file, *boots)
    contents = diagrams.drawn(boot, suffix, detail, paper)
    for path, data in zip(_paths(output, len(contents)), contents, strict=True):
        with write.written(path, write.default_mode()) as picture:
            picture.write(data)
        printing.done(path, f"{len(data) / 1000:.0f} kB")


def _suffix(output: Path, several: bool) -> str:
    """How the file ends; a TracerError if nothing draws that."""
    suffix = output.suffix.removeprefix(".").lower() or ("txt" if write.descriptor(output) is not None else "")
    drawn = diagrams.MERGED_SUFFIXES if several else diagrams.SUFFIXES
    if suffix not in drawn:
        what = f"several boots as .{suffix}" if suffix in diagrams.SUFFIXES else f".{suffix}"
        wrong = f"cannot draw {what}" if suffix else "its suffix says what to draw, and it has none"
        raise TracerError(f"{output}: {wrong}; one of: {_dotted(drawn)}")
    return suffix


def _dotted(suffixes: Iterable[str]) -> str:
    return ", ".join(f".{each}" for each in suffixes)


def _paths(output: Path, count: int) -> list[Path]:
    """``boot.svg`` for one page, else ``boot-1.svg`` and so on, in an order that file listings keep."""
    if count == 1:
        return [output]
    digits = len(str(count))
    return [output.with_stem(f"{output.stem}-{number:0{digits}}") for number in range(1, count + 1)]
