"""Foreign files that are wrong: one line, exit code 2, bounded time and memory; and round trips of generated trees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.events import Cloud, Worker
from tests.support.examples import examples
from tests.test_tracer_cli import bootseq
from tests.test_tracer_sources_spans import shapes
from tracer import trace_file
from tracer.correlation.pipeline import correlate
from tracer.export import otlp_json
from tracer.export.mapping import span_tree
from tracer.model import Trace
from tracer.sources.spans import span as spans_span


def otlp(*spans: dict[str, Any], **more: Any) -> str:
    """Return a line of OTLP with these spans of nova-api."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "nova-api"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]} | more]})


def span(number: int, parent: int = 0, **fields: Any) -> dict[str, Any]:
    above = {"parentSpanId": f"{parent:016x}"} if parent else {}
    return {
        "traceId": "a" * 32, "spanId": f"{number:016x}", "name": "GET /servers", "kind": 2,
        "startTimeUnixNano": str(10**18 + number), "endTimeUnixNano": str(10**18 + 1000),
        "attributes": [{"key": "http.request.method", "value": {"stringValue": "GET"}}],
    } | above | fields  # fmt: skip


def read(tmp_path: Path, name: str, content: str | bytes) -> Any:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return bootseq("ingest", "-o", tmp_path / "out.trace.jsonl", file)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("types.otlp.jsonl", otlp(span(1, startTimeUnixNano=[]))),
        ("kinds.otlp.jsonl", '{"resourceSpans": 7}'),
        ("nested.otlp.jsonl", '{"resourceSpans": [{"scopeSpans": [[]]}]}'),
        ("ids.otlp.jsonl", otlp(span(1, traceId="x"))),
        ("zero.otlp.jsonl", otlp(span(1, spanId="0" * 16))),
        ("late.otlp.jsonl", otlp(span(1, startTimeUnixNano=str(1 << 70)))),
        ("deep.otlp.jsonl", '{"resourceSpans": ' + "[" * 100_000),
        ("cut.otlp.jsonl", otlp(span(1))[:-20]),
        ("logs.otlp.jsonl", '{"resourceLogs": []}'),
        ("jaeger.json", '{"data": [{"traceID": "a", "spans": [3], "processes": []}]}'),
        ("cut.jaeger.json", '{"data": [{"traceID": "a", "spans": ['),
        ("zipkin.json", '[{"traceId": "a", "id": 5, "localEndpoint": {}, "timestamp": -1}]'),
        ("shown.json", '{"info": {"meta.raw_payload.x-start": 5}, "children": {}}'),
        ("report.html", "<!doctype html><script>var OSProfilerData = {</script>"),
        ("page.html", "<html><body>nothing</body></html>"),
        ("records.jsonl", '{"name": "x", "base_id": "a", "trace_id": "b", "timestamp": "2026-99-99"}'),
        ("x.otlp.pb", b"\x0a\x05\x0a\x03\x0a\x01\xff"),
    ],
)
def test_a_file_without_a_valid_span_is_refused_in_one_line(name: str, content: str | bytes, tmp_path: Path) -> None:
    if name.endswith(".pb"):
        pytest.importorskip("opentelemetry.proto")
    done = read(tmp_path, name, content)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("bootseq: ")
    assert len(line) < 400
    assert "a bug in bootseq" not in line


@pytest.mark.parametrize(
    "spans",
    [
        [span(1, 1)],
        [span(1, 2), span(2, 3), span(3, 1)],
        [span(1), span(1), span(1, 2)],
        [span(1, name="\ud800" * 5)],
        [span(1, attributes=[{"key": "http.request.method", "value": {"stringValue": "G" * 3_000_000}}])],
        [span(1, attributes=[{"key": "url.full", "value": {"stringValue": "http://[::1"}}, *span(1)["attributes"]])],
        [
            span(
                1, attributes=[{"key": "http.status_code", "value": {"stringValue": "9" * 400}}, *span(1)["attributes"]]
            )
        ],
    ],
)
def test_odd_spans_are_read(spans: list[dict[str, Any]], tmp_path: Path) -> None:
    """Cycles, ids that recur, half characters, long texts."""
    assert read(tmp_path, "x.otlp.jsonl", otlp(*spans)).exit_code == 0
    assert bootseq("show", tmp_path / "out.trace.jsonl", "1").exit_code == 0


def test_valid_spans_are_read_beside_invalid_ones(tmp_path: Path) -> None:
    done = read(tmp_path, "x.otlp.jsonl", f"{otlp(span(1), span(2, spanId=3))}\nnonsense\n\xff\n{otlp(span(4))}\n")
    assert done.exit_code == 2
    assert "3 invalid spans skipped" in done.stderr
    assert len(trace_file.read(tmp_path / "out.trace.jsonl").others) == 2


