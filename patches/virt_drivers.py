"""Virt drivers: Nova's calls of its hypervisor's driver, any subclass of ``ComputeDriver``."""

from __future__ import annotations

import functools
from types import FunctionType, ModuleType
from typing import Any, Iterator

from . import calls, hooks, import_hooks, patching

virt = hooks.Hook("virt")

#: Methods that pollers and properties call all the time.
_EXCLUDED = frozenset({"capabilities_as_traits", "get_available_nodes", "need_legacy_block_device_info"})


def install() -> None:
    """Wrap the drivers that are loaded, and those that nova-compute loads later."""
    import_hooks.when_imported("nova.virt.driver", functools.partial(virt.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    patching.replace(module, "load_compute_driver", hooks.around(virt, lambda args, kwargs: module, _loaded))
    _wrap_drivers(module)


def _loaded(module: ModuleType, driver: Any, error: Any) -> None:
    _wrap_drivers(module)


def _wrap_drivers(module: ModuleType) -> None:
    interface = module.ComputeDriver
    names = {name for name, raw in vars(interface).items() if type(raw) is FunctionType and not name.startswith("_")}
    for owner in _subclasses(interface):
        calls.wrap_methods(owner, names - _EXCLUDED)


def _subclasses(owner: type) -> Iterator[type]:
    derived: type
    for derived in type.__subclasses__(owner):
        yield derived
        yield from _subclasses(derived)
