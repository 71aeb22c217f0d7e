"""librbd and librados: the image, snapshot or pool of an operation that Cinder or Nova hands to a native thread.

Their classes are C's and cannot be patched: an operation is known by the bound method that is handed over, an opened
image by the proxy of the service that opened it.
"""

from __future__ import annotations

import functools
from types import BuiltinMethodType, MethodType, ModuleType
from typing import Any
from weakref import ref

from . import hooks, import_hooks, patching, values
from .host_fields import path

librbd = hooks.Hook("librbd")

#: The modules whose class RBDVolumeProxy opens an image in its ``__init__``: (self, driver, name, pool, snapshot, …).
_PROXIES = ("cinder.volume.drivers.rbd", "nova.storage.rbd_utils")

_METHODS = (MethodType, BuiltinMethodType)
#: The positions of the arguments that name what an operation is about, behind its instance.
_ARGUMENTS: dict[str, tuple[tuple[str, int], ...]] = {
    "Rados.open_ioctx": (("pool", 0),),
    "RBD.create": (("image", 1),),
    "RBD.clone": (("parent", 1), ("snapshot", 2), ("image", 4)),
    "RBD.remove": (("image", 1),),
    "RBD.rename": (("image", 1), ("to", 2)),
    "RBD.trash_move": (("image", 1),),
    "RBD.trash_remove": (("image", 1),),
    "Image.create_snap": (("snapshot", 0),),
    "Image.remove_snap": (("snapshot", 0),),
    "Image.protect_snap": (("snapshot", 0),),
    "Image.unprotect_snap": (("snapshot", 0),),
    "Image.is_protected_snap": (("snapshot", 0),),
    "Image.rollback_to_snap": (("snapshot", 0),),
    "Image.set_snap": (("snapshot", 0),),
    "Image.copy": (("to", 1),),
}

#: An opened image's identity -> a reference to the proxy by which it lives, and its name and snapshot as attributes.
_images: dict[int, tuple[Any, tuple[Any, ...]]] = {}


def install() -> None:
    """Wrap the classes that open images once they are imported."""
    patching.undo(_images.clear)
    for module in _PROXIES:
        import_hooks.when_imported(module, functools.partial(librbd.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    owner = vars(module).get("RBDVolumeProxy")
    if owner is not None:
        patching.replace(owner, "__init__", hooks.around(librbd, _open_begins, _open_ends))


def _open_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...]] | None:
    name, snapshot = hooks.argument(args, kwargs, 2, "name"), hooks.argument(args, kwargs, 4, "snapshot")
    about = (("image", _text(name)) if name else ()) + (("snapshot", _text(snapshot)) if snapshot else ())
    return (args[0], about) if args and about else None


def _open_ends(token: tuple[Any, tuple[Any, ...]], result: Any, error: BaseException | None) -> None:
    proxy, about = token
    image = path(proxy, "volume", "_obj")
    if error is None and image is not None:
        key = id(image)
        _images[key] = (ref(proxy, lambda _: _images.pop(key, None)), about)


def is_local(module: str, name: str) -> bool:
    """Return whether the function only reads or sets options of the client's, and talks to nobody."""
    return module == "rados" and name.startswith("Rados.conf_")


def about(module: str, name: str, function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the image, snapshot or pool of an operation, as attributes, by its bound method and arguments."""
    if module not in ("rbd", "rados") or type(function) not in _METHODS:
        return ()
    opened = _images.get(id(function.__self__))
    names = opened[1] if opened is not None else ()
    for key, position in _ARGUMENTS.get(name, ()):
        if len(args) > position:
            names += (key, _text(args[position]))
    return names


def _text(name: Any) -> Any:
    """Return a name; Cinder and Nova encode some."""
    return values.scalar(name.decode(errors="replace") if type(name) is bytes else name)
