"""Log records that reached the host's handlers, as notes of the step that they were written in.

They are recorded after the handlers: a handler that formatted the record has then left its text on it, so no foreign
object is formatted here. Records outside of steps are recorded too: oslo.log's request id on them may show where they
belong.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import faults, hooks, import_hooks, masking, patching, record_format, secret_keys, values
from . import recorder as patches_recorder

logs = hooks.Hook("logs")

#: Loggers of what other hooks record better: SQL with its parameters' names, by which secrets among them are known.
_EXCLUDED = ("sqlalchemy", "bootseq", "_bootseq")

#: Characters of a request id: req- and a uuid, and room for other forms.
_MAX_ID = 128

_ORIGIN = ("logger", "level", "file", "line", "function")

#: Cached loggers and positions in the source; those beyond are worked out at each record.
_MAX_CACHED = 10_000

#: (test of a logger's name, function that records such a logger's records); the first whose test is true gets them
_takers: list[tuple[Callable[[str], bool], Callable[[Any], object]]] = []
#: the functions by logger, a cache
_by_logger: dict[str, Callable[[Any], object] | None] = {}
#: a record's logger, level, file, line and function -> the text whose number represents them
_origins: dict[Any, str] = {}
#: message templates and texts among arguments -> whether a secret may be in them or beside them
_suspicious: dict[str, bool] = {}
#: Keys whose first lines were logged by a thread through a logger.
_keys = secret_keys.OpenKeys()


def install() -> None:
    """Record what every logger writes, except for those whose records other hooks have."""
    take(_wanted, _record)


def take(wants: Callable[[str], bool], taker: Callable[[Any], object]) -> None:
    """Call ``taker`` for records of loggers whose names it ``wants``, unless an earlier one takes them."""
    if not _takers:
        patching.undo(_forget)
        import_hooks.when_imported("logging", functools.partial(logs.guarded, _wrap))
    _takers.append((wants, taker))
    _by_logger.clear()


def _forget() -> None:
    for table in (_takers, _by_logger, _origins, _suspicious, _keys.records):
        table.clear()


def _wrap(module: ModuleType) -> None:
    patching.replace(module.Logger, "callHandlers", _make)


def _make(_original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(_original)
    def wrapper(logger: Any, written: Any) -> Any:
        try:
            return _original(logger, written)
        finally:
            # Inlined, since Hook.guarded would be a tenth of what a record may cost.
            if patches_recorder.recorder is not None:
                try:
                    taker = _by_logger.get(written.name, _find)
                    if taker is not None:
                        taker(written)
                except Exception as error:
                    logs.swallow(error, blamed=True)

    return wrapper


def _find(written: Any) -> None:
    """Find the taker of a logger at its first record, and call it."""
    taker = next((taker for wants, taker in _takers if wants(written.name)), None)
    if len(_by_logger) < _MAX_CACHED:
        _by_logger[written.name] = taker
    if taker is not None:
        taker(written)


def _wanted(name: str) -> bool:
    return not is_under(name, _EXCLUDED)


def is_under(name: str, loggers: tuple[str, ...]) -> bool:
    """Return whether the logger ``name`` is one of ``loggers`` or below one."""
    return any(name == logger or name.startswith(logger + ".") for logger in loggers)


def _record(written: Any) -> None:
    if not logs.enabled:
        return
    fields = written.__dict__
    message, template = fields.get("message"), fields["msg"]
    # The common case of ``text``, inlined: all parts are known and none of them hints at a secret.
    if type(template) is str and type(message) is str and _suspicious.get(template) is False and not _keys.records:
        arguments = fields["args"]
        if type(arguments) is tuple and len(message) <= values.MAX_TEXT:
            for argument in arguments:
                kind = type(argument)
                if (
                    kind is not int
                    and kind is not float
                    and (kind is not str or _suspicious.get(argument) is not False)
                ):
                    break
            else:
                write("log", written, message)
                return
    masked = text(written)
    if type(message) is str and (_keys.records or masking.MASK in masked):
        masked = _keys.mask((patches_recorder.thread_id(), fields["name"]), message, masked)
    write("log", written, masked)


def write(kind: str, written: Any, message: str) -> None:
    """Record a log record of the host's as an instant of this ``kind``; ``message`` is its text, masked."""
    fields = written.__dict__
    key = (fields["name"], fields["levelname"], fields["pathname"], fields["lineno"], fields["funcName"])
    attributes: tuple[Any, ...] = ()
    if "request_id" in fields or "otelTraceID" in fields or fields["exc_info"]:
        attributes = _more(fields)
    origin = _origins.get(key)
    if origin is None:
        origin = " ".join([str(values.scalar(part)) for part in key])
        if len(_origins) >= _MAX_CACHED:  # generated names of loggers or files: no more numbers for these
            patches_recorder.happened(
                kind, str(values.scalar(key[0])), _origin(key) + ("message", message) + attributes
            )
            return
        _origins[key] = origin
    number = patches_recorder.names.get(origin) or patches_recorder.name_number(origin, _origin(key))
    recorder = patches_recorder.recorder
    if recorder is not None:
        parent, thread, now = patches_recorder.current.get(), patches_recorder.thread_id(), patches_recorder.clock()
        recorder.write(
            (record_format.LOG, patches_recorder.next_id(), parent, kind, thread, now, number, message, attributes)
        )


