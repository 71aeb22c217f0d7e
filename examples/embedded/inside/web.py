"""A threaded HTTP/1.1 server for one WSGI application, with an access line a request."""

import os
import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import unquote


def serve(application, address, access_log):
    with open(access_log, "a", buffering=1) as log:
        handler = type("Handler", (Handler,), {"application": staticmethod(application), "log": log})
        Server(address, handler).serve_forever()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        """Bind without the base class's look-up of the host's name, which may need a name server."""
        super(ThreadingHTTPServer.__base__, self).server_bind()
        self.server_name, self.server_port = self.server_address

    def handle_error(self, request, client_address):
        """Ignore clients that have disconnected."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    # Connections stay open, as they do under a real server: clients' pools and ports look as they look there.
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def respond(self):
        started = time.monotonic()
        environ = self.environ()
        try:
            status, headers, body = self.call(environ)
        except Exception:  # noqa: BLE001 - the client must get an answer
            traceback.print_exc()
            status, headers, body = "500 Internal Server Error", [], b""
        self.send(status, headers, body)
        self.write_access_line(status, len(body), time.monotonic() - started)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = respond

    def call(self, environ):
        head = {}
        chunks = self.application(environ, lambda status, headers, exc_info=None: head.update(start=(status, headers)))
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        return *head["start"], body

    def environ(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if "Content-Type" in self.headers:
            environ["CONTENT_TYPE"] = self.headers["Content-Type"]
        environ.update((f"HTTP_{name.upper().replace('-', '_')}", value) for name, value in self.headers.items())
        return environ

    def send(self, status, headers, body):
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        if code not in ("204", "304"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def write_access_line(self, status, length, seconds):
        """Write a line in uWSGI's format as in the real cloud, with the client's port after its address."""
        address, port = self.client_address
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        code = status.partition(" ")[0]
        client = f"[wsgi {os.getpid()}] {address}:{port} [{when}]"
        self.log.write(f'{client} "{self.requestline}" {code} {length} {seconds * 1000:.0f}ms\n')
