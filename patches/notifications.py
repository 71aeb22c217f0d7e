"""Notifications of a service to any listeners, by whatever driver (messaging, a log, none at all)."""

from __future__ import annotations

import functools
from typing import Any

from . import hooks, import_hooks, patching, recorder, rpc, values

notifications = hooks.Hook("notifications")


def install() -> None:
    """Wrap oslo.messaging's notifier once it is imported; the messages it sends are rpc's, below this hook's step."""
    import_hooks.when_imported("oslo_messaging.notify.notifier", functools.partial(notifications.guarded, _wrap))


def _wrap(module: Any) -> None:
    patching.replace(module.Notifier, "_notify", hooks.within(notifications, _begins, _ends))


def _begins(args: Any, kwargs: Any) -> int:
    context, event_type, payload = args[1:4]
    attributes = ("side", "client", "mode", "notify") + rpc.request_ids(context) + _about(payload)
    return recorder.begin("rpc", values.scalar(event_type), attributes)


def _about(payload: Any) -> tuple[Any, ...]:
    """Return the instance of a versioned notification, and its state, as attributes."""
    data = payload.get("nova_object.data") if type(payload) is dict else None
    if type(data) is not dict:
        return ()
    fields = (("instance", "uuid"), ("vm_state", "state"), ("display_name", "display_name"))
    pairs = ((key, data.get(name)) for key, name in fields)
    return sum(((key, values.scalar(value)) for key, value in pairs if type(value) is str), ())


def _ends(step: int, result: Any, error: Any) -> None:
    recorder.finish(step, error)
