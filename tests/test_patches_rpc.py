"""RPC of real oslo.messaging: calls, casts and replies, over its fake driver and its rabbit driver in memory."""

from __future__ import annotations

import importlib
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import recorder, rpc
from tests.support.recording import Recorded, inside_step, recording
from tracer.events import Event

pytestmark = pytest.mark.filterwarnings("ignore")

SECRET = "Sq7-the-secret-Zk9"
CONTEXT = {
    "request_id": "req-1",
    "global_request_id": "req-0",
    "user_id": "me",
    "auth_token": SECRET,
    "traceparent": "00-1-2-01",
}
OBJECT = {
    "nova_object.name": "Instance",
    "nova_object.version": "2.8",
    "nova_object.data": {"uuid": "u1", "key_data": SECRET},
}


class OwnError(Exception):
    """An error of the endpoint."""


def messaging() -> Any:
    """Return oslo.messaging, whose import of eventlet raises deprecation warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: Any = importlib.import_module("oslo_messaging")
        importlib.import_module("kombu.transport.virtual.base").Channel.events = defaultdict(set)
        importlib.import_module("oslo_config.cfg").CONF([], default_config_files=[])
    return module


class Endpoint:
    """An endpoint, as Nova's managers."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.raised = OwnError("own")

    def build(self, _: Any, **arguments: Any) -> Any:
        """Record the arguments."""
        self.calls.append(arguments)
        return {"built": arguments.get("name")}

    def object_action(self, _: Any, objmethod: str, **__: Any) -> str:
        """Return the method's name, as the conductor's envelope for object methods."""
        return objmethod

    def fail(self, _: Any) -> None:
        """Raise the endpoint's own error."""
        raise self.raised


class Cloud:
    """A server and a client on one transport."""

    def __init__(self, url: str) -> None:
        self.messaging = messaging()
        configuration = importlib.import_module("oslo_config.cfg").CONF
        self.transport = self.messaging.get_rpc_transport(configuration, url)
        self.endpoint = Endpoint()
        target = self.messaging.Target(topic="compute", server="c1")
        self.server = self.messaging.get_rpc_server(self.transport, target, [self.endpoint], executor="threading")
        self.server.start()
        self.client = self.messaging.get_rpc_client(
            self.transport, self.messaging.Target(topic="compute", version="1.0")
        )

    def stop(self) -> None:
        """Stop both."""
        self.server.stop()
        self.server.wait()
        self.transport.cleanup()


