"""What a suite leaves in its process: descriptors, threads, memory, the attributes that programs look at, our hooks."""

import gc
import inspect
import os
import re
import sys
import sysconfig
import threading
from types import FunctionType, ModuleType

#: Packages in which hooks replace something; what their functions look like must not depend on hooks.
_HOOKED = (
    "concurrent.futures", "eventlet", "futurist", "keystoneauth1", "logging", "nova", "oslo_concurrency", "oslo_db",
    "oslo_log", "oslo_messaging", "oslo_privsep", "oslo_service", "requests", "socket", "sqlalchemy", "subprocess",
    "threading", "urllib3",
)  # fmt: skip
_MODULES = re.compile("(?:" + "|".join(map(re.escape, _HOOKED)) + ")(?:[.]|$)")
_TESTS = re.compile(r"\btests?\b|\btesting\b")
_FOLDERS = [os.getcwd(), sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")]
_SIDE = os.path.dirname(os.getcwd())
_OWN = re.compile(r"_bootseq(\.|$)")


def state(report):
    """After the suite, hooks in; then what their removal leaves."""
    gc.collect()
    threads = sorted(re.sub(r"\d+", "N", each.name) for each in threading.enumerate())
    found = {
        "descriptors": _descriptors(report),
        "threads": threads,
        "memory": _memory(),
        "attributes": _attributes(),
        "hooks off": _hooks_off(),
    }
    hooks = sys.modules.get("_bootseq")
    found["kept"] = list(hooks.uninstall()) if hooks is not None else []
    found["left"] = sorted(_left())
    return found


def warning(category, path, line):
    """A warning by its place; that of a resource is only where garbage was collected."""
    if category == "ResourceWarning":
        return category
    for folder in _FOLDERS:
        if path.startswith(folder + os.sep):
            path = path[len(folder) + 1 :]
    return f"{category} {path}:{line}"


def _descriptors(report):
    """What is open, by kind; the report and what we map are not the suite's."""
    capture = os.environ.get("BOOTSEQ_CAPTURE", "\0")
    kinds = []
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # that of the listing itself
            continue
        if int(number) not in (1, 2, report) and not target.startswith(capture):
            kinds.append(re.sub(r"\btmp\w+|\d+", "N", target.replace(_SIDE, "")))
    return sorted(kinds)


def _memory():
    """MiB that are in use by this process alone."""
    with open("/proc/self/smaps_rollup") as file:
        sizes = dict(line.split()[:2] for line in file if line.startswith(("Private", "Anonymous")))
    return int(sizes["Anonymous:"]) >> 10


def _hooks_off():
    hooks = sys.modules.get("_bootseq.hooks")
    if hooks is None:
        return []
    return [
        f"{name}: {each.failures} failures, {each.last_error}" for name, each in hooks.hooks.items() if each.failures
    ]


def _modules():
    for name, module in sorted(sys.modules.items()):
        if issubclass(type(module), ModuleType) and _MODULES.match(name) and not _TESTS.search(name):
            yield name, module


def _owners():
    """The modules, and the classes that are defined in them."""
    for name, module in _modules():
        yield name, vars(module)
        for inner, value in sorted(vars(module).items()):
            if isinstance(value, type) and value.__module__ == name:
                yield f"{name}.{inner}", vars(value)


def _attributes():
    """How each function looks to inspect, and which names there are."""
    found = {}
    for owner, names in _owners():
        for name, value in list(names.items()):
            inner = getattr(value, "__func__", value) if isinstance(value, (staticmethod, classmethod)) else value
            if not name.startswith("__") and isinstance(inner, FunctionType):
                found[f"{owner}.{name}"] = _look(value, inner)
    return found


def _look(value, function):
    """Its kind, name and parameters, and its own parameters beside those that it stands for."""
    look = f"{type(value).__name__} {function.__module__}:{function.__qualname__} {_shown(inspect.signature, function)}"
    return {
        "look": look,
        "own": _shown(inspect.getfullargspec, function),
        "decorated": hasattr(function, "__wrapped__"),
    }


def _shown(view, function):
    try:
        return re.sub(r"0x[0-9a-f]+", "0x", str(view(function)))
    except (TypeError, ValueError) as error:  # what inspect cannot read
        return type(error).__name__


def _left():
    """Functions of ours that are still there when the hooks are out."""
    for name, module in list(sys.modules.items()):
        if not issubclass(type(module), ModuleType) or _OWN.match(name):  # some only call themselves modules
            continue
        for attribute, value in list(object.__getattribute__(module, "__dict__").items()):
            if _is_ours(value):
                yield f"{name}.{attribute}"
            elif type(value) is type and value.__module__ == name:
                yield from (
                    f"{name}.{attribute}.{each}" for each, inner in list(vars(value).items()) if _is_ours(inner)
                )


def _is_ours(value):
    inner = value.__func__ if type(value) in (staticmethod, classmethod) else value
    return type(inner) is FunctionType and bool(_OWN.match(inner.__globals__.get("__package__") or ""))
