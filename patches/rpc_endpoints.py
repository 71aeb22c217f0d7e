"""Nova's RPC endpoints: their cached methods must not bypass our hooks, nor outlive them.

Nova 34 counts the calls under way by a wrapper that reads each method off the manager once, and caches it. Cached
before the hooks came it bypasses them; cached since, it would keep them for ever. So the cached methods are set aside
while the hooks are in, and the wrapper reads the method again.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from . import hooks, import_hooks, patching
from .classes import module_of, type_name

endpoints = hooks.Hook("endpoints")

_WRAPPER = ("nova.service", "_TrackingEndpointWrapper")

#: (the wrapper's identity, a method's name) -> the wrapper, and the method that it had cached, or ABSENT
_aside: dict[tuple[int, str], tuple[Any, Any]] = {}


def install() -> None:
    """Set cached methods aside as a call is dispatched to their endpoint."""
    patching.undo(_restore)
    import_hooks.when_imported("oslo_messaging.rpc.dispatcher", functools.partial(endpoints.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    patching.replace(
        vars(module)["RPCDispatcher"], "_do_dispatch", hooks.around(endpoints, _set_aside, lambda *rest: None)
    )


def _set_aside(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    endpoint, method = args[1:3]
    kind = type(endpoint)
    if (module_of(kind), type_name(kind)) == _WRAPPER and (id(endpoint), method) not in _aside:
        cached = vars(endpoint).pop(method, patching.ABSENT)
        _aside[id(endpoint), method] = (endpoint, cached)


def _restore() -> None:
    """Restore the cached methods: the managers have their own again by now."""
    for (_, method), (endpoint, cached) in list(_aside.items()):
        if cached is patching.ABSENT:
            vars(endpoint).pop(method, None)
        else:
            vars(endpoint)[method] = cached
    _aside.clear()
