"""Boots that osprofiler and OpenTelemetry recorded, against our own trace of the very same boots; all forms."""

from __future__ import annotations

import ast
import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.support.exported import BOOTS, exported
from tests.support.span_truth import agreement
from tests.test_tracer_cli import bootseq
from tracer import trace_file
from tracer.model import Request, Trace

DATA = Path(__file__).parent / "data" / "interchange"
OTEL = DATA / "otel-boot-default.otlp.jsonl.gz"
OSPROFILER = DATA / "osprofiler-boot.redis.jsonl.gz"
#: In the one recording, the hooks' clock was so many nanoseconds behind.
BEHIND = 15_900_000


def ingested(tmp_path: Path, *files: Path) -> Trace:
    """Return the trace of files, read by ``bootseq ingest``."""
    target = tmp_path / "ingested.trace.jsonl"
    done = bootseq("ingest", "-o", target, *files)
    assert done.exit_code == 0, done.output
    return trace_file.read(target)


def only(trace: Trace) -> Request:
    """Return the only boot."""
    (boot,) = trace.boots
    return boot


def unpacked(file: Path, target: Path) -> Path:
    target.write_bytes(gzip.decompress(file.read_bytes()))
    return target


@pytest.mark.parametrize(
    "file", [file for file in sorted(DATA.glob("*.jsonl.gz")) if "truth" not in file.name], ids=lambda file: file.name
)
def test_each_capture_is_one_boot(file: Path, tmp_path: Path) -> None:
    boot = only(ingested(tmp_path, file))
    expected = "otel" if file.name.startswith("otel") else "osprofiler"
    assert {step.witnesses for step in boot.walk() if step.kind != "state"} == {(expected,)}
    assert {"API", "conductor", "scheduler", "compute"} <= {step.service for step in boot.walk()}


def test_opentelemetrys_boot_has_its_steps_and_no_wrong_parent(tmp_path: Path) -> None:
    boot = only(ingested(tmp_path, OTEL))
    result = agreement(boot, trace_file.read(DATA / "otel-boot-default.truth.trace.jsonl.gz").boots[0], BEHIND)
    assert result.wrong == []
    assert result.lost == 0
    assert (result.matched["http", "client"], result.matched["http", "server"]) == (9, 7)
    assert (result.matched["rpc", "client"], result.matched["rpc", "server"]) == (15, 15)
    assert result.matched["sql", ""] >= 199
    assert result.right >= 245
    tied = Counter(step.tied_by for step in boot.walk())
    assert tied["request_id"] >= 15  # the work that compute's pool did


def test_osprofilers_boot_has_its_steps_and_no_wrong_parent(tmp_path: Path) -> None:
    boot = only(ingested(tmp_path, OSPROFILER))
    assert boot.outcome == "active"
    assert boot.uuid == "97f1626c-ea90-41b6-8730-d29897287407"
    result = agreement(boot, trace_file.read(DATA / "osprofiler-boot.truth.trace.jsonl.gz").boots[0], 0)
    assert result.wrong == []
    assert result.lost <= 2  # in threads that keep an earlier request's profiler
    assert result.matched["sql", ""] >= 96
    assert result.matched["rpc", "server"] == 16
    assert (result.matched["http", "client"], result.matched["http", "server"]) >= (6, 6)


@pytest.mark.parametrize(
    ("file", "truth", "witness"),
    [(OTEL, "otel-boot-default.truth", "otel"), (OSPROFILER, "osprofiler-boot.truth", "osprofiler")],
)
def test_a_boot_of_two_witnesses_has_no_step_twice(file: Path, truth: str, witness: str, tmp_path: Path) -> None:
    """Ours through OTLP, merged with the other tracer's: its clock is fitted, and each step is one."""
    ours = DATA / f"{truth}.trace.jsonl.gz"
    own = exported(ours, tmp_path / "own.otlp.jsonl", "--all-boots")
    boot, alone = only(ingested(tmp_path, own, file)), trace_file.read(ours).boots[0]
    both = Counter(step.kind for step in boot.walk() if step.witnesses == ("hooks", witness))
    counts = boot.counts()
    new = [step for step in boot.walk() if step.witnesses == (witness,)]
    assert counts["sql"] - alone.counts()["sql"] == sum(step.kind == "sql" for step in new) <= 1
    assert both["sql"] >= (229 if witness == "otel" else 124)
    assert {step.kind for step in new} <= {"call", "http", "sql"}
    # What only the tracer has: rpcapi's functions, and a service without hooks.
    assert len(new) <= 4
    assert Counter(step.address for step in boot.walk()).most_common(1)[0][1] == 1


