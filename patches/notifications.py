"""Notifications: what a service tells whoever listens, whatever driver carries it (messaging, a log, none at all)."""

from __future__ import annotations

import functools
from typing import Any

from . import hooks, import_hooks, patching, recorder, rpc, values

notifications = hooks.Hook("notifications")


def install() -> None:
    """Wrap oslo.messaging's notifier once it is there; the messages it sends are rpc's, below the step made here."""
    import_hooks.when_imported("oslo_messaging.notify.notifier", functools.partial(notifications.guarded, _wrap))


def _wrap(module: Any) -> None:
    patching.replace(module.Notifier, "_notify", hooks.within(notifications, _begins, _ends))


def _begins(args: Any, kwargs: Any) -> int:
    context, event_type, payload = args[1:4]
    attributes = ("side", "client", "mode", "notify") + rpc.request_ids(context) + _about(payload)
    return recorder.begin("rpc", values.scalar(event_type), attributes)


def _about(payload: Any) -> tuple[Any, ...]:
    """Which instance a versioned notification is about, and the state it tells."""
    data = payload.get("nova_object.data") if type(payload) is dict else None
    if type(data) is not dict:
        return ()
    told = (("instance", "uuid"), ("vm_state", "state"), ("display_name", "display_name"))
    pairs = ((key, data.get(name)) for key, name in told)
    return sum(((key, values.scalar(value)) for key, value in pairs if type(value) is str), ())


def _ends(step: int, result: Any, error: Any) -> None:
    recorder.finish(step, error)
