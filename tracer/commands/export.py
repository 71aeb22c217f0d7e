"""``bootseq export``: a boot in the formats of other tracing tools, as a file or sent to a receiver."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from diagrams.text import by_kind
from tracer import gc_pause, packed, trace_file
from tracer.commands import completion, printing, selection
from tracer.commands.options import PATH
from tracer.commands.progress import progress
from tracer.errors import TracerError
from tracer.export import existing, formats, receiver
from tracer.export.batches import encoded
from tracer.export.existing import ExistingTrace
from tracer.export.formats import BY_SUFFIX, Format
from tracer.export.log_records import log_records
from tracer.export.mapping import span_tree
from tracer.export.responses import partial_success
from tracer.export.spans import SpanTree
from tracer.files import read as files_read
from tracer.files import write
from tracer.model import Request
from tracer.text import plural

#: A header whose value is in a variable of the environment or a file.
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(env|file):(.+)")
_VALUE = re.compile(r"[\x20-\x7e]+")
_MAX_HEADER = 16 << 10


@click.command()
@click.option("-o", "--output", type=PATH, metavar="FILE", help="File to write; its suffix is the format.")
@click.option("--format", "format_", type=click.Choice(list(BY_SUFFIX)), help="Format, whatever the suffix is.")
@click.option("--to", "url", metavar="URL", help="Send OTLP over HTTP to a receiver: http://127.0.0.1:4318.")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME=env:VARIABLE|NAME=file:PATH",
    help="Header of each request, with its value from the environment or a file; repeatable.",
)  # fmt: skip
@click.option(
    "--logs", is_flag=True,
    help="Also export log lines as OTLP logs: to x.logs.otlp.jsonl beside x.otlp.jsonl, or to /v1/logs.",
)  # fmt: skip
@click.option(
    "--existing-trace", is_flag=True,
    help="Export into the trace whose id the boot's requests carried (W3C traceparent), below the span that sent it.",
)  # fmt: skip
@click.option("--all-boots", is_flag=True, help="Export all boots of FILE.")
@click.argument("file", type=PATH)
@click.argument("what", required=False, shell_complete=completion.what)
def export(
    file: Path, what: str | None, output: Path | None, format_: str | None, url: str | None, headers: tuple[str, ...],
    logs: bool, existing_trace: bool, all_boots: bool,
) -> None:  # fmt: skip
    """Export a boot for Jaeger, Tempo, Grafana, Perfetto, speedscope and others.

    WHAT is a server's name or uuid, a request id, or a number from `bootseq list`; it may be omitted if FILE holds one
    boot. What a format cannot hold is named on stderr. Exporting the same boot again gives the same ids.

    \b
    Suffixes (with .gz behind it the file is packed):
      .otlp.jsonl       OpenTelemetry, as the collector's file exporter writes it
      .otlp.pb          the same as protobuf (needs bootseq[otlp])
      .pftrace          Perfetto (needs bootseq[perfetto])
      .speedscope.json  speedscope
      .folded           flame graphs
      .appmap.json      AppMap
      .jaeger.json      Jaeger
      .zipkin.json      Zipkin

    \b
    Examples:
      bootseq export boot.trace.jsonl.gz -o boot.otlp.jsonl
      bootseq export boot.trace.jsonl.gz vm1 -o boot.pftrace
      bootseq export boot.trace.jsonl.gz --to http://127.0.0.1:4318 --logs
      bootseq export boot.trace.jsonl.gz --to https://otlp.example.org --header Authorization=env:TOKEN
    """
    if (output is None) == (url is None):
        raise TracerError("export needs either -o FILE or --to URL")
    if all_boots and what:
        raise TracerError("--all-boots cannot be combined with WHAT")
    chosen = _format(output, format_)
    if logs and not chosen.logs:
        raise TracerError(f"--logs needs .otlp.jsonl or .otlp.pb; .{chosen.suffix} has no logs")
    if existing_trace and not chosen.ids:
        raise TracerError(f"--existing-trace is for OTLP, Jaeger and Zipkin; .{chosen.suffix} has no ids of traces")
    if url is None and headers:
        raise TracerError("--header is for --to URL")
    target = receiver.Receiver(url, dict(map(_header, headers))) if url is not None else None
    omitted = chosen.omitted()
    requests = _requests(file, what, all_boots=all_boots)
    with gc_pause.paused():
        trees = [span_tree(request, _existing(request) if existing_trace else None) for request in requests]
        if target is not None:
            _send(trees, target, chosen, logs=logs)
        elif output is not None:
            _write(trees, output, chosen, logs=logs)
    if omitted:
        printing.note(f".{chosen.suffix} cannot hold: {omitted.replace('notes', _notes(trees))}")


def _format(output: Path | None, name: str | None) -> Format:
    if name is not None:
        chosen = BY_SUFFIX[name]
    elif output is None:
        chosen = BY_SUFFIX["otlp.pb"]
    else:
        chosen = formats.of_name(output.name)
    if output is None and not chosen.logs:
        raise TracerError(f"--to sends OTLP: --format otlp.pb or otlp.jsonl, not {chosen.suffix}")
    return chosen


def _header(text: str) -> tuple[str, str]:
    """Return a header's name and value; a TracerError that never quotes a value."""
    match = _HEADER.fullmatch(text)
    if match is None:
        name = text.partition("=")[0][:40]
        raise TracerError(
            f"--header {name}: write it as NAME=env:VARIABLE or NAME=file:PATH: "
            "every process of the machine can read an argument"
        )
    name, source, where = match.groups()
    if source == "env":
        value = os.environ.get(where)
        if value is None:
            raise TracerError(f"--header {name}: the environment has no variable {where}")
    else:
        value = files_read.small_text(Path(where), _MAX_HEADER)
    if not _VALUE.fullmatch(value.strip()):
        raise TracerError(f"--header {name}: the value in {where} is empty or holds more than one line of ASCII")
    return name, value.strip()


