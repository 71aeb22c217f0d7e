"""The state that a suite leaves in its process: descriptors, threads, memory, attributes that programs read, hooks."""

import gc
import inspect
import os
import re
import sys
import sysconfig
import threading
from types import FunctionType, ModuleType

#: Packages with hooked functions; how inspect shows their functions must not depend on hooks.
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
    """Return the state after the suite with hooks installed, and what their removal leaves."""
    gc.collect()
    threads = sorted(re.sub(r"\d+", "N", thread.name) for thread in threading.enumerate())
    report_state = {
        "descriptors": _descriptors(report),
        "threads": threads,
        "memory": _memory(),
        "attributes": _attributes(),
        "hooks off": _hooks_off(),
    }
    hooks = sys.modules.get("_bootseq")
    report_state["kept"] = list(hooks.uninstall()) if hooks is not None else []
    report_state["left"] = sorted(_left())
    return report_state


def warning(category, path, line):
    """Return a warning with its path and line; a ResourceWarning's are only where garbage was collected."""
    if category == "ResourceWarning":
        return category
    for folder in _FOLDERS:
        if path.startswith(folder + os.sep):
            path = path[len(folder) + 1 :]
    return f"{category} {path}:{line}"


def _descriptors(report):
    """Return the open files by kind, without the report and the recorder's files."""
    capture = os.environ.get("BOOTSEQ_CAPTURE", "\0")
    kinds = []
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # the listing's own
            continue
        if int(number) not in (1, 2, report) and not target.startswith(capture):
            kinds.append(re.sub(r"\btmp\w+|\d+", "N", target.replace(_SIDE, "")))
    return sorted(kinds)


def _memory():
    """Return the MiB that only this process uses."""
    with open("/proc/self/smaps_rollup") as file:
        sizes = dict(line.split()[:2] for line in file if line.startswith(("Private", "Anonymous")))
    return int(sizes["Anonymous:"]) >> 10


def _hooks_off():
    hooks = sys.modules.get("_bootseq.hooks")
    if hooks is None:
        return []
    return [
        f"{name}: {hook.failures} failures, {hook.last_error}" for name, hook in hooks.hooks.items() if hook.failures
    ]


def _modules():
    for name, module in sorted(sys.modules.items()):
        if issubclass(type(module), ModuleType) and _MODULES.match(name) and not _TESTS.search(name):
            yield name, module


def _owners():
    """Yield the modules, and the classes that are defined in them, with their attributes."""
    for name, module in _modules():
        yield name, vars(module)
        for inner, value in sorted(vars(module).items()):
            if isinstance(value, type) and value.__module__ == name:
                yield f"{name}.{inner}", vars(value)


def _attributes():
    """Return how inspect shows each function, by name."""
    shown = {}
    for owner, names in _owners():
        for name, value in list(names.items()):
            inner = getattr(value, "__func__", value) if isinstance(value, (staticmethod, classmethod)) else value
            if not name.startswith("__") and isinstance(inner, FunctionType):
                shown[f"{owner}.{name}"] = _look(value, inner)
    return shown


def _look(value, function):
    """Return a function's kind, name and parameters, and its own parameters if it wraps another function."""
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
    """Yield the functions of ours that are still installed after the hooks were removed."""
    for name, module in list(sys.modules.items()):
        if not issubclass(type(module), ModuleType) or _OWN.match(name):  # some only call themselves modules
            continue
        for attribute, value in list(object.__getattribute__(module, "__dict__").items()):
            if _is_ours(value):
                yield f"{name}.{attribute}"
            elif type(value) is type and value.__module__ == name:
                yield from (
                    f"{name}.{attribute}.{member}" for member, inner in list(vars(value).items()) if _is_ours(inner)
                )


def _is_ours(value):
    inner = value.__func__ if type(value) in (staticmethod, classmethod) else value
    return type(inner) is FunctionType and bool(_OWN.match(inner.__globals__.get("__package__") or ""))
