"""Connection pools: a checkout that had to wait for a connection as a step, one that took long or connected as a note.

Most checkouts do not matter: recorded are those that opened a connection, waited for a free one, or took very long. On
a busy machine every one takes milliseconds, as it queries the database whether the connection is still good.
``NullPool`` is excluded: it has no connections, opens a new one each time, and nobody ever waits for another's.
"""

from __future__ import annotations

import functools
import time
from collections import deque
from types import ModuleType
from typing import Any

from . import hooks, import_hooks, patching, recorder, values
from .classes import type_name
from .host_fields import field, path

pool = hooks.Hook("pool")

#: Nanoseconds from which a checkout is recorded for its length alone.
LONG = 100_000_000

_wall_clock = time.time

_NAME = "sqlalchemy.pool:checkout"


def install() -> None:
    """Wrap the pools' ``connect`` once SQLAlchemy is imported."""
    import_hooks.when_imported("sqlalchemy.pool.base", functools.partial(pool.guarded, _wrap_base))
    import_hooks.when_imported("sqlalchemy.pool.impl", functools.partial(pool.guarded, _wrap_overrides))


def _wrap_base(module: ModuleType) -> None:
    _wrap(module.Pool)


def _wrap_overrides(module: ModuleType) -> None:
    for owner in list(vars(module).values()):
        if isinstance(owner, type) and owner.__module__ == module.__name__ and "connect" in vars(owner):
            _wrap(owner)


def _wrap(owner: type) -> None:
    patching.replace(owner, "connect", hooks.around(pool, _begins, _ends))


def _begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, bool, int, float] | None:
    kind = type_name(type(args[0]))
    return None if kind == "NullPool" else (kind, _has_none(args[0]), recorder.clock(), _wall_clock())


def _has_none(queue: Any) -> bool:
    """Return whether all connections that a ``QueuePool`` may have are checked out."""
    most, overflow, free = field(queue, "_max_overflow"), field(queue, "_overflow"), path(queue, "_pool", "queue")
    return type(most) is int and type(overflow) is int and 0 <= most <= overflow and type(free) is deque and not free


def _ends(token: tuple[str, bool, int, float], connection: Any, error: BaseException | None) -> None:
    owner, waited, begun, wall = token
    connected = error is None and _opened_at(connection) >= wall
    if connected or waited or error is not None or recorder.clock() - begun >= LONG:
        attributes = ("module", "sqlalchemy.pool", "class", owner, "function", "connect", "connected", connected)
        kind = "call" if waited or error is not None else "wait"
        recorder.happened(kind, _NAME, attributes, begun, None if error is None else values.error_text(error))


def _opened_at(connection: Any) -> float:
    """Return when the pool opened the connection, by the wall clock."""
    started = path(connection, "_connection_record", "starttime")
    return started if type(started) is float else 0
