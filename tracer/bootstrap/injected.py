"""First code in a running process that bootseq has entered: answers a request, and leaves no name of its own behind.

It runs in the main thread between any two steps of the service, in an eventlet service maybe in the hub: so it imports
no new module, waits for nothing and starts nothing. The tool calls ``main`` with the request, marshalled.
"""

from __future__ import annotations

import marshal
import posix
import sys
import time
from typing import Any, cast

#: The package of the modules that read stacks.
VISITING = "_bootseq_visit"


def main(packed_request: bytes, packed_hooks: bytes, exchange: tuple[int, list[tuple[int, int]]]) -> object:
    """Answer the request, if it is still wanted; ``packed_hooks`` is empty unless they are to be attached.

    ``exchange`` has the descriptors of memory files: the device, then (descriptor, number on the device) of the visit's
    own, and of those that are left of visits whose visitor has died.
    The result is an object that acts at its end, when no code of ours runs any more.
    """
    last = None
    request = marshal.loads(packed_request)  # noqa: S302 - the tool wrote it just now
    descriptors = [descriptor for descriptor, number in exchange[1] if is_file(descriptor, exchange[0], number)]
    # A descriptor is closed once, whatever is raised here: after that its number may be the service's.
    ends = iter(descriptors)
    own = exchange[1][0][0] if exchange[1][0][0] in descriptors else -1
    answer: dict[str, Any] = {}
    claimed = written = False
    began = time.monotonic()
    for _ in range(3):  # a signal handler of the service's may raise anywhere in here
        try:
            claimed = claimed or (own >= 0 and time.time() < request["until"] and claim(own))
            if claimed and not written:
                answer = answer or dict(visit(request, packed_hooks), seconds=time.monotonic() - began)
                written = write(own, marshal.dumps(plain(answer), 2))
            list(map(posix.close, ends))
            break
        except BaseException as error:
            last = raised_again(error) or last
            if claimed and not answer:
                answer = {"state": "failed", "reason": failure(error)}
                forget("_bootseq" if request["what"] != "stacks" else VISITING)
    return last


def is_file(descriptor: int, device: int, number: int) -> bool:
    """Return whether it still is the descriptor of that file."""
    try:
        about = posix.fstat(descriptor)
    except OSError:
        return False
    return (about.st_dev, about.st_ino) == (device, number)


def claim(descriptor: int) -> bool:
    """Return whether the request is wanted; then the visitor waits for the answer until the file is closed here."""
    try:
        posix.lockf(descriptor, posix.F_TLOCK, 1)
    except OSError:  # it is being withdrawn
        return False
    return posix.pread(descriptor, 2, 0) == b"#w"


def write(descriptor: int, data: bytes) -> bool:
    """Write the answer, its state last, as the visitor may look at any moment."""
    offset = 0
    while offset < len(data):
        offset += posix.pwrite(descriptor, data[offset:], 64 + offset)
    posix.pwrite(descriptor, len(data).to_bytes(8, "little"), 8)
    posix.pwrite(descriptor, b"a", 1)
    return True


def visit(request: dict[str, Any], packed_hooks: bytes) -> dict[str, Any]:
    """Return the answer of the hooks in this process, which are loaded first if they are to be attached."""
    hooks: Any = sys.modules.get("_bootseq")
    details = request["request"]
    if request["what"] == "stacks":
        return read_stacks(details, marshal.loads(packed_hooks))  # noqa: S302 - the tool wrote it just now
    if request["what"] != "attach":
        answer = getattr(hooks.control, request["what"])(details) if hooks is not None else {"state": "free"}
        return cast("dict[str, Any]", answer)
    if hooks is not None and hooks.installed():
        where = getattr(hooks.control, "capture", "")
        if where != details["capture"]:
            return {"state": "refused", "reason": "it records into {} already".format(where or "another capture")}
    details["modules"] = list(sys.modules)
    if hooks is None or getattr(hooks, "VERSION", request["version"]) != request["version"]:
        modules = marshal.loads(packed_hooks)  # noqa: S302 - as above
        if modules["codes"] and modules["magic"] != magic_number():
            return {"state": "incompatible", "reason": "compiled for another Python"}
        forget()
        hooks = load(modules, request["version"])
    return cast("dict[str, Any]", hooks.control.attach(details))


def read_stacks(details: dict[str, Any], package: dict[str, Any]) -> dict[str, Any]:
    """Return the stacks of this process, by modules that are removed again, beside hooks that may be in."""
    if package["codes"] and package["magic"] != magic_number():
        return {"state": "incompatible", "reason": "compiled for another Python"}
    try:
        return cast("dict[str, Any]", load(package, "", VISITING).stacks.read(details))
    finally:
        forget(VISITING)


def magic_number() -> bytes:
    """Return the number that this Python's compiled code begins with."""
    return cast("bytes", cast("Any", sys.modules["_frozen_importlib_external"]).MAGIC_NUMBER)


def load(package: dict[str, Any], version: str, root: str = "_bootseq") -> Any:
    """Load the hooks' modules without the import system, whose locks the code that we interrupted may hold."""
    codes = marshal.loads(package["codes"]) if package["codes"] else None  # noqa: S302 - the tool compiled it
    modules: dict[str, Any] = {}
    for name in package["order"]:
        full = root + "." + name if name else root
        module = modules[name] = type(sys)(full)
        module.__package__ = root
        module.__file__ = f"<{full}>"
        sys.modules[full] = module
        if name:
            setattr(modules[""], name, module)
        else:
            module.__path__ = []
    modules[""].VERSION = version
    for name in package["order"][1:] + [""]:
        file = modules[name].__file__
        code = codes[name] if codes is not None else compile(package["sources"][name], file, "exec", 0, True)
        exec(code, modules[name].__dict__)
    return modules[""]


def forget(root: str = "_bootseq") -> None:
    """Remove the hooks' patches and modules, or those that read the stacks."""
    hooks: Any = sys.modules.get(root)
    if hasattr(hooks, "uninstall"):
        hooks.uninstall()
    for name in list(sys.modules):
        if name == root or name.startswith(root + "."):
            del sys.modules[name]


def failure(error: BaseException) -> str:
    """Return an error's text and its position in our own code."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error} ({where})"


def plain(value: Any) -> Any:
    """Return a value with tuples in place of lists and dicts, as the tool's decoder expects it."""
    if isinstance(value, dict):
        return tuple([item for key in value for item in (key, plain(value[key]))])
    if isinstance(value, (list, tuple, set)):
        return tuple([plain(item) for item in value])
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def raised_again(error: BaseException) -> object:
    """Return an object that sends a signal again at its end, if a handler of the service's raised this in our code.

    The service must get its exception, in its own code. The object ends when the interpreter is about to return there,
    and no Python code of ours runs any more that the signal could hit again. Before 3.10 only Ctrl-C is sent again.
    """
    number = None if isinstance(error, Exception) else signal_of(error)
    if number is None:
        return None
    from functools import partial
    from operator import methodcaller
    from weakref import ref

    thread: Any = sys.modules.get("__original_module__thread") or sys.modules["_thread"]
    # Not posix.kill: that handles signals itself before it returns.
    send = partial(thread.interrupt_main, number) if sys.version_info >= (3, 10) else thread.interrupt_main

    class Last(ref):  # type: ignore[type-arg]
        fire = staticmethod(send)

    class Thing:
        end: object = None

    thing = Thing()
    thing.end = Last(thing, methodcaller("fire"))
    return thing


def signal_of(error: BaseException) -> int | None:
    """Return the signal whose handler raised it."""
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
