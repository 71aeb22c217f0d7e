"""Changes of links, addresses and routes by pyroute2, as the commands of iproute2 that would make them.

Privileged functions of Neutron and os-vif run no ``ip``: they speak netlink. What they only read is not recorded.
"""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar
from types import MethodType, ModuleType
from typing import Any

from . import hooks, import_hooks, patching, recorder, values

netlink = hooks.Hook("netlink")

_OBJECTS = ("link", "addr", "route", "rule", "neigh")
_LOOKUP = "link_lookup"
_CHANGES = frozenset(("add", "append", "change", "create", "del", "delete", "remove", "replace", "set"))
#: Keys for which iproute2 has the word ``dev``.
_DEVICES = ("ifname", "index", "ifindex", "oif")

#: A step, and the names of links by number that were looked up in it; "" where several have the number, in namespaces.
_names: ContextVar[tuple[int, dict[int, str]]] = ContextVar("bootseq_links", default=(0, {}))


def install() -> None:
    """Wrap pyroute2 once it is imported."""
    import_hooks.when_imported("pyroute2.iproute.linux", functools.partial(netlink.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    owner = module.RTNL_API
    if inspect.iscoroutinefunction(
        vars(owner).get("link")
    ):  # from 0.9 on: IPRoute runs them for callers without a loop
        patching.replace(module.IPRoute, "_run_generic_rtnl", hooks.within(netlink, _run_begins, _ends))
        patching.replace(module.IPRoute, "_run_generic_rtnl", hooks.around(netlink, _run_looks_up, _looked_up))
        return
    for name in _OBJECTS:
        patching.replace(owner, name, hooks.within(netlink, functools.partial(_begins, name), _ends))
    patching.replace(owner, _LOOKUP, hooks.around(netlink, _looks_up, _looked_up))


def _run_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Open the step of (socket, method, command, …)."""
    name = _method_name(args)
    return _begins(name, args[:1] + args[2:], kwargs) if name in _OBJECTS else 0


def _run_looks_up(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    return _looks_up(args, kwargs) if _method_name(args) == _LOOKUP else None


def _method_name(args: tuple[Any, ...]) -> str:
    method = args[1] if len(args) > 1 else None
    return method.__func__.__name__ if type(method) is MethodType else ""


def _begins(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    command = hooks.argument(args, kwargs, 1, "command")
    if command not in _CHANGES:
        return 0
    words: tuple[Any, ...] = ("ip", name, command)
    for key, value in list(kwargs.items())[: values.MAX_ITEMS]:
        if key != "command" and value is not None:
            words += ("dev", _device(value)) if key in _DEVICES else (key, values.keyed(key, value))
    return recorder.begin("command", "ip %s %s" % (name, command), ("arguments", ("[]",) + words, "via", "netlink"))


def _device(value: Any) -> Any:
    """Return the name of a link by its number, where it was looked up in this step."""
    step, names = _names.get()
    known = names.get(value) if type(value) is int and step == recorder.current.get() else None
    return known or values.scalar(value)


def _ends(step: int, result: Any, error: BaseException | None) -> None:
    recorder.finish(step, error)


def _looks_up(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """Return the name that is looked up, None where it is anything else."""
    name = kwargs.get("ifname")
    return name if type(name) is str and len(kwargs) == 1 and recorder.current.get() else None


def _looked_up(name: str, result: Any, error: BaseException | None) -> None:
    step, names = _names.get()
    if step != recorder.current.get():
        names = {}
        _names.set((recorder.current.get(), names))
    for number in result if type(result) in (list, tuple) and len(result) == 1 else ():
        if type(number) is int:
            names[number] = name if names.get(number, name) == name else ""
