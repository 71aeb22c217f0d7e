"""Attributes of a request's step: action, body, user, image, Placement's handler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from patches import api_requests, recorder, wsgi
from tests.support.recording import failing, recording, standing_in

webob = pytest.importorskip("webob")
webob_dec = pytest.importorskip("webob.dec")

BODY = {
    "server": {
        "name": "vm1",
        "adminPass": "geheim",
        "user_data": "Z2VoZWlt",
        "personality": [{"path": "/root/key", "contents": "Z2VoZWlt"}],
        "metadata": {"db_password": "geheim"},
    }
}
IMAGE = {"id": "1", "name": "cirros", "disk_format": "raw", "properties": {"hw": 1}, "direct_url": "rbd://k:geheim@x"}


class Context:
    """Nova's request context, with the attributes that the hook reads."""

    def __init__(self) -> None:
        self.user_id, self.project_id, self.roles = "u1", "p1", ["member"]
        self.request_id, self.global_request_id, self.auth_token = "req-own", None, "geheim"


class ServersController:
    """A controller whose method is named by the route, and one whose method is named by the body."""

    def create(self) -> None:
        """POST /servers"""

    def _action_reboot(self) -> None:
        """POST /servers/ID/action"""


class Resource:
    """nova.api.openstack.wsgi.Resource, up to the patched method."""

    def __init__(self, action: str) -> None:
        self.controller = ServersController()
        self.wsgi_actions = {"reboot": self.controller._action_reboot}
        self._action = action

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return webob_dec.wsgify(self._handle)(environ, start_response)

    def _handle(self, request: Any) -> Any:
        request.environ["nova.context"] = Context()
        return self._process_stack(request, self._action, {}, "application/json", request.body, "application/json")

    def _process_stack(self, *_: Any) -> Any:
        return webob.Response("done")


class API:
    """nova.image.glance.API."""

    def get(self, _context: object, image: str) -> Any:
        if image == "none":
            raise LookupError("no such image")
        return IMAGE


@pytest.fixture
def wsgi_module() -> Iterator[ModuleType]:
    with standing_in("nova.api.openstack.wsgi", Resource=type("Resource", (Resource,), {})) as module:
        yield module


def post(application: Any, path: str, body: bytes) -> Any:
    request = webob.Request.blank(path, method="POST", body=body, content_type="application/json")
    return request.get_response(application)


@pytest.mark.parametrize(
    ("action", "body", "action_name"),
    [
        ("create", BODY, "ServersController.create"),
        ("action", {"reboot": {"type": "SOFT"}}, "ServersController._action_reboot"),
        ("action", {"unknown": None}, "ServersController.unknown"),
    ],
)
def test_the_step_has_the_action_and_the_user(
    tmp_path: Path, wsgi_module: ModuleType, action: str, body: dict[str, Any], action_name: str
) -> None:
    with recording(tmp_path, "wsgi", "nova") as recorded:
        assert post(wsgi_module.Resource(action), "/servers", json.dumps(body).encode()).text == "done"
        attributes = recorded.single("http").attributes
    expected = {
        "action": action_name,
        "user_id": "u1",
        "project_id": "p1",
        "roles": ["member"],
        "request_id": "req-own",
    }
    assert {name: attributes.get(name) for name in expected} == expected


def test_the_id_in_the_response_wins_over_the_contexts_own_id(tmp_path: Path, wsgi_module: ModuleType) -> None:
    with recording(tmp_path, "wsgi", "nova") as recorded:
        request = webob.Request.blank("/servers", environ={"openstack.request_id": "req-answered"})
        request.get_response(wsgi_module.Resource("create"))
        attributes = recorded.single("http").attributes
    assert (attributes["request_id"], attributes["context_request_id"]) == ("req-answered", "req-own")