def _more(fields: dict[str, Any]) -> tuple[Any, ...]:
    """Return the request's ids that oslo.log has put on a record, and its exception, as attributes."""
    attributes: tuple[Any, ...] = ()
    own, other, exc_info = fields.get("request_id"), fields.get("global_request_id"), fields["exc_info"]
    if type(own) is str and len(own) <= _MAX_ID:
        attributes = ("request_id", own)
    if type(other) is str and 0 < len(other) <= _MAX_ID:
        attributes += ("global_request_id", other)
    if "otelTraceID" in fields:
        attributes += _trace_ids(fields)
    if type(exc_info) is tuple and isinstance(exc_info[1], BaseException):
        attributes += ("exception", values.error_text(exc_info[1]))
    return attributes


def _trace_ids(fields: dict[str, Any]) -> tuple[Any, ...]:
    """Return the ids that OpenTelemetry has put on a record; without a span they are "0"."""
    pairs = (("trace_id", fields["otelTraceID"], 32), ("span_id", fields.get("otelSpanID"), 16))
    known = [(name, value) for name, value, length in pairs if type(value) is str and len(value) == length]
    return sum(known, ())


def _origin(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a record's logger, level and position in the source as attributes."""
    pairs = ((name, values.scalar(value)) for name, value in zip(_ORIGIN, key))
    return sum(pairs, ())


def text(written: Any) -> str:
    """Return a record's text, masked: as a handler formatted it, else as far as that needs no foreign ``__str__``."""
    fields = vars(written)
    message, template, arguments = fields.get("message"), fields["msg"], fields["args"]
    # Only the template has the names of arguments by name, which show the secrets among them.
    if type(message) is str and type(arguments) is not dict:
        if len(message) <= values.MAX_TEXT and _is_harmless(template, arguments):
            return message
        return values.masked_text(message)
    if type(template) is not str:
        return values.error_text(template) if isinstance(template, BaseException) else str(values.scalar(template))
    return values.masked_text(_formatted(template, arguments) if arguments else template)


def _is_harmless(template: Any, arguments: Any) -> bool:
    """Return whether no part of a message hints at a secret: cheaper than of the whole, since parts recur."""
    if type(template) is not str or type(arguments) is not tuple or _is_suspicious(template):
        return False
    for argument in arguments:
        kind = type(argument)
        if kind is str:
            if _is_suspicious(argument):
                return False
        elif kind is not int and kind is not float and argument is not None:
            return False
    return True


def _is_suspicious(text: str) -> bool:
    known = _suspicious.get(text)
    if known is None:
        known = masking.is_suspicious(text)
        if len(_suspicious) >= _MAX_CACHED:
            _suspicious.clear()
        if len(text) <= values.MAX_TEXT:
            _suspicious[text] = known
    return known


def _formatted(template: str, arguments: Any) -> str:
    safe: Any = ()
    if type(arguments) is dict:
        safe = {key: values.keyed(key, value) for key, value in arguments.items() if type(key) is str}
    elif type(arguments) is tuple:
        safe = tuple([values.scalar(value) for value in arguments])
    try:
        return str(template % safe)
    except (TypeError, ValueError, KeyError) as error:  # %d of a value that became <Type>, or a wrong template
        faults.pass_on(error)
        return template
