"""SQL echo: SQLAlchemy's own log of statements, switched on while services run, and off again as it was.

The service's own log then has the statements, with the request id of its format. SQLAlchemy writes them, parameters as
they are: the user asks for this, and the capture has none of it. A connection reads the level when it is checked out:
those that were out before stay silent until the next checkout.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import hooks, import_hooks, patching

echo = hooks.Hook("echo")

_LOGGER = "sqlalchemy.engine"
_INFO = 20

#: The level that the host wants: the original one, then those that oslo.db (at each new engine) and oslo.log set.
_wanted: dict[Any, int] = {}


def install() -> None:
    """Let statements through to the log, now or when SQLAlchemy is imported."""
    import_hooks.when_imported("sqlalchemy.engine", functools.partial(echo.guarded, _wrap))


def _wrap(engine: ModuleType) -> None:
    # SQLAlchemy imports logging itself: by now it is imported, and SQLAlchemy has configured it.
    import_hooks.when_imported("logging", functools.partial(echo.guarded, _switch_on))


def _switch_on(module: ModuleType) -> None:
    logger = module.getLogger(_LOGGER)
    _wanted[logger] = logger.level
    patching.undo(functools.partial(_put_back, logger))
    logger.setLevel(_lower(logger.level))
    patching.replace(module.Logger, "setLevel", _make)


def _lower(level: int) -> int:
    """Return INFO, unless the level lets that through; an unset level inherits SQLAlchemy's own, which is WARNING."""
    return level if 0 < level <= _INFO else _INFO


def _make(_original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(_original)
    def wrapper(logger: Any, *args: Any, **kwargs: Any) -> Any:
        result = _original(logger, *args, **kwargs)
        echo.guarded(_keep_on, _original, logger)
        return result

    return wrapper


def _keep_on(_original: Callable[..., Any], logger: Any) -> None:
    """Remember a level that the host has set on this logger, to restore it in the end."""
    if logger.name == _LOGGER and logger in _wanted:
        _wanted[logger] = logger.level
        _original(logger, _lower(logger.level))


def _put_back(logger: Any) -> None:
    before = _wanted.pop(logger)
    if logger.level == _lower(before):
        logger.setLevel(before)
