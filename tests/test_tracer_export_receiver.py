"""Sending: batches, retries, headers, partial success, and receivers that are slow, huge, closed or redirect."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import boot, call
from tests.support.exported import BOOTS
from tests.test_tracer_cli import bootseq
from tracer.errors import TracerError
from tracer.export import otlp_json
from tracer.export.batches import MAX_BYTES, encoded
from tracer.export.mapping import span_tree
from tracer.export.receiver import JSON, Receiver
from tracer.export.responses import partial_success


class Server:
    """A receiver on loopback: ``answers`` are (status, headers, body) for one request after the other, else 200."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    def handle(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.requests.append((handler.path, dict(handler.headers), body))
        status, headers, answer = self.answers.pop(0) if self.answers else (200, {}, b"")
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(answer))} | headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer)


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a receiver."""
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.handle(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        state.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield state
        running.shutdown()
        thread.join()


def sent(server: Server, *arguments: object) -> Any:
    return bootseq("export", BOOTS, "4", "--to", server.url, "--format", "otlp.jsonl", *arguments)


def test_spans_and_logs_are_posted_to_their_paths(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Headers are from the environment or a file."""
    monkeypatch.setenv("TOKEN", "Bearer abc")
    (tmp_path / "key").write_text("k1\n")
    done = sent(server, "--logs", "--header", "Authorization=env:TOKEN", "--header", f"X-Key=file:{tmp_path}/key")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "sent 170 spans in 1 request\nsent 82 log records in 1 request\n"
    assert [path for path, _, _ in server.requests] == ["/v1/traces", "/v1/logs"]
    for _, headers, body in server.requests:
        assert (headers["Authorization"], headers["X-Key"]) == ("Bearer abc", "k1")
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body)


def test_protobuf_is_the_default(server: Server) -> None:
    pb = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
    assert bootseq("export", BOOTS, "4", "--to", f"{server.url}/v1/traces").exit_code == 0
    ((path, headers, body),) = server.requests
    assert (path, headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
    assert (
        sum(len(scope.spans) for part in pb.TracesData.FromString(body).resource_spans for scope in part.scope_spans)
        == 170
    )


def test_batches_stay_below_the_limit_of_receivers() -> None:
    request = boot(call("API", "m:f", *(call("API", "m:g", long="x" * 900_000) for _ in range(12))))
    spans = span_tree(request).spans
    messages = list(encoded(spans, otlp_json.traces_message))
    assert sum(count for _, count in messages) == 13
    assert all(len(message) <= MAX_BYTES for message, _ in messages)
    huge = span_tree(boot(call("API", "m:f", long="x" * 4_000_000))).spans
    assert [count for _, count in encoded(huge, otlp_json.traces_message)] == [1]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_be_retried_is_retried(server: Server, status: int) -> None:
    server.answers = [(status, {"Retry-After": "7"}, b""), (status, {}, b"")]
    pauses: list[float] = []
    assert Receiver(server.url, {}).post("traces", b"{}", JSON, pauses.append).status == 200
    assert pauses == [7, 2]


@pytest.mark.parametrize("status", [400, 401, 413, 415, 500])
def test_what_may_not_be_retried_ends_with_the_receivers_words(server: Server, status: int) -> None:
    server.answers = [(status, {}, b"\x08\x03\x12\x1dspans\x1b[31m of\nno\xff tenant")]
    done = sent(server)
    assert done.exit_code == 2
    assert len(server.requests) == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bootseq: {server.url}: HTTP {status}: spans")
    assert line.isprintable()
    assert line.endswith("tenant")


def test_five_attempts_are_made(server: Server) -> None:
    server.answers = [(503, {}, b"busy")] * 9
    with pytest.raises(TracerError, match=r"HTTP 503: busy; 5 attempts"):
        Receiver(server.url, {}).post("traces", b"{}", JSON, lambda seconds: None)
    assert len(server.requests) == 5


def test_a_partial_success_is_reported_and_fails(server: Server) -> None:
    body = json.dumps({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}).encode()
    server.answers = [(200, {"Content-Type": "application/json"}, body)]
    done = sent(server)
    assert done.exit_code == 2
    assert done.stderr == "bootseq: the receiver rejected 3 of 170 traces: too old\n"
    assert done.stdout == "sent 167 spans in 1 request\n"


def test_a_partial_success_is_read_from_protobuf() -> None:
    pb = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    message = pb.ExportTraceServiceResponse()
    message.partial_success.rejected_spans, message.partial_success.error_message = 300, "no"
    parsed = partial_success(message.SerializeToString(), "application/x-protobuf")
    assert (parsed.rejected, parsed.message) == (300, "no")


@pytest.mark.parametrize("body", [b"\xff" * 9, b"[]", b'{"partialSuccess": 3}', b"\x0a\xff\xff\xff\xff\x0f", b"\x0b"])
@pytest.mark.parametrize("type_", ["application/json", "application/x-protobuf"])
def test_an_unreadable_answer_is_no_rejection(body: bytes, type_: str) -> None:
    assert partial_success(body, type_).rejected == 0


def test_a_redirect_is_named_and_not_followed(server: Server) -> None:
    """The headers are for the named receiver alone."""
    server.answers = [(307, {"Location": "http://elsewhere.invalid/v1/traces"}, b"")]
    done = sent(server)
    assert done.exit_code == 2
    assert done.stderr.endswith("HTTP 307: it redirects to http://elsewhere.invalid/v1/traces; name that URL\n")


def test_a_huge_answer_is_not_read(server: Server) -> None:
    server.answers = [(200, {"Content-Length": str(10 << 20)}, b"x" * (10 << 20))]
    assert len(Receiver(server.url, {}).post("traces", b"{}", JSON).body) == 64 << 10


@contextmanager
def raw_server(answer: bytes, *, drip: bool = False) -> Iterator[str]:
    """Run a server that sends ``answer``, a byte now and then with ``drip``, and ends with its client."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    try:
                        while drip and not stop.is_set():
                            connection.sendall(answer)
                            time.sleep(0.02)
                        connection.sendall(answer)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stop.set()
        thread.join()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b"x"])
def test_a_receiver_that_never_ends_its_answer_is_left(answer: bytes) -> None:
    with raw_server(answer, drip=True) as url:
        start = time.monotonic()
        with suppress(TracerError):
            Receiver(url, {}, timeout=0.3).post("traces", b"{}", JSON, lambda seconds: None)
        assert time.monotonic() - start < 20


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_server_is_named_in_one_line(answer: bytes) -> None:
    with raw_server(answer) as url, pytest.raises(TracerError, match="5 attempts"):
        Receiver(url, {}).post("traces", b"{}", JSON, lambda seconds: None)


def test_a_receiver_without_tls_is_named_in_one_line() -> None:
    with raw_server(b"HTTP/1.1 400 Bad\r\n\r\n") as url, pytest.raises(TracerError, match="5 attempts"):
        Receiver(url.replace("http:", "https:"), {}).post("traces", b"{}", JSON, lambda seconds: None)
