"""Ids of ports among the arguments of Neutron's functions and Nova's: read from exact builtins, at most MAX_PORTS."""

from __future__ import annotations

from typing import Any

from . import values
from .host_fields import field
from .host_objects import stored

#: Ids of one step that are recorded; where there are more, or not all are texts, the last is UNKNOWN.
MAX_PORTS = 64
UNKNOWN = "…"

_SETS = (list, tuple, set, frozenset)


def ports(*arguments: Any) -> tuple[Any, ...]:
    """Return the attribute ``ports`` of ids and containers of ids; () where there are none."""
    ids: dict[Any, None] = {}
    for value in arguments:
        for text in list(value) if type(value) in _SETS else () if value is None else (value,):
            if len(ids) >= MAX_PORTS or type(text) is not str:
                ids[UNKNOWN] = None
                break
            ids[values.scalar(text)] = None
    return ("ports", ("[]",) + tuple(ids)) if ids else ()


def of_port(port: Any) -> tuple[Any, ...]:
    """Return the attribute ``ports`` of a port as Neutron's agents and drivers pass it: a dict with its id."""
    if type(port) is not dict:
        return ()
    id_ = port.get("device") or port.get("id") or port.get("port_id")
    mac = port.get("mac_address")
    return ports(id_) + (("macs", ("[]", values.scalar(mac))) if type(mac) is str else ())


def of_info(info: Any) -> tuple[Any, ...]:
    """Return the attribute ``ports`` of what one run of the agent's loop works on."""
    own = _plain(info)
    return ports(*[own.get(name) for name in ("added", "updated", "removed", "re_added")])


def of_events(events: Any) -> tuple[Any, ...]:
    """Return the attribute ``events`` of the events that Neutron sends Nova: key, instance."""
    pairs = [
        ("{}", "event", _key(event.get("name"), event.get("tag")), "instance", values.scalar(event.get("server_uuid")))
        for event in (events if type(events) is list else [events])[:MAX_PORTS]
        if type(event) is dict
    ]
    return ("events", ("[]",) + tuple(pairs)) if pairs else ()


def of_expected(instance: Any, keys: Any) -> tuple[Any, ...]:
    """Return the attribute ``events`` of the events by key that Nova's compute waits for."""
    uuid = values.scalar(stored(instance).get("_obj_uuid"))
    pairs = [("{}", "event", values.scalar(key), "instance", uuid) for key in (keys if type(keys) is dict else ())]
    return ("events", ("[]",) + tuple(pairs[:MAX_PORTS])) if pairs else ()


def of_received(instance: Any, event: Any) -> tuple[Any, ...]:
    """Return the attribute ``events`` of the event that Nova's compute has received."""
    own = stored(event)
    pair = ("{}", "event", _key(own.get("_obj_name"), own.get("_obj_tag")))
    return ("events", ("[]", pair + ("instance", values.scalar(stored(instance).get("_obj_uuid")))))


def of_self(owner: Any, name: str, info: Any) -> tuple[Any, ...]:
    """Return the attribute ``ports`` of a set of the agent's own, without those that ``info`` says are gone."""
    ids, removed = field(owner, name), _plain(info).get("removed")
    if type(ids) is not set:
        return ()
    return ports(ids - removed if type(removed) is set else ids)


def _plain(info: Any) -> dict[Any, Any]:
    """Return the dict within a UserDict, as the agent has it since 2024; a dict itself; {} for anything else."""
    own = info if type(info) is dict else field(info, "data")
    return own if type(own) is dict else {}


def _key(name: Any, tag: Any) -> Any:
    """Return an event's key as Nova makes it."""
    return values.scalar("%s-%s" % (name, tag) if type(tag) is str else name)