def test_many_children_are_read_in_linear_time(tmp_path: Path) -> None:
    lines = [otlp(span(1))] + [
        otlp(*(span(number, 1) for number in range(first, first + 500))) for first in range(2, 4_002, 500)
    ]
    assert read(tmp_path, "x.otlp.jsonl", "\n".join(lines)).exit_code == 0
    (request,) = trace_file.read(tmp_path / "out.trace.jsonl").others
    assert sum(1 for _ in request.walk()) == 4_001


def test_too_many_spans_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.sources.spans import files

    assert spans_span.MAX_SPANS > 100_000
    monkeypatch.setattr(files, "MAX_SPANS", 3)
    done = read(tmp_path, "x.otlp.jsonl", otlp(*(span(number) for number in range(1, 9))))
    assert done.exit_code == 2
    assert "more than 3 spans; split the file" in done.stderr


def test_a_document_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.sources.spans import files

    monkeypatch.setattr(files, "MAX_DOCUMENT", 1 << 20)
    done = read(tmp_path, "x.json", '{"data": [{"traceID": "' + "a" * (2 << 20))
    assert done.exit_code == 2
    assert "over 1 MB in one value" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("x.otlp.jsonl", '{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "'),
        ("x.json", '{"data": [{"traceID": "'),
        ("x.json", '[{"traceId": "a", "localEndpoint": {"serviceName": "'),
        ("x.html", "<!doctype html><script>var OSProfilerData = {"),
        ("records.jsonl", '{"base_id": "a", "trace_id": "'),
    ],
)
def test_a_line_of_two_gigabytes_is_refused_within_a_gigabyte(name: str, start: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("w") as file:
        file.write(start)
        file.truncate(2 << 30)
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); "
        "from tracer.__main__ import main; sys.argv[0] = 'bootseq'; main()"
    )
    command = [sys.executable, "-c", limited, "ingest", "-o", str(tmp_path / "t.jsonl"), str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("bootseq: ")
    assert "a bug in bootseq" not in line


Plan = list[tuple[str, Any]]
_LEAVES: st.SearchStrategy[tuple[str, Any]] = st.sampled_from(["sql", "log", "ask", "command", "failed", "open"]).map(
    lambda kind: (kind, [])
)
PLANS: st.SearchStrategy[Plan] = st.recursive(
    st.lists(_LEAVES, max_size=3),
    lambda inner: st.lists(st.tuples(st.sampled_from(["call", "asks", "calls", "cast", "handoff"]), inner), max_size=4),
    max_leaves=12,
)


def play(plan: Plan, here: Worker, far: list[Worker]) -> None:
    """Record a plan: each step with its kind and what happens inside."""
    other = far[(far.index(here) + 1) % len(far)]
    for kind, inside in plan:
        if kind == "call":
            with here.call("nova.compute.api:API.create"):
                play(inside, here, far)
        elif kind == "handoff":
            with here.step("handoff", "m:f", module="m", function="f", via="pool"):
                play(inside, here, far)
        elif kind == "asks":
            own = here.cloud.fresh("req")
            with here.asks(other, "GET", "/allocations/1", own):
                play(inside, other, far)
        elif kind == "calls":
            with here.calls(other, "Instance.save", "req-1"):
                play(inside, other, far)
        elif kind == "cast":
            message = here.cast("build_and_run_instance", "req-1")
            thread = other.on(other.thread + 1)
            with thread.receives(message):
                play([item for item in inside if item[0] in ("sql", "log", "call")], thread, [thread, thread])
        elif kind == "sql":
            here.sql("SELECT a FROM t WHERE b = ?", 1, None, "x")
        elif kind == "failed":
            here.does("call", "m:g", module="m", class_="", function="g", error="Oops: no")
        elif kind == "open":
            here.does("call", "m:h", module="m", class_="", function="h", open_=True)
        elif kind == "command":
            here.does("command", "qemu-img", arguments=["qemu-img", "info"], exit_code=0)
        else:
            here.log("a line", "req-1", kind=kind)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
@given(PLANS)
def test_generated_trees_survive_the_round_trip(plan: Plan) -> None:
    """Addresses, names, parents, starts, ends and outcomes are the same after export and import."""
    from tracer.sources.spans import files

    cloud = Cloud()
    workers = [cloud.process(name) for name in ("nova-api", "nova-conductor", "nova-compute")]
    body = {"server": {"name": "vm1"}}
    with workers[0].step(
        "http",
        "POST /servers",
        side="server",
        method="POST",
        path="/servers",
        status=202,
        request_id="req-1",
        body=body,
    ):
        play(plan, workers[0], workers)
    before = cloud.trace()
    data = b"".join(otlp_json.traces([span_tree(boot) for boot in before.boots]))
    after: Trace = correlate(files.read(Path("x.otlp.jsonl"), data))
    assert shapes(before) == shapes(after)
