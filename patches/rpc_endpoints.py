"""Nova's RPC endpoints: what its wrapper around a manager remembers must not lead past our hooks, nor to them later.

Nova 34 counts the calls under way by a wrapper that takes each method off the manager once, and keeps it. Kept before
the hooks came it leads past them; kept since, it would lead to them for ever. So it is put aside while they are in, and
the wrapper takes the method anew.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from . import hooks, import_hooks, patching
from .classes import module_of, type_name

endpoints = hooks.Hook("endpoints")

_WRAPPER = ("nova.service", "_TrackingEndpointWrapper")

#: (the wrapper, a method's name) by identity and name -> the wrapper, and what it had kept, or ABSENT
_aside: dict[tuple[int, str], tuple[Any, Any]] = {}


def install() -> None:
    """Look at each endpoint as a call is dispatched to it."""
    patching.undo(_put_back)
    import_hooks.when_imported("oslo_messaging.rpc.dispatcher", functools.partial(endpoints.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    patching.replace(vars(module)["RPCDispatcher"], "_do_dispatch", hooks.around(endpoints, _look, lambda *rest: None))


def _look(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    endpoint, method = args[1:3]
    kind = type(endpoint)
    if (module_of(kind), type_name(kind)) == _WRAPPER and (id(endpoint), method) not in _aside:
        kept = vars(endpoint).pop(method, patching.ABSENT)
        _aside[id(endpoint), method] = (endpoint, kept)


def _put_back() -> None:
    """As it was: the methods are the managers' own again by now."""
    for (_, method), (endpoint, kept) in list(_aside.items()):
        if kept is patching.ABSENT:
            vars(endpoint).pop(method, None)
        else:
            vars(endpoint)[method] = kept
    _aside.clear()
