"""Libvirt: Nova's calls of libvirt-python, or of Nova's own fake of it, under libvirt's names.

Calls within the library are not steps. Arguments are not recorded: they contain guest passwords and secrets. The domain
of a call is known from the call that looked it up, and of XML a device's kind and target or a secret's usage are read.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from . import hooks, import_hooks, patching, recorder, values
from .host_fields import ByIdentity

libvirt = hooks.Hook("libvirt")

#: Nova's fake, and libvirt's names for those of its classes that have no alias there.
_FAKE = "nova.tests.fixtures.libvirt"
_FAKES = {"DomainSnapshot": "virDomainSnapshot"}

#: The wrapped functions; those of the event loop run all the time and request nothing.
_FUNCTIONS = ("open", "openAuth", "openReadOnly", "getVersion")
#: Methods that only return a Python object that exists already.
_TRIVIAL = frozenset({"c_pointer", "connect", "domain"})

_IN_XML = re.compile(r"<(name|uuid)>([^<]{1,255})</\1>").findall
#: domain -> its name or uuid, as attributes
_domains: ByIdentity[tuple[Any, ...]] = ByIdentity()
#: open steps of lookups -> the name or uuid that they look up
_looking: dict[int, tuple[Any, ...]] = {}
#: The step of the libvirt call under way: calls directly below it are the library's own.
_inside: ContextVar[int] = ContextVar("bootseq_libvirt", default=0)


def _identity_in(xml: str) -> tuple[Any, ...]:
    """Return a domain's name and uuid from the head of its definition; further down these tags mean other things."""
    tags = dict(reversed(_IN_XML(xml[:1000])))
    names = (("uuid", "uuid"), ("name", "domain"))
    return sum(((key, values.scalar(tags[tag])) for tag, key in names if tag in tags), ())


_KIND = re.compile(r"\s*<(\w{1,32})").match
_TARGET = re.compile(r"<target\b[^>]{0,200}?\bdev=['\"]([^'\"]{1,64})['\"]").search
_USAGE = re.compile(r"<(volume|name|target)>([^<]{1,255})</\1>").search


def _device_in(xml: str) -> tuple[Any, ...]:
    """Return the kind and target of a device: ``disk vdb``, ``interface tap0``."""
    kind, target = _KIND(xml), _TARGET(xml[:4000])
    words = ([kind[1]] if kind else []) + ([target[1]] if target else [])
    return ("device", values.scalar(" ".join(words))) if words else ()


def _usage_in(xml: str) -> tuple[Any, ...]:
    """Return the volume, or other owner, of a secret by its definition, which has no value in it."""
    usage = _USAGE(xml[:4000])
    return ("usage", values.scalar(usage[2])) if usage else ()


#: Methods of which the XML in the first argument is read.
_XML: dict[str, Callable[[str], tuple[Any, ...]]] = {
    "attachDevice": _device_in,
    "attachDeviceFlags": _device_in,
    "detachDevice": _device_in,
    "detachDeviceFlags": _device_in,
    "updateDeviceFlags": _device_in,
    "secretDefineXML": _usage_in,
}

#: Methods that return a domain -> its name or uuid by their first argument.
_LOOKUPS: dict[str, Callable[[str], tuple[Any, ...]]] = {
    "lookupByUUIDString": lambda argument: ("uuid", values.scalar(argument)),
    "lookupByName": lambda argument: ("domain", values.scalar(argument)),
    "defineXML": _identity_in,
    "defineXMLFlags": _identity_in,
    "createXML": _identity_in,
}


def install() -> None:
    """Wrap libvirt-python and Nova's fake once they are imported."""
    patching.undo(_looking.clear)
    for module in ("libvirt", _FAKE):
        import_hooks.when_imported(module, functools.partial(libvirt.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            shown = _shown(module, name)
            if shown:
                _wrap_class(value, shown)
        elif name in _FUNCTIONS and inspect.isfunction(value):
            patching.replace(module, name, _calling("", name))


def _shown(module: ModuleType, name: str) -> str | None:
    """Return libvirt's name of a class of the module, under one of the two names that Nova's fakes have."""
    if name.startswith("vir"):
        return name
    return _FAKES.get(name) if module.__name__ == _FAKE else None


def _wrap_class(owner: type, shown: str) -> None:
    for name, raw in list(vars(owner).items()):
        if not name.startswith("_") and name not in _TRIVIAL and inspect.isfunction(raw):
            patching.replace(owner, name, _calling(shown, name))


def _calling(owner: str, function: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    name = "%s.%s" % (owner or "libvirt", function)
    begins = functools.partial(_begins, name, ("class", owner, "function", function), _LOOKUPS.get(function))
    return hooks.within(libvirt, begins, _ends)


def _begins(
    name: str,
    attributes: tuple[Any, ...],
    lookup: Callable[[str], tuple[Any, ...]] | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> int:
    around = recorder.current.get()
    if around and around == _inside.get():
        return 0
    about: tuple[Any, ...] = ()
    if lookup is not None and len(args) > 1 and type(args[1]) is str:
        about = lookup(args[1])
    elif args and name.startswith("virDomain."):
        about = _domains.get(args[0]) or ()
    read = _XML.get(name.rpartition(".")[2])
    if read is not None and len(args) > 1 and type(args[1]) is str:
        about += read(args[1])
    elif name == "virConnect.secretLookupByUsage" and len(args) > 2:
        about += ("usage", values.scalar(args[2]))
    step = recorder.begin("libvirt", name, attributes + about)
    _inside.set(step)
    if lookup is not None:
        _looking[step] = about
    return step


def _ends(step: int, result: Any, error: BaseException | None) -> None:
    about = _looking.pop(step, ())
    if about and result is not None:
        _domains.set(result, about)
    recorder.finish(step, error)
