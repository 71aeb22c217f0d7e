"""Attributes of requests: the API's action, body and user; the image that is booted; Placement's handler.

They are noted on the step of the request, masked, where the service has worked them out itself.
"""

from __future__ import annotations

import functools
import json
from types import MethodType, ModuleType
from typing import Any

from . import faults, hooks, import_hooks, patching, recorder, values, wsgi
from .classes import MISSING, lookup, type_name
from .host_fields import field, function_names
from .host_objects import stored

nova = hooks.Hook("nova")

#: Bytes of a body that we parse a second time; a body that boots a server takes a few hundred.
MAX_BODY = 65_536

_OF_IMAGE = ("id", "name", "status", "disk_format", "container_format", "size", "min_ram", "min_disk", "properties")


def install() -> None:
    """Wrap Nova's and Placement's seams once they are imported."""
    for module, wrap in (
        ("nova.api.openstack.wsgi", _wrap_resource),
        ("nova.image.glance", _wrap_images),
        ("placement.wsgi_wrapper", _wrap_handlers),
        ("placement.microversion", _wrap_versions),
    ):
        import_hooks.when_imported(module, functools.partial(nova.guarded, wrap))


def _wrap_resource(module: ModuleType) -> None:
    patching.replace(module.Resource, "_process_stack", hooks.around(nova, _note_request, _nothing))


def _wrap_images(module: ModuleType) -> None:
    patching.replace(module.API, "get", hooks.around(nova, lambda args, kwargs: args, _note_image))


def _wrap_handlers(module: ModuleType) -> None:
    patching.replace(module.PlacementWsgify, "call_func", hooks.around(nova, _note_function, _nothing))


def _wrap_versions(module: ModuleType) -> None:
    patching.replace(module, "_find_method", hooks.around(nova, _note_version, _nothing))


def _nothing(token: Any, result: Any, error: BaseException | None) -> None:
    return None


def _note_request(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    resource, request, action = args[:3]
    arrived = wsgi.request.get()
    # The step is of this very request: a request that Nova makes to itself has its own environ.
    if arrived is None or arrived.environ is not field(request, "environ"):
        return
    body = _parsed(hooks.argument(args, kwargs, 5, "body"))
    attributes = ("action", _action(resource, action, body), "body", values.tree(body))
    recorder.note(arrived.step, attributes + _who(arrived.environ))


def _parsed(body: Any) -> Any:
    """Return the body parsed as JSON, its size if it is too long, None if it is not JSON (Nova reports that)."""
    if type(body) is not bytes or not body:
        return None
    if len(body) > MAX_BODY:
        return "<%d bytes>" % len(body)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        faults.pass_on(error)
        return None


def _action(resource: Any, action: Any, body: Any) -> str | None:
    """Return class and method that will be called, looked up as Nova does: an ``action`` by the key of its body."""
    controller = field(resource, "controller")
    if type(action) is str and lookup(type(controller), action) is not MISSING:
        return "%s.%s" % (type_name(type(controller)), action)
    wanted = next(iter(body), None) if action == "action" and type(body) is dict else action
    actions = field(resource, "wsgi_actions")
    method = actions.get(wanted) if type(actions) is dict and type(wanted) is str else None
    if type(method) is MethodType:
        return "%s.%s" % (type_name(type(method.__self__)), function_names(method)[1].rpartition(".")[2])
    return "%s.%s" % (type_name(type(controller)), values.scalar(wanted))


def _who(environ: dict[str, Any]) -> tuple[Any, ...]:
    """Return the user as the service's context has it; and the context's own request id, where that is another."""
    fields = stored(environ.get("nova.context"))
    names = ("user_id", "project_id", "roles", "global_request_id")
    # In contexts before 2024 some of these have an underscore, behind properties that we do not run.
    pairs = [(name, values.tree(fields.get(name, fields.get("_" + name)))) for name in names]
    # The answer bears the environ's id, noted already; without an authentication service Nova invents another.
    answered = environ.get("openstack.request_id")
    own = values.scalar(fields.get("request_id"))
    if own != answered:
        pairs.append(("request_id" if answered is None else "context_request_id", own))
    return sum((pair for pair in pairs if pair[1] is not None), ())


def _note_image(args: tuple[Any, ...], image: Any, error: BaseException | None) -> None:
    arrived = wsgi.request.get()
    if arrived is not None and type(image) is dict:
        fields = {name: image[name] for name in _OF_IMAGE if name in image}
        recorder.note(arrived.step, ("image", values.tree(fields)))


def _note_function(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    module, name = function_names(field(args[0], "func"))
    # A function that microversion.version_handler returned has that module's name: _note_version has the real one.
    if module != "placement.microversion":
        _note_handler("%s.%s" % (module, name.rpartition(".")[2]))


def _note_version(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    _note_handler(args[0])


def _note_handler(name: str) -> None:
    arrived = wsgi.request.get()
    if arrived is not None:
        recorder.note(arrived.step, ("handler", values.scalar(name)))
