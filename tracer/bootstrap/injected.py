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


def main(asked: bytes, hooks: bytes, exchange: tuple[int, list[tuple[int, int]]]) -> object:
    """Answer the request, if it is still wanted; ``hooks`` are there where they are to be attached.

    ``exchange`` says by which descriptors files in memory can be reached: the device, then (descriptor, number on the
    device) of the visit's own, and of those that are left of visits whose visitor has died.
    What this gives is left for the end, when no code of ours runs any more.
    """
    last = None
    given = marshal.loads(asked)  # noqa: S302 - the tool wrote it just now
    descriptors = [each for each, number in exchange[1] if is_file(each, exchange[0], number)]
    # Each is closed once, whatever is raised here: then its number may be the service's.
    ends = iter(descriptors)
    own = exchange[1][0][0] if exchange[1][0][0] in descriptors else -1
    answer: dict[str, Any] = {}
    claimed = written = False
    began = time.monotonic()
    for _ in range(3):  # a signal handler of the service's may raise anywhere in here
        try:
            claimed = claimed or (own >= 0 and time.time() < given["until"] and claim(own))
            if claimed and not written:
                answer = answer or dict(visit(given, hooks), seconds=time.monotonic() - began)
                written = write(own, marshal.dumps(plain(answer), 2))
            list(map(posix.close, ends))
            break
        except BaseException as error:
            last = raised_again(error) or last
            if claimed and not answer:
                answer = {"state": "failed", "reason": failure(error)}
                forget()
    return last


def is_file(descriptor: int, device: int, number: int) -> bool:
    """Whether it still is the descriptor of that file."""
    try:
        about = posix.fstat(descriptor)
    except OSError:
        return False
    return (about.st_dev, about.st_ino) == (device, number)


def claim(descriptor: int) -> bool:
    """Whether the request is wanted; then the visitor waits for the answer until the file is closed here."""
    try:
        posix.lockf(descriptor, posix.F_TLOCK, 1)
    except OSError:  # it is being withdrawn
        return False
    return posix.pread(descriptor, 2, 0) == b"#w"


def write(descriptor: int, data: bytes) -> bool:
    """Answer: the state comes last, as the visitor may look at any moment."""
    at = 0
    while at < len(data):
        at += posix.pwrite(descriptor, data[at:], 64 + at)
    posix.pwrite(descriptor, len(data).to_bytes(8, "little"), 8)
    posix.pwrite(descriptor, b"a", 1)
    return True


def visit(given: dict[str, Any], packed: bytes) -> dict[str, Any]:
    """What the hooks in this process answer; they come now if they are to be attached."""
    hooks: Any = sys.modules.get("_bootseq")
    wanted = given["request"]
    if given["what"] != "attach":
        answer = getattr(hooks.control, given["what"])(wanted) if hooks is not None else {"state": "free"}
        return cast("dict[str, Any]", answer)
    if hooks is not None and hooks.installed():
        where = getattr(hooks.control, "capture", "")
        if where != wanted["capture"]:
            return {"state": "refused", "reason": "it records into {} already".format(where or "another capture")}
    wanted["modules"] = list(sys.modules)
    if hooks is None or getattr(hooks, "VERSION", given["version"]) != given["version"]:
        modules = marshal.loads(packed)  # noqa: S302 - as above
        if modules["codes"] and modules["magic"] != magic_number():
            return {"state": "incompatible", "reason": "compiled for another Python"}
        forget()
        hooks = load(modules, given["version"])
    return cast("dict[str, Any]", hooks.control.attach(wanted))


def magic_number() -> bytes:
    """Return the number that this Python's compiled code begins with."""
    return cast("bytes", cast("Any", sys.modules["_frozen_importlib_external"]).MAGIC_NUMBER)


def load(given: dict[str, Any], version: str) -> Any:
    """The hooks as modules, without the import system, whose locks may be held by what we have interrupted."""
    codes = marshal.loads(given["codes"]) if given["codes"] else None  # noqa: S302 - the tool compiled it
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
