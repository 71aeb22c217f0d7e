"""HTTP in: each request a WSGI application answers, at the outermost of its WebOb layers.

Every OpenStack API is a stack of ``webob.dec.wsgify`` layers; the first that a request reaches opens the step, the
inner ones show which application it is and which request id the request got.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from types import MethodType
from typing import TYPE_CHECKING, Any

from . import hooks, import_hooks, patching, recorder, values, wrapper_frames
from .classes import module_of
from .host_fields import field, function_names
from .http import query_names

if TYPE_CHECKING:
    from types import ModuleType

    from .hooks import Function

wsgi = hooks.Hook("wsgi")


class _Request:
    """A request under way: its step, its environ, and what its layers have shown so far."""

    __slots__ = ("application", "environ", "request_id", "status", "step")

    def __init__(self, step: int, environ: dict[str, Any]) -> None:
        self.step = step
        self.environ = environ
        self.application: str | None = None
        self.request_id: str | None = None
        self.status: str | None = None


request: ContextVar[_Request | None] = ContextVar("bootseq_request", default=None)


def install() -> None:
    """Wrap WebOb's decorator once it is imported."""
    import_hooks.when_imported("webob.dec", functools.partial(wsgi.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    patching.replace(vars(module)["wsgify"], "__call__", _make)


def _make(_original: Function) -> Function:
    @functools.wraps(_original)
    def wrapper(layer: Any, *args: Any, **kwargs: Any) -> Any:
        # wsgify is also called as a decorator and with a Request: only (environ, start_response) is a request.
        if recorder.recorder is None or len(args) != 2 or type(args[0]) is not dict:
            return _original(layer, *args, **kwargs)
        environ, start_response = args
        outer = request.get()
        if outer is not None and outer.environ is environ:
            wsgi.guarded(_note_layer, outer, layer)
            return _original(layer, *args, **kwargs)
        arrived = wsgi.guarded(_begins, environ, layer)
        if arrived is None:
            return _original(layer, *args, **kwargs)
        before, context = recorder.current.get(), recorder.context.get()
        failure = None
        try:
            recorder.current.set(arrived.step)
            recorder.context.set(environ)
            request.set(arrived)
            return _original(layer, environ, _listening(start_response, arrived), **kwargs)
        except BaseException as error:
            failure = error
            raise
        finally:
            recorder.current.set(before)
            recorder.context.set(context)
            request.set(outer)
            try:
                wsgi.guarded(_ends, arrived, failure)
            finally:
                failure = None

    return wrapper


def _begins(environ: dict[str, Any], layer: Any) -> _Request | None:
    path = values.scalar(values.path_without_secrets(_text(environ, "SCRIPT_NAME") + _text(environ, "PATH_INFO")))
    method = values.scalar(environ.get("REQUEST_METHOD"))
    attributes = (
        "side", "server",
        "method", method,
        "path", path,
        "query", query_names(_text(environ, "QUERY_STRING")),
        "peer_address", "%s:%s" % tuple([values.scalar(environ.get(name)) for name in ("REMOTE_ADDR", "REMOTE_PORT")]),
        "global_request_id", values.scalar(environ.get("HTTP_X_OPENSTACK_REQUEST_ID")),
        "microversion", values.scalar(environ.get("HTTP_OPENSTACK_API_VERSION")),
        "traceparent", values.scalar(environ.get("HTTP_TRACEPARENT")),
    )  # fmt: skip
    step = recorder.begin("http", "%s %s" % (method, path), attributes)
    if not step:
        return None
    arrived = _Request(step, environ)
    wsgi.guarded(_note_layer, arrived, layer)
    return arrived


def _text(environ: dict[str, Any], name: str) -> str:
    text = environ.get(name)
    return text if type(text) is str else ""


def _note_layer(arrived: _Request, layer: Any) -> None:
    """Note the first module that is not a shared library's, and the request id as soon as a layer has set it."""
    if arrived.application is None:
        function = field(layer, "func")
        bound = function.__self__ if type(function) is MethodType else None
        module = function_names(function)[0] if bound is None else module_of(type(bound)) or ""
        if not module.startswith(("oslo_", "webob", "paste", "keystonemiddleware", "osprofiler")):
            arrived.application = module
            recorder.note(arrived.step, ("application", module))
    if arrived.request_id is None:
        request_id = arrived.environ.get("openstack.request_id")
        if type(request_id) is str:
            arrived.request_id = request_id
            recorder.note(arrived.step, ("request_id", request_id))


@wrapper_frames.hide
def _listening(start_response: Function, arrived: _Request) -> Function:
    def listening(*args: Any, **kwargs: Any) -> Any:
        wsgi.guarded(_note_answer, arrived, args)
        return start_response(*args, **kwargs)

    return listening


def _note_answer(arrived: _Request, args: tuple[Any, ...]) -> None:
    """Note the status, and the id in the answer where the application has it nowhere else (Glance)."""
    status, headers = args[:2]
    arrived.status = status[:3] if type(status) is str else None
    if arrived.request_id is None and type(headers) is list:
        for pair in headers:
            if type(pair) is tuple and type(pair[0]) is str and pair[0].lower() == "x-openstack-request-id":
                arrived.request_id = values.scalar(pair[1])
                recorder.note(arrived.step, ("request_id", arrived.request_id))


def _ends(arrived: _Request, error: BaseException | None) -> None:
    status = arrived.status
    recorder.finish(arrived.step, error, ("status", int(status) if status and status.isdigit() else None))