@pytest.fixture(scope="module", params=["fake://", "kombu+memory://"])
def running(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """Yield a running cloud for every driver."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cloud = Cloud(request.param)
        yield cloud
        cloud.stop()


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    """Return the cloud with a fresh endpoint."""
    running.endpoint.calls.clear()
    running.endpoint.raised = OwnError("own")
    return running


@pytest.fixture
def recorded(tmp_path: Path, cloud: Cloud) -> Iterator[Recorded]:
    """Yield a recording of RPC, begun on a running cloud."""
    with recording(tmp_path / "cap", "rpc") as recording_:
        yield recording_


def settled(recorded: Recorded, *sides: str) -> list[Event]:
    """Wait until the RPC events of all sides have ended, and return them."""
    deadline = time.monotonic() + 10
    while True:
        events = recorded.events("rpc")
        ended = [side(event) for event in events if event.end is not None]
        if all(ended.count(name) >= sides.count(name) for name in sides) and len(ended) == len(events):
            return events
        assert time.monotonic() < deadline, [(event.name, event.attributes, event.end) for event in events]
        time.sleep(0.01)


def side(event: Event) -> str:
    """Return ``call``, ``cast``, ``fanout``, ``reply`` or ``server``."""
    return str(event.attributes.get("mode") or event.attributes["side"])


def by_side(events: list[Event], name: str) -> Event:
    """Return the only event of a side."""
    (event,) = [event for event in events if side(event) == name]
    return event


def test_a_call_and_its_service_have_the_same_ids(recorded: Recorded, cloud: Cloud) -> None:
    """The sender is below its step, the receiver below no step."""
    with inside_step() as step:
        assert cloud.client.call(CONTEXT, "build", name="x", password=SECRET) == {"built": "x"}
    events = settled(recorded, "call", "server")
    sent, served = by_side(events, "call"), by_side(events, "server")
    assert (sent.name, served.name) == ("build", "build")
    assert (sent.parent, served.parent) == (step, 0)
    assert sent.attributes["topic"] == "compute"
    for event in (sent, served):
        assert event.attributes["request_id"] == "req-1"
        assert event.attributes["global_request_id"] == "req-0"
        assert event.attributes["traceparent"] == "00-1-2-01"
        assert event.attributes["arguments"] == {"name": "x", "password": "***"}
    assert (served.attributes["class"], served.attributes["function"]) == ("Endpoint", "build")
    assert_linked(sent, served)
    assert cloud.endpoint.calls == [{"name": "x", "password": SECRET}]


def assert_linked(sent: Event, served: Event) -> None:
    """Assert that both belong to one message: by its ids, or by identity where the fake driver passes the object."""
    unique = sent.attributes.get("unique_id")
    if unique is None:
        assert sent.attributes["message"] == served.attributes["message"]
    else:
        assert served.attributes["unique_id"] == unique
        assert sent.attributes.get("msg_id") in (
            None,
            served.attributes["msg_id"],
        )  # of a cast only the receiver has an id


def test_a_reply_is_sent_under_the_ids_of_its_call(recorded: Recorded, cloud: Cloud) -> None:
    """Only where the driver sends a reply: the fake driver passes the result on."""
    cloud.client.call(CONTEXT, "build")
    events = settled(recorded, "call", "server")
    replies = [event for event in events if side(event) == "reply"]
    assert len(replies) == (0 if type(cloud.transport._driver).__name__ == "FakeDriver" else 1)
    for reply in replies:
        assert reply.parent == by_side(events, "server").number
        assert reply.attributes["msg_id"] == by_side(events, "call").attributes["msg_id"]
        assert reply.attributes["failed"] is False


@pytest.mark.parametrize("mode", ["cast", "fanout"])
def test_a_cast_and_a_fanout_are_recorded_on_both_sides(recorded: Recorded, cloud: Cloud, mode: str) -> None:
    cloud.client.prepare(fanout=mode == "fanout").cast(CONTEXT, "build", name="x")
    events = settled(recorded, mode, "server")
    sent, served = by_side(events, mode), by_side(events, "server")
    assert sent.parent == served.parent == 0
    if mode == "cast":  # the fake driver copies a fanout for every receiver
        assert_linked(sent, served)
    assert cloud.endpoint.calls == [{"name": "x"}]


def test_an_object_action_is_named_by_its_method(recorded: Recorded, cloud: Cloud) -> None:
    """``Instance.save``, not ``object_action``; the object is shown by its type and uuid."""
    arguments = {"objinst": OBJECT, "objmethod": "save", "args": (), "kwargs": {}}
    assert cloud.client.call(CONTEXT, "object_action", **arguments) == "save"
    for event in settled(recorded, "call", "server"):
        if side(event) in ("call", "server"):
            assert event.name == "Instance.save"
            assert event.attributes["arguments"]["objinst"] == "Instance 2.8 u1"  # type: ignore[index, call-overload]


def test_an_error_reaches_the_caller_and_is_recorded_on_both_sides(recorded: Recorded, cloud: Cloud) -> None:
    """The endpoint's exception stays the same object."""
    with pytest.raises(Exception, match="own"):
        cloud.client.call(CONTEXT, "fail")
    events = settled(recorded, "call", "server")
    assert by_side(events, "server").error == "OwnError: own"
    assert by_side(events, "call").error is not None
    assert cloud.endpoint.raised.__context__ is None


def test_no_secret_is_in_the_capture(recorded: Recorded, cloud: Cloud) -> None:
    """Neither of arguments nor of contexts."""
    secrets = {"admin_password": SECRET, "injected_files": [SECRET], "instance": OBJECT, "url": f"x://u:{SECRET}@h"}
    cloud.client.call(CONTEXT, "build", **secrets)
    settled(recorded, "call", "server")
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in recorded.capture.rglob("*.seg"))


def test_the_hooks_own_failures_do_not_reach_the_host(
    recorded: Recorded, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls, errors and arguments are unchanged; the hook switches itself off."""

    def fail(*args: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(recorder, "begin", fail)
    for _ in range(3):
        assert cloud.client.call(CONTEXT, "build", name="x") == {"built": "x"}
        with pytest.raises(Exception, match="own"):
            cloud.client.call(CONTEXT, "fail")
    assert (rpc.rpc.failures >= 5, rpc.rpc.enabled) == (True, False)
    rpc.rpc.failures, rpc.rpc.enabled = 0, True


def test_messages_of_any_shape_are_formatted() -> None:
    """Also messages without arguments, and arguments with odd names."""
    odd: list[Any] = [
        {},
        {"method": None, "args": None},
        {"method": "object_action", "args": {3: 1}},
        {"args": {None: [[1]]}},
    ]
    for message in odd:
        rpc._message(message)
        rpc._method(message)
    assert rpc.request_ids(None) == ()
    assert rpc.request_ids({"request_id": 3}) == ()
    assert rpc._argument([1, 2, 3, 4, 5]) == ("[]", 1, 2, 3, 4, "… 5 in all")
    assert rpc._argument({"a": 1}) == "{1}"


def test_request_ids_of_a_context_object() -> None:
    """A client's request context, before it is serialized."""

    class Context:
        request_id = "req-1"
        project_id = 3

    assert rpc.request_ids(Context()) == ("request_id", "req-1")