def _requests(file: Path, what: str | None, *, all_boots: bool) -> Sequence[Request]:
    if not all_boots:
        return [selection.boot(file, what)]
    boots = trace_file.read(file).boots
    if not boots:
        raise TracerError(f"{file} holds no boots")
    return boots


def _existing(request: Request) -> ExistingTrace:
    known = existing.existing_trace(request)
    if known is None:
        name = request.server or request.uuid or request.request_id
        raise TracerError(f"{name}: no request, message or log line of it carries a traceparent; omit --existing-trace")
    return known


def _write(trees: Sequence[SpanTree], output: Path, chosen: Format, *, logs: bool) -> None:
    _write_file(output, chosen.traces(trees), _spans(trees))
    if logs:
        count = sum(len(span.notes) for tree in trees for span in tree.spans)
        _write_file(_logs_path(output, chosen), chosen.log_parts(trees), plural(count, "log record"))


def _write_file(path: Path, parts: Iterable[bytes], content: str) -> None:
    size = 0
    with write.written(path, write.default_mode()) as binary, packed.writer(binary, path.name) as file:
        for part in parts:
            file.write(part)
            size += len(part)
    printing.done(path, f"{content}, {size / 1000:.0f} kB")


def _logs_path(output: Path, chosen: Format) -> Path:
    """Return ``x.logs.otlp.jsonl`` for ``x.otlp.jsonl``: a file holds one signal."""
    if write.descriptor(output) is not None:
        raise TracerError("--logs writes a second file: name a file with -o")
    stem, suffix, packed = output.name.rpartition(f".{chosen.suffix}")
    return output.with_name(f"{stem}.logs{suffix}{packed}" if suffix else f"{output.name}.logs")


def _send(trees: Sequence[SpanTree], target: receiver.Receiver, chosen: Format, *, logs: bool) -> None:
    rejected = _send_signal(trees, target, chosen, "traces")
    if logs:
        rejected += _send_signal(trees, target, chosen, "logs")
    if rejected:
        sys.exit(2)


def _send_signal(trees: Sequence[SpanTree], target: receiver.Receiver, chosen: Format, signal: str) -> int:
    """Send all items of a signal and report it; return the number of items that the receiver rejected."""
    encoder = chosen.encoder()
    type_ = receiver.PROTOBUF if chosen.suffix.endswith(".pb") else receiver.JSON
    rejected = sent = requests = 0
    batches: Iterator[tuple[bytes, int]]
    if signal == "traces":
        total = sum(len(tree.spans) for tree in trees)
        batches = (batch for tree in trees for batch in encoded(tree.spans, encoder.traces_message))
    else:
        total = sum(len(span.notes) for tree in trees for span in tree.spans)
        batches = (batch for tree in trees for batch in encoded(list(log_records(tree)), encoder.logs_message))
    with progress() as doing:
        for body, count in batches:
            doing(f"sending {signal}", sent / total if total else None)
            answer = target.post(signal, body, type_)
            partial = partial_success(answer.body, answer.type)
            rejected += partial.rejected
            if partial.rejected or partial.message:
                printing.note(f"the receiver rejected {partial.rejected} of {count} {signal}: {partial.message}")
            sent, requests = sent + count, requests + 1
    noun = "span" if signal == "traces" else "log record"
    printing.out(f"sent {plural(sent - rejected, noun)} in {plural(requests, 'request')}")
    return rejected


def _spans(trees: Sequence[SpanTree]) -> str:
    count = sum(len(tree.spans) for tree in trees)
    boots = f" of {len(trees)} boots" if len(trees) > 1 else ""
    return plural(count, "span") + boots


def _notes(trees: Sequence[SpanTree]) -> str:
    """Return the notes in words, with their number by kind: ``notes (279 log, 7 state)``."""
    kinds = Counter(note.step.kind for tree in trees for span in tree.spans for note in span.notes)
    listed = by_kind(kinds)
    return f"notes ({listed})" if listed else "notes"
