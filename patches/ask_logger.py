"""The ask logger: records of the logger ``ask``, from all processes, in one file in oslo.log's format.

Records of ``logging.getLogger("ask")`` (and any logger the user names) become steps and lines of that file. Each line
is one write to a file that is opened for appending each time: so lines of many processes never mix, and a log that was
rotated away is left alone.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import hooks, host_objects, import_hooks, logs, patching, recorder, unpatched, values

ask = hooks.Hook("ask")

#: Characters of a message in the file; the step has as many as other texts.
MAX_MESSAGE = 65_536

_DEBUG = 10

#: A pipe or link at that path may neither stop nor mislead a service.
_CAREFUL = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

#: Fields of the user that oslo.log writes, each by its names in messages, in contexts and in those before 2024.
_IDENTITY = (
    ("user", "user_id", "_user_id"), ("project", "project_id", "_project_id"), ("domain", "domain_id", "_domain_id"),
    ("system_scope",), ("user_domain", "user_domain_id", "_user_domain_id"),
    ("project_domain", "project_domain_id", "_project_domain_id"),
)  # fmt: skip
#: The same in a request that has no context yet.
_ENVIRON = {
    "request_id": "openstack.request_id", "global_request_id": "openstack.global_request_id",
    "user": "HTTP_X_USER_ID", "project": "HTTP_X_PROJECT_ID", "system_scope": "HTTP_OPENSTACK_SYSTEM_SCOPE",
    "user_domain": "HTTP_X_USER_DOMAIN_ID", "project_domain": "HTTP_X_PROJECT_DOMAIN_ID",
}  # fmt: skip


def install(path: str, names: list[str]) -> None:
    """Append the records of the loggers ``names`` and those below them to the file ``path``."""
    record = functools.partial(ask.guarded, functools.partial(_record, path))
    logs.take(functools.partial(_is_asked, tuple(names)), record)
    import_hooks.when_imported("logging", functools.partial(ask.guarded, functools.partial(_let_through, names)))


def _is_asked(names: tuple[str, ...], name: str) -> bool:
    return logs.is_under(name, names)


def _let_through(names: list[str], module: ModuleType) -> None:
    """Let every level through where nobody set a logger's own: it would inherit its parents'."""
    for name in names:
        logger = module.getLogger(name)
        if logger.level == module.NOTSET:
            logger.setLevel(_DEBUG)
            patching.undo(functools.partial(_put_back, logger))


def _put_back(logger: Any) -> None:
    if logger.level == _DEBUG:
        logger.setLevel(0)


def _record(path: str, written: Any) -> None:
    write(path, written, _message(written), values.MAX_TEXT)


def write(path: str, written: Any, message: str, limit: int) -> None:
    """Write a log record as a step (with up to ``limit`` characters of its message) and as a line of the file."""
    logs.write("ask", written, values.masked_text(message, limit))
    if recorder.recorder is not None:  # the lease may just have ended
        _append(path, _line(written, values.masked_text(message, MAX_MESSAGE)) + _traceback(vars(written)))


def _append(path: str, line: str) -> None:
    data = line.encode("utf-8", "backslashreplace")
    descriptor = unpatched.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _CAREFUL, 0o600)
    try:
        if unpatched.write(descriptor, data) != len(data):
            raise OSError("no room for a line")
    finally:
        os.close(descriptor)


def _message(written: Any) -> str:
    """Return the text as a handler formatted it, else formatted here: the user wants to see the values."""
    message = vars(written).get("message")
    if type(message) is str:
        return message
    try:
        return str(written.getMessage())
    except Exception as error:
        # The host's handlers have failed on it too, out of sight: reported where the user looks.
        return "%s (not formatted: %s)" % (logs.text(written), values.error_text(error))


def _traceback(fields: dict[str, Any]) -> str:
    """Return the traceback's lines, where a handler has formatted it; else the exception alone."""
    trace, exc_info = fields.get("exc_text"), fields.get("exc_info")
    if type(trace) is str and trace:
        return values.masked_text(trace, MAX_MESSAGE) + "\n"
    if type(exc_info) is tuple and isinstance(exc_info[1], BaseException):
        return values.error_text(exc_info[1]) + "\n"
    return ""


def _line(written: Any, message: str) -> str:
    fields = vars(written)
    process, about = fields.get("process"), fields.get("instance")
    seconds = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(written.created))
    return "%s.%03d %d %s %s [%s] %s%s %s %s:%s\n" % (
        seconds, int(written.msecs), process if type(process) is int else os.getpid(),
        *(values.scalar(value) for value in (written.levelname, written.name)),
        # oslo.log sets it to "[instance: UUID] " where an instance is logged with the message.
        _asker(written), about if type(about) is str and about.startswith("[instance: ") else "", message,
        *(values.scalar(value) for value in (written.funcName, written.pathname, written.lineno)),
    )  # fmt: skip


def _asker(written: Any) -> str:
    """Return the text of oslo.log's bracket: the request's ids and its user, "-" outside of requests.

    The step's context comes before the thread's: it is that of the message or request that the step belongs to.
    """
    for context_of in (_of_record, _of_step, _of_thread):
        context = context_of(written)
        request_id = context.get("request_id")
        if type(request_id) is str:
            identity = " ".join(_first(context, names) for names in _IDENTITY)
            return "%s %s %s" % (_first(context, ("global_request_id",), "None"), request_id, identity)
    return "-"


def _first(context: dict[str, Any], names: tuple[str, ...], missing: str = "-") -> str:
    return next((value for value in map(context.get, names) if type(value) is str and value), missing)


def _of_record(written: Any) -> dict[str, Any]:
    """Return the context of the record itself, as of oslo.log's ``LOG.debug(…, context=context)``."""
    return _fields(vars(written).get("context"))


def _of_step(written: Any) -> dict[str, Any]:
    context = recorder.context.get() or {}
    if "wsgi.version" not in context:
        return context
    for key, value in list(context.items()):
        if type(key) is str and key.endswith(".context") and _fields(value).get("request_id"):
            return _fields(value)
    return {name: context.get(key) for name, key in _ENVIRON.items()}


def _of_thread(written: Any) -> dict[str, Any]:
    module = sys.modules.get("oslo_context.context")
    current: Callable[[], Any] | None = getattr(module, "get_current", None)
    return _fields(current()) if current is not None else {}


def _fields(context: Any) -> dict[str, Any]:
    """Return a context's stored attributes: messages and contexts have the same names for them."""
    if type(context) is dict:
        return context
    return host_objects.stored(context)
