"""``bootseq ingest``: captures, logs and message copies to one trace file."""

from __future__ import annotations

import sys
from datetime import tzinfo
from pathlib import Path
from typing import NoReturn

import click

from tracer import gc_pause, notices, oslo_config, trace_file
from tracer.commands import printing
from tracer.commands.paths import PATH
from tracer.commands.progress import Progress, progress
from tracer.correlation.pipeline import correlate
from tracer.errors import TracerError
from tracer.events import Events
from tracer.recording import capture
from tracer.sources import inputs as sources
from tracer.sources.logs import oslo_formats, times
from tracer.sources.logs.detect import Hints
from tracer.text import command, plural

#: Of several files in which nothing is, so many say why.
_MAX_REASONS = 3


@click.command()
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Trace file to write; .gz packs it.",
)
@click.option(
    "--utc-offset",
    "zone",
    callback=lambda context, option, value: _zone(value),
    default="+00:00",
    show_default=True,
    metavar="ZONE",
    help="How far the clock of the logs' lines is ahead of UTC, or its zone: +01:00, Europe/Berlin.",
)
@click.option(
    "--log-format", "strings", multiple=True, metavar="STRING",
    help="A format string of the services, as logging_context_format_string has it; once more for the default one.",
)  # fmt: skip
@click.option("--date-format", "date", metavar="FORMAT", help="Their log_date_format.")
@click.option(
    "--from-config", "configs", multiple=True, type=PATH, metavar="FILE",
    help="Take formats from a service's own file: /etc/nova/nova.conf. Once for each that has some.",
)  # fmt: skip
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH…")
def ingest(
    output: Path, zone: tzinfo, strings: tuple[str, ...], date: str | None, configs: tuple[Path, ...],
    paths: tuple[Path, ...],
) -> None:  # fmt: skip
    """Tie what captures, logs and message copies hold together into one trace file.

    PATH is a capture, a service's log (.gz, - for stdin), a file of message copies from RabbitMQ's firehose (.jsonl),
    a folder of these, or a pattern. They may be mixed: a step that several of them saw is one step, which names its
    witnesses. Logs tell most at DEBUG with SQL echo (connection_debug = 50). Where a part of what is read is damaged,
    the rest is tied together, each fault is named, and the exit code is 2.

    \b
    A log's form is seen from its lines:
      oslo.log's lines of 2011 to now, its JSON and Fluentd formatters
      journalctl -o export, -o json, or as it prints by itself; syslog; Docker's and Kubernetes' files
      other formats by --log-format or --from-config
      and between all of them uWSGI's access lines

    \b
    Examples:
      bootseq ingest -o boot.trace.jsonl.gz cap
      bootseq ingest -o boot.trace.jsonl.gz /var/log/nova '/var/log/neutron/*.log.gz' rpc.jsonl
      journalctl -o export -u 'devstack@*' | bootseq ingest -o boot.trace.jsonl.gz -
      bootseq ingest -o boot.trace.jsonl.gz --from-config /etc/nova/nova.conf --utc-offset Europe/Berlin /var/log/nova
    """
    services = [oslo_formats.service_formats(oslo_config.read(path), str(path)) for path in configs]
    hints = Hints(zone, (*oslo_formats.explicit_formats(strings, date), *services))
    with progress() as doing, gc_pause.paused():
        found = _read(paths, hints, doing)
        doing(f"tying {plural(len(found.events), 'event')} together")
        trace = correlate(found)
        doing(f"writing {output}")
        trace_file.write(output, trace)
    _warn(trace.warnings)
    printing.done(
        output,
        f"{plural(len(trace.boots), 'boot')} and {plural(len(trace.others), 'other request')} "
        f"from {plural(len(found.events), 'event')} of {plural(len(found.processes), 'process', 'processes')}",
    )
    if found.damaged:
        sys.exit(2)


def _read(paths: tuple[Path, ...], hints: Hints, doing: Progress) -> Events:
    """What all of them hold together; a process that stands in two captures, which are copies, counts once."""
    found = Events()
    known: set[str] = set()
    every = list(sources.expand(paths))
    for path, one in sources.read_all(every, hints, lambda path, share: doing(f"reading {path}", share)):
        again = known.intersection(process.key for process in one.processes)
        if again:
            one.warnings.append(notices.processes_repeated(str(path), len(again)).text)
        found.events += [event for event in one.events if event.process.key not in again]
        found.processes += [process for process in one.processes if process.key not in again]
        found.warnings += one.warnings
        found.damaged = found.damaged or one.damaged
        known.update(process.key for process in one.processes)
    if not found.events:
        _refuse(paths, found.warnings)
    return found


def _refuse(paths: tuple[Path, ...], warnings: list[str]) -> NoReturn:
    if not any(capture.is_capture(path) for path in paths):
        # Logs and copies: why each was left out is all there is to say.
        raise TracerError("; ".join(warnings[:_MAX_REASONS]))
    _warn(warnings)
    run = command("bootseq", "run", "-o", paths[0])
    raise TracerError(f"{', '.join(map(str, paths))}: no event in it; record some with: {run} -- …")


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        printing.note(f"warning: {warning}")


def _zone(text: str) -> tzinfo:
    try:
        return times.parse_zone(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
