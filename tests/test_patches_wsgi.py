"""HTTP in: WebOb applications, layer upon layer, whatever they answer or raise."""

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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One for all tests."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Recording of requests that come in."""
    foreign("webob.dec")
    with recording(tmp_path / "cap", "wsgi") as found:
        yield found


def sides(recorded: Recorded, side: str) -> list[Event]:
    """The requests seen from one side."""
    return [event for event in recorded.events("http") if event.attributes["side"] == side]


def test_a_request_that_arrives_is_one_step(recorded: Recorded, server: Server) -> None:
    """However many layers it goes through; a step of the application's stands below it."""
    seen: list[int] = []

    def inner(request: Any) -> str:
        seen.append(recorder.current.get())
        return "answer"

    server.application = layered(inner)
    headers = {"X-OpenStack-Request-ID": "req-caller", "OpenStack-API-Version": "compute 2.95"}
    answer = foreign("requests").post(server.url + "/v2.1/servers?password=" + SECRET, headers=headers, data=b"{}")
    server.application = server.plain
    assert (answer.text, answer.headers["x-openstack-request-id"]) == ("answer", "req-own")
    (served,) = sides(recorded, "server")
    assert seen == [served.number]
    assert served.name == "POST /v2.1/servers"
    assert served.attributes.items() >= {
        ("method", "POST"), ("path", "/v2.1/servers"), ("query", "password=***"), ("request_id", "req-own"),
        ("global_request_id", "req-caller"), ("microversion", "compute 2.95"), ("application", "tests.support.web"),
        ("status", 200),
    }  # fmt: skip
    assert served.parent == 0
    assert served.end is not None


def test_an_exception_goes_on_to_the_server(recorded: Recorded) -> None:
    """The very object, the step closed, nothing left of the request."""
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


def test_an_http_exception_is_an_answer(recorded: Recorded) -> None:
    """WebOb makes one of it."""
    exc = foreign("webob.exc")

    def inner(request: Any) -> str:
        raise exc.HTTPForbidden("no")

    assert ask(layered(inner))[0] == "403 Forbidden"
    (served,) = sides(recorded, "server")
    assert (served.attributes["status"], served.error) == (403, None)


def test_an_answer_that_comes_piece_by_piece_is_handed_on_as_it_is(recorded: Recorded) -> None:
    """The very iterable; what it does when it is read is no longer in the request's course."""
    response = foreign("webob").Response
    seen: list[int] = []

    def pieces() -> Iterator[bytes]:
        seen.append(recorder.current.get())
        yield b"one"
        yield b"two"

    def inner(request: Any) -> Any:
        return response(app_iter=pieces())

    assert ask(layered(inner)) == ("200 OK", b"onetwo")
    assert seen == [0]
    assert len(sides(recorded, "server")) == 1


def test_a_request_within_a_request_is_its_own(recorded: Recorded) -> None:
    """Services in one process ask each other: the inner one is below the step that asked, and puts all back."""
    inner_application = layered(lambda request: "inner")

    def inner(request: Any) -> str:
        before = recorder.current.get(), recorder.context.get(), wsgi.request.get()
        assert ask(inner_application, PATH_INFO="/inner")[1] == b"inner"
        assert (recorder.current.get(), recorder.context.get(), wsgi.request.get()) == before
        return "outer"

    assert ask(layered(inner), PATH_INFO="/outer")[1] == b"outer"
    outer, within = sides(recorded, "server")
    assert (outer.name, within.name, within.parent) == ("GET /outer", "GET /inner", outer.number)


def test_an_id_that_only_the_answer_tells(recorded: Recorded) -> None:
    """Glance keeps its request's id to itself until it answers."""

    def answer(request: Any) -> Any:
        made = foreign("webob").Response("an image")
        made.headers["X-Openstack-Request-Id"] = "req-g"
        return made

    ask(foreign("webob.dec").wsgify(answer), PATH_INFO="/v2/images")
    (served,) = sides(recorded, "server")
    assert served.attributes["request_id"] == "req-g"


def test_wsgify_that_is_no_application_is_left_alone(recorded: Recorded) -> None:
    """It is a decorator, too, and may be called with a request."""
    dec, request = foreign("webob.dec"), foreign("webob").Request

    @dec.wsgify  # type: ignore[untyped-decorator]
    def application(request: Any) -> str:
        return "x"

    assert application(request.blank("/")) == "x"
    assert sides(recorded, "server") == []


@pytest.mark.parametrize("broken", ["begin", "note", "finish"])
def test_failures_of_ours_change_nothing(recorded: Recorded, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Answers, exceptions and the current step are as ever."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(recorder, broken, fail)
    for _ in range(6):
        assert ask(layered(lambda request: "answer")) == ("200 OK", b"answer")
        assert (recorder.current.get(), recorder.context.get(), wsgi.request.get()) == (0, None, None)
    assert not wsgi.wsgi.enabled
    wsgi.wsgi.failures, wsgi.wsgi.enabled = 0, True
