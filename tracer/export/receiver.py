"""A receiver of OTLP over HTTP: messages are posted to it, tried again where that may help, and its answers read."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from tracer.errors import TracerError
from tracer.text import printable

JSON, PROTOBUF = "application/json", "application/x-protobuf"
#: Seconds for one request with its answer, however slowly that arrives.
TIMEOUT = 30.0
#: Answers are read up to this size.
MAX_ANSWER = 64 << 10
#: Statuses after which a request may be repeated, by the specification of OTLP/HTTP.
_AGAIN = frozenset({429, 502, 503, 504})
_ATTEMPTS = 5
_MAX_PAUSE = 30.0
#: Characters of an answer in a message.
_QUOTED = 300
_OK = range(200, 300)


@dataclass(frozen=True)
class Answer:
    """A receiver's answer; ``words`` is what it says on one line."""

    status: int
    body: bytes
    type: str
    retry_after: float | None
    location: str

    @property
    def words(self) -> str:
        """The answer's text, without what is not printable."""
        text = re.sub(r"\s+", " ", self.body.decode("utf-8", "replace"))
        return printable("".join(char for char in text if char.isprintable())[:_QUOTED]).strip()


class Receiver:
    """A receiver by its URL, with the headers that each request carries."""

    def __init__(self, url: str, headers: Mapping[str, str], *, timeout: float = TIMEOUT) -> None:
        self._url = _checked(url)
        self._shown = url
        self._headers = dict(headers)
        self._timeout = timeout

    def post(self, signal: str, body: bytes, type_: str, pause: Callable[[float], object] = time.sleep) -> Answer:
        """Post a message to ``/v1/SIGNAL``; return the answer, or raise a TracerError with the receiver's own words."""
        path, problem, wait = self._path(signal), "", 1.0
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = self._once(path, body, type_)
            except ssl.SSLCertVerificationError as error:
                raise TracerError(f"{self._shown}: its certificate is not valid: {error.verify_message}") from None
            except (OSError, http.client.HTTPException) as error:
                problem, again = _reason(error), None
            else:
                if answer.status in _OK:
                    return answer
                problem, again = self._refusal(answer), answer.retry_after
                if answer.status not in _AGAIN:
                    raise TracerError(f"{self._shown}: {problem}")
            if attempt < _ATTEMPTS:
                pause(min(wait if again is None else again, _MAX_PAUSE))
                wait *= 2
        raise TracerError(f"{self._shown}: {problem}; {_ATTEMPTS} attempts")

    def _path(self, signal: str) -> str:
        """Return the path: a URL that names one signal's is that signal's; any other is the base of both."""
        path = self._url.path.rstrip("/")
        base = re.sub(r"/v1/(traces|logs)\Z", "", path)
        query = f"?{self._url.query}" if self._url.query else ""
        return f"{base}/v1/{signal}{query}"

    def _once(self, path: str, body: bytes, type_: str) -> Answer:
        host, port = self._url.hostname or "", self._url.port
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(host, port, timeout=self._timeout)
        headers = {**self._headers, "Content-Type": type_, "User-Agent": "bootseq", "Connection": "close"}
        return _within(self._timeout, lambda: _exchange(connection, path, body, headers))

    def _refusal(self, answer: Answer) -> str:
        if answer.location:
            return f"HTTP {answer.status}: it redirects to {printable(answer.location[:_QUOTED])}; name that URL"
        words = answer.words
        return f"HTTP {answer.status}" + (f": {words}" if words else "")


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or not url.isascii() or not url.isprintable() or " " in url:
        raise TracerError(f"{url}: expected a URL such as http://127.0.0.1:4318")
    if parts.username is not None or parts.password is not None:
        raise TracerError(
            "the URL holds a user or a password, which every process of the machine can read; use --header"
        )
    return parts


def _exchange(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    try:
        connection.request("POST", path, body, headers)
        with connection.getresponse() as response:
            data = response.read(MAX_ANSWER)
    finally:
        connection.close()
    again = response.getheader("Retry-After", "")
    # A date, the other form, is not read.
    pause = float(again) if again.isascii() and again.isdecimal() else None
    return Answer(
        response.status, data, response.getheader("Content-Type", ""), pause, response.getheader("Location", "")
    )


def _within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """Return the result of ``work``, or raise TimeoutError: a socket's own timeout starts again with every byte."""
    results: list[Answer | Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except (OSError, http.client.HTTPException) as error:
            results.append(error)

    # A daemon: one that still waits does not keep the program from ending.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, http.client.HTTPException):
        return f"not an HTTP answer: {type(error).__name__}"
    if isinstance(error, OSError):
        return f"cannot be reached: {error.strerror or error}"
    return str(error)
