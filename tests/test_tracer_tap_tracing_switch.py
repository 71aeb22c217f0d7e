"""The management plugin's HTTP API, on a fake server that answers as RabbitMQ 3.10."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tests.conftest import GRACE_SECONDS
from tracer.tap import tracing_switch, watchdog
from tracer.tap.tracing_switch import SwitchError

OURS = {"name": "bootseq-tap-1", "exclusive": True}


class Api(http.server.BaseHTTPRequestHandler):
    """Two resources of the management API, with the answers of RabbitMQ 3.10."""

    about: ClassVar[dict[str, Any]] = {}
    status = 200

    def do_GET(self) -> None:
        asks = self.path.startswith("/api/queues/%2F?")
        self._answer(self.status, [OURS] if asks else self.about)

    def do_PUT(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        # Omitted fields are reset.
        type(self).about = {"description": "", "tags": [], "default_queue_type": "undefined"} | content
        self._answer(204, None)

    def _answer(self, status: int, content: Any) -> None:
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    about = {"description": "Mine", "tags": ["a"], "default_queue_type": "quorum", "tracing": False, "messages": 1}
    monkeypatch.setattr(Api, "about", about)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(GRACE_SECONDS)


def by_api(url: str) -> tracing_switch.Switch:
    how = {"url": url, "user": "u", "password": "p", "vhost": "/", "cafile": None, "verify": True}
    return tracing_switch.make({"way": "management", "how": how})


def test_the_management_api_switches_tracing(api: str) -> None:
    """Other settings of the vhost stay."""
    used = by_api(api)
    assert watchdog.switch_on(used) == [api]
    assert Api.about == {"description": "Mine", "tags": ["a"], "default_queue_type": "quorum", "tracing": True}
    assert watchdog.switch_on(used) == []
    assert watchdog.switch_off(used, [api], 0)
    assert Api.about == {"description": "Mine", "tags": ["a"], "default_queue_type": "quorum", "tracing": False}


def test_the_management_api_of_another_broker_is_refused(api: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert by_api(api).taps() == {"bootseq-tap-1"}
    watchdog._serve_queue(by_api(api), "bootseq-tap-2", [], 0)
    assert "different broker" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("status", "message"), [(401, "permission denied"), (403, "permission denied"), (500, "answered 500"), (302, "302")]
)
def test_an_error_of_the_api_is_reported(api: str, status: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect is not followed, as it would be sent the password."""
    monkeypatch.setattr(Api, "status", status)
    with pytest.raises(SwitchError, match=message):
        watchdog.switch_on(by_api(api))


def test_a_missing_management_api_is_reported() -> None:
    with pytest.raises(SwitchError, match="Connection refused"):
        by_api("http://127.0.0.1:1").traced()