def test_the_offset_of_a_tracers_clock_is_fitted_and_shown(tmp_path: Path) -> None:
    own = exported(DATA / "otel-boot-default.truth.trace.jsonl.gz", tmp_path / "own.otlp.jsonl", "--all-boots")
    warnings = ingested(tmp_path, own, OTEL).warnings
    assert any("0.016 s ahead of that of the other witnesses" in warning for warning in warnings)


def test_all_forms_of_osprofiler_give_the_same_boot(tmp_path: Path) -> None:
    shown = unpacked(DATA / "osprofiler-boot.show.json.gz", tmp_path / "shown.json")
    report = tmp_path / "trace.html"
    report.write_text(f"<!doctype html><script>var OSProfilerData = {shown.read_text()}\n</script>")
    compact, rows = tmp_path / "compact.json", tmp_path / "rows.jsonl"
    compact.write_text(json.dumps(json.loads(shown.read_text())))
    rows.write_text("".join(map(row_of_a_database, gzip.decompress(OSPROFILER.read_bytes()).splitlines())))
    boots = [only(ingested(tmp_path, file)) for file in (OSPROFILER, shown, report, compact, rows)]
    first, *others = [[(s.address, s.kind, s.name, s.start, s.end) for s in boot.walk()] for boot in boots]
    for other in others:
        assert other == first


def row_of_a_database(line: bytes) -> str:
    """Return a record as osprofiler's driver of SQLAlchemy stores it: what it has in ``info`` is JSON in ``data``."""
    record = json.loads(line)
    info = record.pop("info")
    data = ast.literal_eval(info) if isinstance(info, str) else info
    return json.dumps(record | {"data": json.dumps(data)}) + "\n"


def test_secrets_of_osprofiler_are_masked(tmp_path: Path) -> None:
    record = {
        "name": "rpc-start", "base_id": "a" * 32, "trace_id": "b" * 32, "parent_id": "a" * 32, "project": "nova",
        "timestamp": "2026-11-29T21:03:21.796847", "service": "nova-compute",
        "info": repr({"function": {"name": "nova.x.Y.z", "args": "", "kwargs": "{'admin_password': 'hunter2'}"}}),
    }  # fmt: skip
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(record) + "\n")
    bootseq("ingest", "-o", tmp_path / "t.trace.jsonl", file)
    assert "hunter2" not in (tmp_path / "t.trace.jsonl").read_text()


@pytest.mark.parametrize("suffix", ["otlp.jsonl", "otlp.pb", "jaeger.json", "otlp.jsonl.gz"])
def test_our_own_export_is_read_back(suffix: str, tmp_path: Path) -> None:
    """Microseconds are all that Jaeger has."""
    if suffix == "otlp.pb":
        pytest.importorskip("opentelemetry.proto")
    unit = 1000 if suffix.startswith("jaeger") else 1
    before = trace_file.read(BOOTS)
    after = ingested(tmp_path, exported(BOOTS, tmp_path / f"x.{suffix}", "--all-boots"))
    assert shapes(before, unit) == shapes(after, unit)


def shapes(trace: Trace, unit: int = 1) -> list[object]:
    """Return what a round trip must keep of each boot."""
    return [
        (
            boot.server, boot.uuid, boot.outcome, boot.host,
            [
                (s.address, s.kind, s.service, s.name, s.start // unit, s.end and s.end // unit, s.opened_by, s.error)
                for s in boot.walk()
            ],
        )
        for boot in trace.boots
    ]  # fmt: skip


def test_zipkins_spans_are_a_boot_too(tmp_path: Path) -> None:
    """Zipkin has no types: the export is read as any tracer's."""
    before = trace_file.read(BOOTS)
    after = ingested(tmp_path, exported(BOOTS, tmp_path / "x.zipkin.json", "--all-boots"))
    for old, new in zip(before.boots, after.boots, strict=True):
        assert (old.uuid, old.request_id, old.outcome) == (new.uuid, new.request_id, new.outcome)
        assert [old.counts()[kind] for kind in ("sql", "rpc", "http")] == [
            new.counts()[kind] for kind in ("sql", "rpc", "http")
        ]


def test_diff_compares_boots_of_opentelemetry(tmp_path: Path) -> None:
    """The same is the same; a changed statement is a difference."""
    old = tmp_path / "old.trace.jsonl"
    bootseq("ingest", "-o", old, OTEL)
    changed = unpacked(OTEL, tmp_path / "new.otlp.jsonl")
    text = changed.read_text()
    assert text.count("INSERT INTO block_device_mapping ") == 1
    changed.write_text(text.replace("INSERT INTO block_device_mapping ", "INSERT INTO other_mapping "))
    bootseq("ingest", "-o", tmp_path / "new.trace.jsonl", changed)
    same = bootseq("diff", old, old, "--partial")
    other = bootseq("diff", old, tmp_path / "new.trace.jsonl", "--partial")
    assert (same.exit_code, other.exit_code) == (0, 1), other.output
    assert "other_mapping" in other.output
