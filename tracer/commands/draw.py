"""``bootseq draw``: a boot, or several boots merged into one, as a picture or a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

import diagrams
from tracer.commands import completion, inputs, printing, selection
from tracer.commands.inputs import Recorded
from tracer.commands.options import PATH
from tracer.commands.tree import detail_option
from tracer.diff.merge.merge import merge
from tracer.errors import TracerError
from tracer.files import write
from tracer.model import Merged, Request


@click.command()
@detail_option
@click.option(
    "--pages",
    "paper",
    type=click.Choice(list(diagrams.PAPERS)),
    help="Write one .svg or .png file a page: x-1.svg, x-2.svg …",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    type=PATH,
    required=True,
    multiple=True,
    metavar="FILE",
    help=f"File to write; its suffix is the format: {', '.join(diagrams.SUFFIXES)}; - is stdout, txt. Repeatable.",
)
@click.option(
    "--format", "format_", type=click.Choice(diagrams.SUFFIXES), help="Format of the outputs, whatever their suffix."
)
@click.option("--merged", "all_boots", is_flag=True, help="Merge all boots of FILE into one diagram.")
@click.option("--also", type=PATH, multiple=True, metavar="FILE", help="Merge all boots of this file too; repeatable.")
@click.argument("file", type=PATH)
@click.argument("boots", nargs=-1, metavar="[WHAT]…", shell_complete=completion.what)
def draw(
    file: Path,
    boots: tuple[str, ...],
    outputs: tuple[Path, ...],
    format_: str | None,
    detail: str | None,
    paper: str | None,
    all_boots: bool,
    also: tuple[Path, ...],
) -> None:
    """Draw a boot as a sequence diagram, a document, or an interactive page (.html).

    WHAT is a server's name or uuid, a request id, or a number from `bootseq list`; it may be omitted if FILE holds one
    boot. Several boots are merged into one diagram with its own step numbers: steps of only some boots are framed as
    opt or alt with the share of boots, repeated steps as loop, steps in varying order as par.

    \b
    Examples:
      bootseq draw boot.trace.jsonl.gz -o boot.svg
      bootseq draw boot.trace.jsonl.gz vm1 -o boot.md --detail full
      bootseq draw boot.trace.jsonl.gz -o boot.svg -o boot.md
      bootseq draw boot.trace.jsonl.gz -o - --format svg | rsvg-convert -o boot.png
      bootseq draw boot.trace.jsonl.gz --pages a4 -o boot.svg        one A4 page per file
      bootseq draw boot.trace.jsonl.gz -o boot.html        boot.html#2-1-2 opens step 2-1-2
      bootseq draw boots.trace.jsonl.gz vm1 vm2 vm3 -o boots.svg
      bootseq draw monday.trace.jsonl.gz --merged --also tuesday.trace.jsonl.gz -o boots.svg
    """
    if all_boots and boots:
        raise TracerError("--merged cannot be combined with WHAT: it takes all boots of FILE")
    several = all_boots or len(boots) > 1 or bool(also)
    suffixes = [_suffix(output, format_, several) for output in outputs]
    for output, suffix in zip(outputs, suffixes, strict=True):
        if paper and suffix not in diagrams.PAGED:
            raise TracerError(f"{output}: --pages needs one of {_dotted(diagrams.PAGED)}; choose one, or omit --pages")
    boot = _merged(file, boots, also) if several else selection.boot(file, *boots)
    for output, suffix in zip(outputs, suffixes, strict=True):
        _write(output, diagrams.drawn(boot, suffix, detail or diagrams.default_detail(suffix), paper))


def _write(output: Path, contents: Sequence[bytes]) -> None:
    for path, data in zip(_paths(output, len(contents)), contents, strict=True):
        with write.written(path, write.default_mode()) as picture:
            picture.write(data)
        printing.done(path, f"{len(data) / 1000:.0f} kB")


def _suffix(output: Path, chosen: str | None, several: bool) -> str:
    """Return the format that was chosen, else by the file's suffix; a TracerError if it cannot be drawn."""
    suffix = (
        chosen or output.suffix.removeprefix(".").lower() or ("txt" if write.descriptor(output) is not None else "")
    )
    supported = diagrams.MERGED_SUFFIXES if several else diagrams.SUFFIXES
    if suffix not in supported:
        format_ = f"several boots as .{suffix}" if suffix in diagrams.SUFFIXES else f".{suffix}"
        problem = f"cannot draw {format_}" if suffix else "missing suffix, which is the format"
        raise TracerError(f"{output}: {problem}; use one of: {_dotted(supported)}")
    return suffix


def _dotted(suffixes: Iterable[str]) -> str:
    return ", ".join(f".{suffix}" for suffix in suffixes)


def _paths(output: Path, count: int) -> list[Path]:
    """Return ``boot.svg`` for one page, else ``boot-1.svg`` and so on, padded so that file listings keep the order."""
    if count == 1:
        return [output]
    digits = len(str(count))
    return [output.with_stem(f"{output.stem}-{number:0{digits}}") for number in range(1, count + 1)]


def _merged(file: Path, words: Sequence[str], also: Sequence[Path]) -> Merged:
    """Merge the boots of ``file``, or those that ``words`` name, and all boots of the other files."""
    sources = [inputs.recorded(file, words, "WHAT"), *(inputs.recorded(path, (), "WHAT") for path in also)]
    operations = sorted({recorded.operation for recorded in sources})
    if len(operations) > 1:
        raise TracerError(f"cannot merge different requests: {' and '.join(operations)}")
    for recorded in sources:
        if not all(boot.chapters for boot in recorded.boots):
            raise TracerError(f"{recorded.path}: a boot has no steps; name the others")
    return merge([boot for recorded in sources for boot in recorded.boots], _titles(sources))


def _titles(sources: list[Recorded]) -> list[str]:
    """Return the boots' titles: the servers' names, and more where two servers have the same name."""
    boots = [(recorded.path, boot) for recorded in sources for boot in recorded.boots]
    names = Counter(_name(boot) for _, boot in boots)
    paths = Counter((path, _name(boot)) for path, boot in boots)
    return [
        _name(boot) if names[_name(boot)] == 1
        else f"{_stem(path)}:{_name(boot)}" if paths[path, _name(boot)] == 1
        else f"{_stem(path)}:{boot.number}"
        for path, boot in boots
    ]  # fmt: skip


def _name(boot: Request) -> str:
    return boot.server or str(boot.number)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".trace")
