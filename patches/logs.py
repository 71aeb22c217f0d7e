"""Log records: each that reached the host's handlers, as a note of the step it was written in.

Recorded after the handlers ran: whoever formatted the record has then left its text on it, so nothing of a stranger's
is formatted here. Outside of steps records are kept too: the request id that oslo.log put on them may tell where they
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

#: What other hooks record better: SQL with its parameters' names, without which no secret among them is known.
_LEFT_OUT = ("sqlalchemy", "bootseq", "_bootseq")

#: Characters of a request id: req- and a uuid, and room for those of other making.
_MAX_ID = 128

_ORIGIN = ("logger", "level", "file", "line", "function")

#: Loggers and places in the source that are remembered; what comes later is worked out at each record.
_MAX_REMEMBERED = 10_000

#: (whether it wants the records of a logger, by its name; what takes them); the first that wants them gets them
_takers: list[tuple[Callable[[str], bool], Callable[[Any], object]]] = []
#: the same by logger, once it has been asked for
_by_logger: dict[str, Callable[[Any], object] | None] = {}
#: what a record tells of its origin -> the text whose number stands for that
_places: dict[Any, str] = {}
#: message templates and texts among arguments -> whether anything in them tells a secret, in them or beside them
_suspicious: dict[str, bool] = {}
#: Keys whose first lines were logged by a thread through a logger.
_keys = secret_keys.OpenKeys()


def install() -> None:
    """Record what every logger writes, but for those whose records stand elsewhere."""
    take(_wanted, _record)


def take(wants: Callable[[str], bool], taker: Callable[[Any], object]) -> None:
    """Give ``taker`` the records of loggers whose names it ``wants`` and no earlier one took."""
    if not _takers:
        patching.undo(_forget)
        import_hooks.when_imported("logging", functools.partial(logs.guarded, _wrap))
    _takers.append((wants, taker))
    _by_logger.clear()


def _forget() -> None:
    for kept in (_takers, _by_logger, _places, _suspicious, _keys.records):
        kept.clear()


def _wrap(module: ModuleType) -> None:
    patching.replace(module.Logger, "callHandlers", _make)


def _make(_original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(_original)
    def wrapper(logger: Any, written: Any) -> Any:
        try:
            return _original(logger, written)
        finally:
            # Written out, since Hook.guarded would be a tenth of what a record may cost.
            if patches_recorder.recorder is not None:
                try:
                    taker = _by_logger.get(written.name, _find)
                    if taker is not None:
                        taker(written)
                except Exception as error:
                    logs.swallow(error, blamed=True)

    return wrapper


def _find(written: Any) -> None:
    """The first record of a logger: find who takes those, and give it this one."""
    taker = next((taker for wants, taker in _takers if wants(written.name)), None)
    if len(_by_logger) < _MAX_REMEMBERED:
        _by_logger[written.name] = taker
    if taker is not None:
        taker(written)


def _wanted(name: str) -> bool:
    return not is_under(name, _LEFT_OUT)


def is_under(name: str, loggers: tuple[str, ...]) -> bool:
    """Whether the logger ``name`` is one of ``loggers`` or below one."""
    return any(name == logger or name.startswith(logger + ".") for logger in loggers)


def _record(written: Any) -> None:
    if not logs.enabled:
        return
    told = written.__dict__
    message, template = told.get("message"), told["msg"]
    # The common case of ``text``, written out: all parts are known and nothing in them tells a secret.
    if type(template) is str and type(message) is str and _suspicious.get(template) is False and not _keys.records:
        arguments = told["args"]
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
        masked = _keys.mask((patches_recorder.thread_id(), told["name"]), message, masked)
    write("log", written, masked)


def write(kind: str, written: Any, message: str) -> None:
    """Record a log record of the host's as an instant of this ``kind``; ``message`` is its text, masked."""
    told = written.__dict__
    key = (told["name"], told["levelname"], told["pathname"], told["lineno"], told["funcName"])
    attributes: tuple[Any, ...] = ()
    if "request_id" in told or told["exc_info"]:
        attributes = _more(told)
    place = _places.get(key)
    if place is None:
        place = " ".join([str(values.scalar(each)) for each in key])
        if len(_places) >= _MAX_REMEMBERED:  # loggers or sources made up as the host goes: no more numbers for such
            patches_recorder.happened(
                kind, str(values.scalar(key[0])), _origin(key) + ("message", message) + attributes
            )
            return
        _places[key] = place
    number = patches_recorder.names.get(place) or patches_recorder.name_number(place, _origin(key))
    recorder = patches_recorder.recorder
    if recorder is not None:
        parent, thread, now = patches_recorder.current.get(), patches_recorder.thread_id(), patches_recorder.clock()
        recorder.write(
            (record_format.LOG, patches_recorder.next_id(), parent, kind, thread, now, number, message, attributes)
        )


def _more(told: dict[str, Any]) -> tuple[Any, ...]:
    """The request's ids that oslo.log has put on a record, and an exception that came with it, as attributes."""
    attributes: tuple[Any, ...] = ()
    own, other, exc_info = told.get("request_id"), told.get("global_request_id"), told["exc_info"]
    if type(own) is str and len(own) <= _MAX_ID:
        attributes = ("request_id", own)
    if type(other) is str and 0 < len(other) <= _MAX_ID:
        attributes += ("global_request_id", other)
    if type(exc_info) is tuple and isinstance(exc_info[1], BaseException):
        attributes += ("exception", values.error_text(exc_info[1]))
    return attributes


def _origin(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """A record's logger and level, and where in the source it was written, as attributes."""
    pairs = ((name, values.scalar(value)) for name, value in zip(_ORIGIN, key))
    return sum(pairs, ())


def text(written: Any) -> str:
    """What a record says, masked: as a handler formatted it, else as far as that takes nobody's ``__str__``."""
    told = vars(written)
    message, template, arguments = told.get("message"), told["msg"], told["args"]
    # Arguments by name tell in the template which of them is secret, and no longer in the message.
    if type(message) is str and type(arguments) is not dict:
        if len(message) <= values.MAX_TEXT and _is_harmless(template, arguments):
            return message
        return values.masked_text(message)
    if type(template) is not str:
        return values.error_text(template) if isinstance(template, BaseException) else str(values.scalar(template))
    return values.masked_text(_formatted(template, arguments) if arguments else template)


def _is_harmless(template: Any, arguments: Any) -> bool:
    """Whether no part of a message tells a secret: cheaper to say than of the whole, since parts come again."""
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
        if len(_suspicious) >= _MAX_REMEMBERED:
            _suspicious.clear()
        if len(text) <= values.MAX_TEXT:
            _suspicious[text] = known
    return known


def _formatted(template: str, arguments: Any) -> str:
    kept: Any = ()
    if type(arguments) is dict:
        kept = {key: values.keyed(key, value) for key, value in arguments.items() if type(key) is str}
    elif type(arguments) is tuple:
        kept = tuple([values.scalar(value) for value in arguments])
    try:
        return str(template % kept)
    except (TypeError, ValueError, KeyError) as error:  # %d of what is shown as <Type>, or a template that never fitted
        faults.pass_on(error)
        return template
