"""``bootseq ingest``: captures, logs and message copies into one trace file."""

from __future__ import annotations

import sys
from datetime import tzinfo
from pathlib import Path
from typing import NoReturn

import click

from tracer import gc_pause, notices, oslo_config, trace_file
from tracer.commands import printing
from tracer.commands.options import PATH
from tracer.commands.progress import Progress, progress
from tracer.correlation.pipeline import correlate
from tracer.errors import TracerError
from tracer.events import Events
from tracer.recording import capture
from tracer.sources import inputs as sources
from tracer.sources.logs import oslo_formats, times
from tracer.sources.logs.detect import Hints
from tracer.text import command, plural

#: Maximum number of reasons for files without events in one error.
_MAX_REASONS = 3


@click.command()
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="FILE",
    help="Trace file to write; compressed if it ends in .gz.",
)
@click.option(
    "--utc-offset",
    "zone",
    callback=lambda context, option, value: _zone(value),
    default="+00:00",
    show_default=True,
    metavar="ZONE",
    help="UTC offset or time zone of the logs' dates: +01:00, Europe/Berlin.",
)
@click.option(
    "--log-format", "strings", multiple=True, metavar="STRING",
    help="Format string of the services' logs, such as their logging_context_format_string; repeatable.",
)  # fmt: skip
@click.option("--date-format", "date", metavar="FORMAT", help="The services' log_date_format.")
@click.option(
    "--from-config", "configs", multiple=True, type=PATH, metavar="FILE",
    help="Read log formats from a service's configuration: /etc/nova/nova.conf; repeatable.",
)  # fmt: skip
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="PATH…")
def ingest(
    output: Path, zone: tzinfo, strings: tuple[str, ...], date: str | None, configs: tuple[Path, ...],
    paths: tuple[Path, ...],
) -> None:  # fmt: skip
    """Correlate captures, logs and message copies into one trace file.

    PATH is a capture, a service's log (packed or not, - for stdin), a file of message copies (.jsonl), a folder or an
    archive of these (.zip, .tar.*: a sosreport), or a pattern. Sources may be mixed: a step seen by several witnesses
    appears once and lists them.
    Logs hold most at DEBUG with SQL echo (connection_debug = 50). If a source is damaged in part, the rest is
    correlated, each error is reported, and the exit code is 2.

    \b
    The format of a log is detected from its lines:
      oslo.log's lines from 2011 to now, its JSON and Fluentd formatters
      journalctl's output, default, -o export or -o json; syslog; Docker's and Kubernetes' files
      exports of Loki, Grafana, Kibana and OpenSearch: JSON, JSON lines, CSV
      other formats with --log-format or --from-config
      uWSGI's access lines among any of them
    Message copies: from bootseq tap, RabbitMQ's tracing plugin, rabbitmqadmin get, or pika (JSON lines)
    Spans: OpenTelemetry's (OTLP: JSON lines, protobuf as .pb), Jaeger's and Zipkin's JSON, osprofiler's JSON and HTML

    \b
    Examples:
      bootseq ingest -o boot.trace.jsonl.gz cap
      bootseq ingest -o boot.trace.jsonl.gz sosreport-kite.tar.xz
      bootseq ingest -o boot.trace.jsonl.gz /var/log/nova '/var/log/neutron/*.log.gz' rpc.jsonl
      journalctl -o export -u 'devstack@*' | bootseq ingest -o boot.trace.jsonl.gz -
      bootseq ingest -o boot.trace.jsonl.gz --from-config /etc/nova/nova.conf --utc-offset Europe/Berlin /var/log/nova
    """
    services = [oslo_formats.service_formats(oslo_config.read(path), str(path)) for path in configs]
    hints = Hints(zone, (*oslo_formats.explicit_formats(strings, date), *services))
    with progress() as doing, gc_pause.paused():
        events = _read(paths, hints, doing)
        doing(f"correlating {plural(len(events.events), 'event')}")
        trace = correlate(events)
        doing(f"writing {output}")
        trace_file.write(output, trace)
    _warn(trace.warnings)
    printing.done(
        output,
        f"{plural(len(trace.boots), 'boot')} and {plural(len(trace.others), 'other request')} "
        f"from {plural(len(events.events), 'event')} of {plural(len(events.processes), 'process', 'processes')}",
    )
    if events.damaged:
        sys.exit(2)


def _read(paths: tuple[Path, ...], hints: Hints, doing: Progress) -> Events:
    """Read all sources; a process in two captures, of which one is a copy, counts once."""
    events = Events()
    known: set[str] = set()
    all_paths = list(sources.expand(paths))
    for path, source in sources.read_all(all_paths, hints, lambda path, share: doing(f"reading {path}", share)):
        again = known.intersection(process.key for process in source.processes)
        if again:
            source.warnings.append(notices.processes_repeated(str(path), len(again)).text)
        events.events += [event for event in source.events if event.process.key not in again]
        events.processes += [process for process in source.processes if process.key not in again]
        events.warnings += source.warnings
        events.bounds += source.bounds
        events.is_of_hosts = events.is_of_hosts or source.is_of_hosts
        events.damaged = events.damaged or source.damaged
        known.update(process.key for process in source.processes)
    if not events.events:
        _refuse(paths, events.warnings)
    return events


def _refuse(paths: tuple[Path, ...], warnings: list[str]) -> NoReturn:
    if not any(capture.is_capture(path) for path in paths):
        # For logs and copies the warnings are the reasons.
        raise TracerError("; ".join(warnings[:_MAX_REASONS]))
    _warn(warnings)
    run = command("bootseq", "run", "-o", paths[0])
    raise TracerError(f"{', '.join(map(str, paths))}: no events recorded; record some with: {run} -- …")


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        printing.note(f"warning: {warning}")


def _zone(text: str) -> tzinfo:
    try:
        return times.parse_zone(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
