"""Virt drivers: what Nova calls of its hypervisor's driver, whoever wrote it: ``ComputeDriver``'s methods."""

from __future__ import annotations

import functools
from types import FunctionType, ModuleType
from typing import Any, Iterator

from . import calls, hooks, import_hooks, patching

virt = hooks.Hook("virt")

#: Asked all the time, by pollers and properties, and never news.
_LEFT_OUT = frozenset({"capabilities_as_traits", "get_available_nodes", "need_legacy_block_device_info"})


def install() -> None:
    """Wrap the drivers there are, and those that nova-compute loads later."""
    import_hooks.when_imported("nova.virt.driver", functools.partial(virt.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    patching.replace(module, "load_compute_driver", hooks.around(virt, lambda args, kwargs: module, _loaded))
    _wrap_drivers(module)


def _loaded(module: ModuleType, driver: Any, error: Any) -> None:
    _wrap_drivers(module)


def _wrap_drivers(module: ModuleType) -> None:
    interface = module.ComputeDriver
    asked = {name for name, raw in vars(interface).items() if type(raw) is FunctionType and not name.startswith("_")}
    for owner in _subclasses(interface):
        calls.wrap_methods(owner, asked - _LEFT_OUT)


def _subclasses(owner: type) -> Iterator[type]:
    each: type
    for each in type.__subclasses__(owner):
        yield each
        yield from _subclasses(each)
