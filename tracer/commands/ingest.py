"""``bootseq ingest``: captures to one trace file."""

from __future__ import annotations

from pathlib import Path

import click

from tracer import capture, store
from tracer.correlate import correlate
from tracer.errors import TracerError
from tracer.event import Events
from tracer.sources import segments


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
    found = Events()
    for path in paths:
        one = segments.read(_checked(path))
        found.events += one.events
        found.processes += one.processes
        found.warnings += one.warnings
    trace = correlate(found)
    store.write(output, trace)
    for warning in trace.warnings:
        click.echo(f"bootseq: warning: {warning}", err=True)
    click.echo(
        f"{output}: {len(trace.boots)} boots and {len(trace.others)} other requests "
        f"from {len(found.events)} events of {len(found.processes)} processes"
    )


def _checked(path: Path) -> Path:
    if not path.exists():
        raise TracerError(f"{path}: no such file or folder")
    if not capture.is_capture(path):
        raise TracerError(f"{path}: not a capture; name a folder that `bootseq run -o` recorded into")
    return path
