"""Incoming HTTP: layered WebOb applications that answer or raise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import recorder, wsgi
from tests.support.recording import Recorded, recording
from tests.support.web import Server, ask, foreign, layered
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
    """Yield a recording of incoming requests."""
    foreign("webob.dec")
    with recording(tmp_path / "cap", "wsgi") as recording_:
        yield recording_


def sides(recorded: Recorded, side: str) -> list[Event]:
    """Return the steps of requests on one side."""
    return [event for event in recorded.events("http") if event.attributes["side"] == side]


def test_an_incoming_request_is_one_step(recorded: Recorded, server: Server) -> None:
    """Through any number of layers; the application's steps are below it."""
    steps: list[int] = []

    def inner(request: Any) -> str:
        steps.append(recorder.current.get())
        return "answer"

    server.application = layered(inner)
    headers = {
        "X-OpenStack-Request-ID": "req-caller",
        "OpenStack-API-Version": "compute 2.95",
        "traceparent": TRACEPARENT,
    }
    answer = foreign("requests").post(server.url + "/v2.1/servers?password=" + SECRET, headers=headers, data=b"{}")
    server.application = server.plain
    assert (answer.text, answer.headers["x-openstack-request-id"]) == ("answer", "req-own")
    (served,) = sides(recorded, "server")
    assert steps == [served.number]
    assert served.name == "POST /v2.1/servers"
    assert served.attributes.items() >= {
        ("method", "POST"), ("path", "/v2.1/servers"), ("query", "password=***"), ("request_id", "req-own"),
        ("global_request_id", "req-caller"), ("microversion", "compute 2.95"), ("application", "tests.support.web"),
        ("traceparent", TRACEPARENT),
        ("status", 200),
    }  # fmt: skip
    assert served.parent == 0
    assert served.end is not None


def test_an_exception_is_passed_on_to_the_server(recorded: Recorded) -> None:
    """The same object; the step is closed and the request's state reset."""
    error = LookupError("own")

    def inner(request: Any) -> str:
        raise error

    with pytest.raises(LookupError) as raised:
        ask(layered(inner))
    assert raised.value is error
    assert error.__context__ is None
    (served,) = sides(recorded, "server")
    assert (served.error, served.attributes.get("status")) == ("LookupError: own", None)
    assert (recorder.current.get(), recorder.context.get(), wsgi.request.get()) == (0, None, None)


def test_an_http_exception_is_a_status(recorded: Recorded) -> None:
    """WebOb turns it into a response."""
    exc = foreign("webob.exc")

    def inner(request: Any) -> str:
        raise exc.HTTPForbidden("no")

    assert ask(layered(inner))[0] == "403 Forbidden"
    (served,) = sides(recorded, "server")
    assert (served.attributes["status"], served.error) == (403, None)


def test_an_iterable_response_is_passed_on_unread(recorded: Recorded) -> None:
    """It is read after the end of the request's step."""
    response = foreign("webob").Response
    steps: list[int] = []

    def pieces() -> Iterator[bytes]:
        steps.append(recorder.current.get())
        yield b"one"
        yield b"two"

    def inner(request: Any) -> Any:
        return response(app_iter=pieces())

    assert ask(layered(inner)) == ("200 OK", b"onetwo")
    assert steps == [0]
    assert len(sides(recorded, "server")) == 1


def test_a_request_within_a_request_is_a_nested_step(recorded: Recorded) -> None:
    """Services in one process call each other; afterwards the outer request is current again."""
    inner_application = layered(lambda request: "inner")

    def inner(request: Any) -> str:
        before = recorder.current.get(), recorder.context.get(), wsgi.request.get()
        assert ask(inner_application, PATH_INFO="/inner")[1] == b"inner"
        assert (recorder.current.get(), recorder.context.get(), wsgi.request.get()) == before
        return "outer"

    assert ask(layered(inner), PATH_INFO="/outer")[1] == b"outer"
    outer, within = sides(recorded, "server")
    assert (outer.name, within.name, within.parent) == ("GET /outer", "GET /inner", outer.number)


def test_a_request_id_is_read_from_the_response(recorded: Recorded) -> None:
    """Glance shows its request id only in the response."""

    def answer(request: Any) -> Any:
        response = foreign("webob").Response("an image")
        response.headers["X-Openstack-Request-Id"] = "req-g"
        return response

    ask(foreign("webob.dec").wsgify(answer), PATH_INFO="/v2/images")
    (served,) = sides(recorded, "server")
    assert served.attributes["request_id"] == "req-g"


def test_wsgify_as_a_decorator_is_not_recorded(recorded: Recorded) -> None:
    """The decorated function may be called with a request."""
    dec, request = foreign("webob.dec"), foreign("webob").Request

    @dec.wsgify  # type: ignore[untyped-decorator]
    def application(request: Any) -> str:
        return "x"

    assert application(request.blank("/")) == "x"
    assert sides(recorded, "server") == []


@pytest.mark.parametrize("broken", ["begin", "note", "finish"])
def test_the_hooks_own_failures_do_not_reach_the_host(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Answers, exceptions and the current step are unchanged."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(recorder, broken, fail)
    for _ in range(6):
        assert ask(layered(lambda request: "answer")) == ("200 OK", b"answer")
        assert (recorder.current.get(), recorder.context.get(), wsgi.request.get()) == (0, None, None)
    assert not wsgi.wsgi.enabled
    wsgi.wsgi.failures, wsgi.wsgi.enabled = 0, True
