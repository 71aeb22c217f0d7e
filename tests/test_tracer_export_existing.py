"""W3C's traceparent in requests, messages and log lines, and exports into the trace that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.exported import BOOTS, exported, otlp_spans
from tests.test_tracer_cli import bootseq, refused
from tests.test_tracer_commands_diff import Traced, boots, traced
from tests.test_tracer_sources_spans import ingested, shapes
from tracer import trace_file
from tracer.export.existing import existing_trace
from tracer.model import Request
from tracer.sources.logs.trace_ids import ids

__all__ = ["traced"]  # the fixture

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
REQUEST = "req-11111111-1111-4111-8111-111111111111"


def carrying(**attributes: Any) -> Request:
    """Return a boot whose first step, a request that was served, has these attributes."""
    (boot,) = boots(1)
    boot.chapters[0].attributes |= attributes
    return boot


def test_spans_go_into_the_existing_trace_below_its_span(traced: Traced, tmp_path: Path) -> None:
    file = traced("t.jsonl", carrying(traceparent=PARENT))
    own = otlp_spans(exported(file, tmp_path / "own.otlp.jsonl"))
    joined = otlp_spans(exported(file, tmp_path / "joined.otlp.jsonl", "--existing-trace"))
    assert {span["traceId"] for span in joined} == {TRACE}
    assert [span["spanId"] for span in own] == [span["spanId"] for span in joined]
    assert (joined[0]["parentSpanId"], joined[0]["flags"]) == (SPAN, 0x301)
    assert "parentSpanId" not in own[0]
    assert {span["attributes"]["bootseq.trace"] for span in joined} == {own[0]["traceId"]}


@pytest.mark.parametrize("suffix", ["otlp.jsonl", "otlp.pb", "jaeger.json"])
def test_boots_of_one_existing_trace_are_read_back_as_they_were(suffix: str, tmp_path: Path) -> None:
    if suffix == "otlp.pb":
        pytest.importorskip("opentelemetry.proto")
    before = trace_file.read(BOOTS)
    for boot in before.boots:
        boot.chapters[0].attributes["traceparent"] = PARENT
    trace_file.write(tmp_path / "t.jsonl", before)
    unit = 1000 if suffix.startswith("jaeger") else 1
    file = exported(tmp_path / "t.jsonl", tmp_path / f"x.{suffix}", "--all-boots", "--existing-trace")
    assert shapes(before, unit) == shapes(ingested(tmp_path, file), unit)


def test_jaeger_and_zipkin_name_the_foreign_parent(traced: Traced, tmp_path: Path) -> None:
    file = traced("t.jsonl", carrying(traceparent=PARENT))
    (trace,) = json.loads(exported(file, tmp_path / "x.jaeger.json", "--existing-trace").read_text())["data"]
    assert trace["traceID"] == TRACE
    assert trace["spans"][0]["references"] == [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": SPAN}]
    spans = json.loads(exported(file, tmp_path / "x.zipkin.json", "--existing-trace").read_text())
    assert (spans[0]["traceId"], spans[0]["parentId"]) == (TRACE, SPAN)


def test_only_the_request_that_opened_everything_names_a_parent() -> None:
    (boot,) = boots(1)
    boot.chapters[0].children[0].attributes["trace_id"] = TRACE
    known = existing_trace(boot)
    assert known is not None
    assert (known.trace.hex(), known.span) == (TRACE, b"")


@pytest.mark.parametrize(
    "value", ["", "x", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{SPAN}-01", PARENT[:-3]]
)
def test_an_invalid_traceparent_is_none(value: str, traced: Traced) -> None:
    assert existing_trace(carrying(traceparent=value)) is None
    line = refused("export", traced("t.jsonl", carrying(traceparent=value)), "-o", "x.otlp.jsonl", "--existing-trace")
    assert line.endswith("carries a traceparent; omit --existing-trace")


def test_formats_without_ids_refuse_it(traced: Traced) -> None:
    line = refused("export", traced("t.jsonl", *boots(1)), "-o", "x.folded", "--existing-trace")
    assert line == "--existing-trace is for OTLP, Jaeger and Zipkin; .folded has no ids of traces"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (f"2026 INFO nova [req - trace_id={TRACE} span_id={SPAN} trace_sampled=True] ", "x"),
        ("", f"[otelTraceID={TRACE} otelSpanID={SPAN}] x"),
        ("", f'{{"otelTraceID": "{TRACE}", "otelSpanID": "{SPAN}"}}'),
    ],
)
def test_trace_ids_of_log_lines_are_found(head: str, message: str) -> None:
    assert ids(head, message) == {"trace_id": TRACE, "span_id": SPAN}


@pytest.mark.parametrize("text", ["trace_id=0 span_id=0", f"trace_id={'0' * 32}", f"trace_id={TRACE}a", "a trace"])
def test_what_is_no_trace_id_is_none(text: str) -> None:
    assert ids(text, text) == {}


_FORMAT = (
    "[DEFAULT]\nlogging_context_format_string = %(asctime)s %(process)d %(levelname)s %(name)s"
    " [%(request_id)s trace_id=%(otelTraceID)s] %(message)s\n"
)


_JSON_LINE = (
    '{{"message": "text", "asctime": "2026-11-29 10:00:0{}", "name": "nova.x", "levelname": "INFO", "process": 7,'
    f' "context": {{{{"request_id": "{REQUEST}"}}}}, "extra": {{{{"otelTraceID": "{TRACE}"}}}}}}}}'
)


@pytest.mark.parametrize(
    "line",
    [
        f"2026-11-29 10:00:0{{}}.000 7 INFO nova.x [None {REQUEST} u p - - - trace_id={TRACE} span_id={SPAN} x=y] text",
        f"2026-11-29 10:00:0{{}}.000 7 INFO nova.x [None {REQUEST} u p - - -] [otelTraceID={TRACE}] text",
        f"2026-11-29 10:00:0{{}} 7 INFO nova.x [{REQUEST} trace_id={TRACE}] text",
        _JSON_LINE,
    ],
)
def test_log_lines_of_every_form_keep_their_trace(line: str, tmp_path: Path) -> None:
    log, config = tmp_path / "nova-api.log", tmp_path / "nova.conf"
    log.write_text("".join(line.format(number) + "\n" for number in range(3)))
    config.write_text(_FORMAT)
    options = ("--from-config", config) if " [req-" in line else ()
    target = tmp_path / "t.jsonl"
    done = bootseq("ingest", "-o", target, *options, log)
    assert target.exists(), done.output
    trace = trace_file.read(target)
    steps = [step for request in (*trace.boots, *trace.others) for step in request.walk() if step.kind == "log"]
    assert steps
    assert all(step.text("trace_id") == TRACE and step.text("message").endswith("text") for step in steps)
    assert bootseq("export", target, "1", "-o", tmp_path / "x.otlp.jsonl", "--existing-trace").exit_code == 0
    assert {span["traceId"] for span in otlp_spans(tmp_path / "x.otlp.jsonl")} == {TRACE}


def test_a_message_copy_keeps_its_traceparent(tmp_path: Path) -> None:
    from tracer.sources.broker.bodies import message_attributes

    body: dict[str, Any] = {"method": "m", "args": {}, "_context_traceparent": PARENT}
    assert message_attributes(body)["traceparent"] == PARENT
