"""HTTP out: real requests to a real local server, whatever it answers, or that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from patches import http, recorder
from tests.support.recording import Recorded, inside_step, recording
from tests.support.web import Server, foreign
from tracer.events import Event

pytestmark = pytest.mark.filterwarnings("ignore:'cgi' is deprecated", "ignore:.*datetime.utc:DeprecationWarning")

SECRET = "Sq7-the-secret-Zk9"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One for all tests."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Recording of requests that go out."""
    foreign("requests.sessions")
    with recording(tmp_path / "cap", "http") as found:
        yield found


def sides(recorded: Recorded, side: str) -> list[Event]:
    """The requests seen from one side."""
    return [event for event in recorded.events("http") if event.attributes["side"] == side]


def test_a_request_tells_where_it_went_and_what_came_back(recorded: Recorded, server: Server) -> None:
    """With the callee's own request id, the surest link to what it did; no secret of the URL or its query."""
    requests = foreign("requests")
    url = (
        server.url.replace("//", f"//user:{SECRET}@") + f"/v2/os-console-auth-tokens/{SECRET}?limit=1&password={SECRET}"
    )
    with inside_step() as step:
        answer = requests.get(url, headers={"X-OpenStack-Request-ID": "req-mine", "X-Auth-Token": SECRET})
    assert (answer.status_code, answer.text) == (200, "ok")
    (sent,) = sides(recorded, "client")
    assert sent.name == "GET /v2/os-console-auth-tokens/***"
    assert sent.parent == step
    assert sent.attributes.items() >= {
        ("method", "GET"), ("host", server.url[7:]), ("query", "limit=1&password=***"), ("status", 200),
        ("callee_request_id", "req-callee"), ("global_request_id", "req-mine"),
    }  # fmt: skip
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in recorded.capture.rglob("*.seg"))


def test_each_hop_of_a_redirect_is_a_request(recorded: Recorded, server: Server) -> None:
    """The second is made in the course of the first."""
    answer = foreign("requests").get(server.url + "/old")
    assert (answer.url, [hop.status_code for hop in answer.history]) == (server.url + "/new", [302])
    old, new = sides(recorded, "client")
    assert (old.name, new.name, new.parent) == ("GET /old", "GET /new", old.number)


def test_an_answer_that_is_an_error_is_no_failure(recorded: Recorded, server: Server) -> None:
    """It is for the caller to mind."""
    assert foreign("requests").get(server.url + "/bad").status_code == 404
    (sent,) = sides(recorded, "client")
    assert (sent.attributes["status"], sent.error) == (404, None)


def test_a_connection_that_fails_is_the_callers_to_see(recorded: Recorded) -> None:
    """The library's own exception, and the step is closed with it."""
    requests = foreign("requests")
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:1/x", timeout=1)
    (sent,) = sides(recorded, "client")
    assert str(sent.error).startswith("ConnectionError")
    assert recorder.current.get() == 0


def test_what_keystoneauth_sends_is_sent_by_requests(recorded: Recorded, server: Server) -> None:
    """OpenStack's clients all end up there."""
    session = foreign("keystoneauth1.session").Session()
    answer = session.get(server.url + "/v3", authenticated=False, global_request_id="req-mine")
    assert answer.status_code == 200
    (sent,) = sides(recorded, "client")
    assert sent.attributes["global_request_id"] == "req-mine"


@pytest.mark.parametrize("broken", ["begin", "note", "finish"])
def test_failures_of_ours_change_nothing(
    recorded: Recorded, server: Server, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Answers, exceptions and the current step are as ever."""

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