def test_the_body_is_recorded_without_its_secrets(tmp_path: Path, wsgi_module: ModuleType) -> None:
    with recording(tmp_path, "wsgi", "nova") as recorded:
        post(wsgi_module.Resource("create"), "/servers", json.dumps(BODY).encode())
        body = recorded.single("http").attributes["body"]
    secrets = dict.fromkeys(("adminPass", "user_data", "personality"), "***")
    assert body == {"server": {"name": "vm1", **secrets, "metadata": {"db_password": "***"}}}
    segments = b"".join(path.read_bytes() for path in (tmp_path / "segments").iterdir())
    assert b"geheim" not in segments
    assert b"Z2VoZWlt" not in segments


@pytest.mark.parametrize(
    ("body", "recorded_body"),
    [
        (b"", None),
        (b"{no json", None),
        (b"[" * 60_000, None),
        (b'{"a": "' + b"x" * 70_000 + b'"}', "<70009 bytes>"),
        (b'"text"', "text"),
    ],
)
def test_unusual_bodies_are_recorded_or_left_out(
    tmp_path: Path, wsgi_module: ModuleType, body: bytes, recorded_body: str | None
) -> None:
    with recording(tmp_path, "wsgi", "nova") as recorded:
        assert post(wsgi_module.Resource("action"), "/servers", body).status_int == 200
        assert recorded.single("http").attributes.get("body") == recorded_body


def test_a_resource_outside_a_request_records_nothing(tmp_path: Path, wsgi_module: ModuleType) -> None:
    with recording(tmp_path, "wsgi", "nova") as recorded:
        resource = wsgi_module.Resource("create")
        resource._handle(webob.Request.blank("/servers"))
        assert recorded.events() == []


def test_the_image_is_recorded_with_the_request(tmp_path: Path) -> None:
    with standing_in("nova.image.glance", API=type("API", (API,), {})) as glance:
        images = glance.API()

        def answer(request: Any) -> Any:
            return webob.Response(images.get(None, request.path_info[1:])["name"])

        application = webob_dec.wsgify(answer)
        with recording(tmp_path, "wsgi", "nova") as recorded:
            assert webob.Request.blank("/1").get_response(application).text == "cirros"
            with pytest.raises(LookupError):
                webob.Request.blank("/none").get_response(application)
            assert images.get(None, "1") is IMAGE
            shown, failed = recorded.events("http")
    assert shown.attributes["image"] == {"id": "1", "name": "cirros", "disk_format": "raw", "properties": {"hw": 1}}
    assert "image" not in failed.attributes


def test_placements_handler_is_named(tmp_path: Path) -> None:
    class PlacementWsgify(webob_dec.wsgify):  # type: ignore[misc, name-defined]
        def call_func(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            return super().call_func(request, *args, **kwargs)

    def list_resource_providers(request: Any) -> Any:
        return webob.Response("all")

    def decorated_func(request: Any) -> Any:
        microversion._find_method("placement.handlers.trait.list_traits", None, 404)
        return webob.Response("some")

    list_resource_providers.__module__ = "placement.handlers.resource_provider"
    decorated_func.__module__ = "placement.microversion"
    with (
        standing_in("placement.wsgi_wrapper", PlacementWsgify=PlacementWsgify),
        standing_in("placement.microversion", _find_method=lambda name, version, status: None) as microversion,
        recording(tmp_path, "wsgi", "nova") as recorded,
    ):
        for handler in (list_resource_providers, decorated_func):
            webob.Request.blank("/").get_response(PlacementWsgify(handler))
        handlers = [event.attributes["handler"] for event in recorded.events("http")]
    assert handlers == [
        "placement.handlers.resource_provider.list_resource_providers",
        "placement.handlers.trait.list_traits",
    ]


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path, wsgi_module: ModuleType) -> None:
    with recording(tmp_path, "wsgi", "nova"):
        step = recorder.begin("http", "POST /servers")  # a request that arrived before anything failed
        arrived = wsgi._Request(step, request := webob.Request.blank("/servers"))
        arrived.environ = request.environ
        token = wsgi.request.set(arrived)
        with failing():
            assert [wsgi_module.Resource("create")._handle(request).text for _ in range(10)] == ["done"] * 10
            assert not api_requests.nova.enabled
        wsgi.request.reset(token)
