"""First code in a running process that bootseq has entered: answers one request, and leaves no name of its own behind.

It runs in the main thread between any two steps of the service, in an eventlet service maybe in the hub: so it imports
nothing that is not there, waits for nothing and starts nothing. The tool calls ``main`` with what it asks, marshalled.
"""

from __future__ import annotations

import marshal
import posix
import sys
import time
from typing import Any, cast


def main(asked: bytes, hooks: bytes) -> object:
    """Answer the request, if it is still wanted; ``hooks`` are there where they are to be attached.

    What this gives is left for the end, when no code of ours runs any more.
    """
    last = None
    given = marshal.loads(asked)  # noqa: S302 - the tool wrote it just now
    ticket = given["ticket"]
    try:
        if posix.stat(ticket).st_mtime < time.time():
            return None
        posix.unlink(ticket)  # whoever does this answers, and nobody a second time
    except OSError:
        return None
    answer: dict[str, Any] = {}
    began = time.monotonic()
    for _ in range(3):  # a signal handler of the service's may raise anywhere in here
        try:
            answer = answer or dict(visit(given, hooks), seconds=time.monotonic() - began)
            write(ticket + ".answer", marshal.dumps(plain(answer), 2))
            break
        except BaseException as error:
            last = raised_again(error) or last
            if not answer:
                answer = {"state": "failed", "reason": failure(error)}
                forget()
    return last


def visit(given: dict[str, Any], packed: bytes) -> dict[str, Any]:
    """What the hooks in this process answer; they come now if they are to be attached."""
    hooks: Any = sys.modules.get("_bootseq")
    wanted = given["request"]
    if given["what"] != "attach":
        answer = getattr(hooks.attached, given["what"])(wanted) if hooks is not None else {"state": "free"}
        return cast("dict[str, Any]", answer)
    if hooks is not None and hooks.installed():
        where = getattr(hooks.attached, "capture", "")
        if where != wanted["capture"]:
            return {"state": "refused", "reason": "it records into {} already".format(where or "another capture")}
    wanted["modules"] = list(sys.modules)
    if hooks is None or getattr(hooks, "VERSION", given["version"]) != given["version"]:
        forget()
        hooks = load(marshal.loads(packed), given["version"])  # noqa: S302 - as above
    return cast("dict[str, Any]", hooks.attached.attach(wanted))


def load(given: dict[str, Any], version: str) -> Any:
    """The hooks as modules, without the import system, whose locks may be held by what we have interrupted."""
    codes = None
    if given["codes"]:
        if given["magic"] != cast("Any", sys.modules["_frozen_importlib_external"]).MAGIC_NUMBER:
            raise ImportError("compiled for another Python")
        codes = marshal.loads(given["codes"])  # noqa: S302 - the tool compiled it
    modules: dict[str, Any] = {}
    for name in given["order"]:
        full = "_bootseq." + name if name else "_bootseq"
        module = modules[name] = type(sys)(full)
        module.__package__ = "_bootseq"
        module.__file__ = f"<{full}>"
        sys.modules[full] = module
        if name:
            setattr(modules[""], name, module)
        else:
            module.__path__ = []
    modules[""].VERSION = version
    for name in given["order"][1:] + [""]:
        file = modules[name].__file__
        code = codes[name] if codes is not None else compile(given["sources"][name], file, "exec", 0, True)
        exec(code, modules[name].__dict__)
    return modules[""]


def forget() -> None:
    """Take the hooks' modules out again, after whatever they have patched."""
    hooks: Any = sys.modules.get("_bootseq")
    if hasattr(hooks, "uninstall"):
        hooks.uninstall()
    for name in list(sys.modules):
        if name == "_bootseq" or name.startswith("_bootseq."):
            del sys.modules[name]


def failure(error: BaseException) -> str:
    """What went wrong, and where in our own code."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error} ({where})"


def plain(value: Any) -> Any:
    """Tuples in place of lists and dicts, as the tool's decoder wants it."""
    if isinstance(value, dict):
        return tuple([item for key in value for item in (key, plain(value[key]))])
    if isinstance(value, (list, tuple, set)):
        return tuple([plain(item) for item in value])
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def write(path: str, data: bytes) -> None:
    """In one step: the tool may look at any moment."""
    draft = path + ".draft"
    descriptor = posix.open(draft, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW, 0o600)
    try:
        posix.write(descriptor, data)
    finally:
        posix.close(descriptor)
    posix.rename(draft, path)


def raised_again(error: BaseException) -> object:
    """If a signal handler of the service has raised this out of our code: what sends that signal again as it dies.

    The service must get its exception, in its own code. It dies when the interpreter is about to go back there, and no
    Python code of ours runs any more that the signal could hit a second time. Before 3.10 this goes for Ctrl-C alone.
    """
    number = None if isinstance(error, Exception) else signal_of(error)
    if number is None:
        return None
    from functools import partial
    from operator import methodcaller
    from weakref import ref

    thread: Any = sys.modules.get("__original_module__thread") or sys.modules["_thread"]
    # Not posix.kill: that looks for signals itself before it comes back.
    send = partial(thread.interrupt_main, number) if sys.version_info >= (3, 10) else thread.interrupt_main

    class Last(ref):  # type: ignore[type-arg]
        fire = staticmethod(send)

    class Thing:
        end: object = None

    thing = Thing()
    thing.end = Last(thing, methodcaller("fire"))
    return thing


def signal_of(error: BaseException) -> int | None:
    """The signal whose handler raised it."""
    signal = __import__("_signal")
    codes = set()
    trace = error.__traceback__
    while trace is not None:
        codes.add(trace.tb_frame.f_code)
        trace = trace.tb_next
    for number in range(1, signal.NSIG):
        handler = signal.getsignal(number) if number not in (32, 33) else None
        if handler is signal.default_int_handler and isinstance(error, KeyboardInterrupt):
            return number
        if getattr(getattr(handler, "__func__", handler), "__code__", None) in codes:
            return number
    return None
