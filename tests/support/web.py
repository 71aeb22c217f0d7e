"""A local server, WebOb applications, and requests to them, for tests of both sides of HTTP."""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.validate import validator


def foreign(name: str) -> Any:
    """Import a library without the warnings about the libraries that it uses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


class Silent(WSGIRequestHandler):
    """A request handler without a log."""

    def log_message(self, *_: Any) -> None:
        """Drop the message."""


class Server:
    """A server on a port of its own, which answers with ``application``."""

    def __init__(self) -> None:
        self.application: Callable[..., Iterable[bytes]] = self.plain
        self.server: WSGIServer = make_server("127.0.0.1", 0, self.answer, handler_class=Silent)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass the request to the application."""
        return self.application(environ, start_response)

    def plain(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Redirect /old, answer /bad with 404, and everything else with 200."""
        headers = [("x-openstack-request-id", "req-callee"), ("Content-Length", "2")]
        if environ["PATH_INFO"] == "/old":
            start_response("302 Found", [("Location", "/new"), ("Content-Length", "0")])
            return [b""]
        start_response("404 Not Found" if environ["PATH_INFO"] == "/bad" else "200 OK", headers)
        return [b"ok"]

    def stop(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def layered(inner: Callable[..., Any]) -> Any:
    """Return an API as OpenStack builds it: a middleware that assigns the request's id, around an application."""
    dec = foreign("webob.dec")

    class RequestId:
        __module__ = "oslo_middleware.request_id"

        def __init__(self, application: Any) -> None:
            self.application = application

        @dec.wsgify  # type: ignore[untyped-decorator]
        def __call__(self, request: Any) -> Any:
            request.environ["openstack.request_id"] = "req-own"
            answer = request.get_response(self.application)
            answer.headers["x-openstack-request-id"] = "req-own"
            return answer

    class Api:
        @dec.wsgify  # type: ignore[untyped-decorator]
        def __call__(self, request: Any) -> Any:
            return inner(request)

    return RequestId(Api())


def ask(application: Any, **environ: Any) -> tuple[str, bytes]:
    """Return an application's answer, checked against the WSGI standard."""
    util = importlib.import_module("wsgiref.util")
    environment: dict[str, Any] = {
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "REQUEST_METHOD": "GET",
    } | environ
    util.setup_testing_defaults(environment)
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda data: None

    body = validator(application)(environment, start_response)
    try:
        return statuses[-1], b"".join(body)
    finally:
        body.close()  # type: ignore[attr-defined]
