"""``bootseq ingest``: captures to one trace file."""

from __future__ import annotations

from pathlib import Path

import click

from tracer import capture, collector, store
from tracer.commands.progress import Progress, progress
from tracer.correlate import correlate
from tracer.errors import TracerError
from tracer.event import Events
from tracer.sources import segments
from tracer.text import plural, printable


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Trace file to write; .gz packs it.",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
def ingest(output: Path, paths: tuple[Path, ...]) -> None:
    """Tie what captures hold together into one trace file.

    \b
    Example:
      bootseq ingest -o boot.trace.jsonl.gz cap
    """
    with progress() as doing, collector.paused():
        found = _read(paths, doing)
        doing(f"tying {plural(len(found.events), 'event')} together")
        trace = correlate(found)
        doing(f"writing {output}")
        store.write(output, trace)
    _warn(trace.warnings)
    click.echo(
        f"{output}: {plural(len(trace.boots), 'boot')} and {plural(len(trace.others), 'other request')} "
        f"from {plural(len(found.events), 'event')} of {plural(len(found.processes), 'process', 'processes')}"
    )


def _read(paths: tuple[Path, ...], doing: Progress) -> Events:
    """What all captures hold together; a process that stands in two, which are copies, counts once."""
    found = Events()
    offsets: dict[str, int] = {}
    known: set[str] = set()
    for path in dict.fromkeys(paths):
        doing(f"reading {path}")
        one = segments.read(_checked(path), offsets)
        again = known.intersection(process.key for process in one.processes)
        if again:
            one.warnings.append(
                f"{path}: {plural(len(again), 'process', 'processes')} of another capture again, left out"
            )
        found.events += [event for event in one.events if event.process.key not in again]
        found.processes += [process for process in one.processes if process.key not in again]
        found.warnings += one.warnings
        known.update(process.key for process in one.processes)
    if not found.events:
        _warn(found.warnings)
        raise TracerError(
            f"{', '.join(map(str, paths))}: no event in it; record some with: bootseq run -o {paths[0]} -- …"
        )
    return found


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        click.echo(f"bootseq: warning: {printable(warning)}", err=True)


def _checked(path: Path) -> Path:
    try:
        path.stat()
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror}") from None
    if not capture.is_capture(path):
        raise TracerError(f"{path}: not a capture; name a folder that `bootseq run -o` recorded into")
    return path
