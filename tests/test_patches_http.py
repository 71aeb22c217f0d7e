"""Outgoing HTTP: real requests to a local server that answers, fails or is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import http, recorder
from tests.support.recording import Recorded, inside_step, recording
from tests.support.web import Server, foreign
from tracer.events import Event

pytestmark = pytest.mark.filterwarnings("ignore:'cgi' is deprecated", "ignore:.*datetime.utc:DeprecationWarning")

SECRET = "Sq7-the-secret-Zk9"


TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server for all tests."""
    web_server = Server()
    yield web_server
    web_server.stop()


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Yield a recording of outgoing requests."""
    foreign("requests.sessions")
    with recording(tmp_path / "cap", "http") as recording_:
        yield recording_


def sides(recorded: Recorded, side: str) -> list[Event]:
    """Return the steps of requests on one side."""
    return [event for event in recorded.events("http") if event.attributes["side"] == side]


def test_a_request_is_recorded_with_its_target_and_status(recorded: Recorded, server: Server) -> None:
    """It has the callee's request id, the surest link to its steps; secrets in URL and query are masked."""
    requests = foreign("requests")
    url = (
        server.url.replace("//", f"//user:{SECRET}@") + f"/v2/os-console-auth-tokens/{SECRET}?limit=1&password={SECRET}"
    )
    with inside_step() as step:
        ids = {"X-OpenStack-Request-ID": "req-mine", "traceparent": TRACEPARENT}
        answer = requests.get(url, headers={**ids, "X-Auth-Token": SECRET})
    assert (answer.status_code, answer.text) == (200, "ok")
    (sent,) = sides(recorded, "client")
    assert sent.name == "GET /v2/os-console-auth-tokens/***"
    assert sent.parent == step
    assert sent.attributes.items() >= {
        ("method", "GET"), ("host", server.url[7:]), ("query", "limit=1&password=***"), ("status", 200),
        ("callee_request_id", "req-callee"), ("global_request_id", "req-mine"),
        ("traceparent", TRACEPARENT),
    }  # fmt: skip
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in recorded.capture.rglob("*.seg"))


def test_every_hop_of_a_redirect_is_a_request(recorded: Recorded, server: Server) -> None:
    """The second hop is below the first."""
    answer = foreign("requests").get(server.url + "/old")
    assert (answer.url, [hop.status_code for hop in answer.history]) == (server.url + "/new", [302])
    old, new = sides(recorded, "client")
    assert (old.name, new.name, new.parent) == ("GET /old", "GET /new", old.number)


def test_an_error_status_is_no_failure_of_the_step(recorded: Recorded, server: Server) -> None:
    assert foreign("requests").get(server.url + "/bad").status_code == 404
    (sent,) = sides(recorded, "client")
    assert (sent.attributes["status"], sent.error) == (404, None)


def test_a_traceparent_that_another_wrapper_adds_is_recorded(recorded: Recorded, server: Server) -> None:
    """OpenTelemetry's wrapper may be inside ours."""
    requests = foreign("requests")

    class Adapter(requests.adapters.HTTPAdapter):  # type: ignore[misc, name-defined]
        def send(self, request: Any, **options: Any) -> Any:
            request.headers["traceparent"] = TRACEPARENT
            return super().send(request, **options)

    session = requests.Session()
    session.mount("http://", Adapter())
    assert session.get(server.url + "/x").text == "ok"
    (sent,) = sides(recorded, "client")
    assert sent.attributes["traceparent"] == TRACEPARENT


def test_a_failed_connection_raises_and_closes_the_step(recorded: Recorded) -> None:
    requests = foreign("requests")
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:1/x", timeout=1)
    (sent,) = sides(recorded, "client")
    assert str(sent.error).startswith("ConnectionError")
    assert recorder.current.get() == 0


def test_requests_of_keystoneauth_are_recorded(recorded: Recorded, server: Server) -> None:
    """All clients of OpenStack use it, and it uses requests."""
    session = foreign("keystoneauth1.session").Session()
    answer = session.get(server.url + "/v3", authenticated=False, global_request_id="req-mine")
    assert answer.status_code == 200
    (sent,) = sides(recorded, "client")
    assert sent.attributes["global_request_id"] == "req-mine"


@pytest.mark.parametrize("broken", ["begin", "note", "finish"])
def test_the_hooks_own_failures_do_not_reach_the_host(
    recorded: Recorded, server: Server, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Answers, exceptions and the current step are unchanged."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(recorder, broken, fail)
    requests = foreign("requests")
    for _ in range(6):
        assert requests.get(server.url + "/x").text == "ok"
        with pytest.raises(requests.ConnectionError):
            requests.get("http://127.0.0.1:1/x", timeout=1)
        assert recorder.current.get() == 0
    assert http.http.enabled is (broken == "note")
    http.http.failures, http.http.enabled = 0, True
