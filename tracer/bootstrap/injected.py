"""First code in a running process that bootseq has entered: answers one request, and leaves no name of its own behind.

It runs in the main thread between any two steps of the service, in an eventlet service maybe in the hub: so it imports
nothing that is not there, waits for nothing and starts nothing. The tool calls ``main`` with what it asks, marshalled.
"""

import marshal
import posix
import sys
import time


#: What is left for the end, when no code of ours runs any more.
last: object = None


def main(blob: bytes) -> None:
    """Answer the request, if it is still wanted."""
    given = marshal.loads(blob)  # noqa: S302 - the tool wrote it just now
    ticket = given["ticket"]
    try:
        if posix.stat(ticket).st_mtime < time.time():
            return
        posix.unlink(ticket)  # whoever does this answers, and nobody a second time
    except OSError:
        return
    try:
        answer = visit(given)
    except BaseException as error:
        answer = {"state": "failed", "reason": failure(error)}
        if not isinstance(error, Exception):
            raise_again(error)
        forget()
    write(ticket + ".answer", marshal.dumps(plain(answer), 2))


def visit(given: dict) -> dict:
    """What the hooks in this process answer; they come now if they are to be attached."""
    hooks = sys.modules.get("_bootseq")
    wanted = given["request"]
    if given["what"] != "attach":
        return getattr(hooks.attached, given["what"])(wanted) if hooks is not None else {"state": "free"}
    if hooks is not None and hooks.installed():
        where = getattr(hooks.attached, "capture", "")
        if where != wanted["capture"]:
            return {"state": "refused", "reason": "it records into " + (where or "another capture") + " already"}
    wanted["modules"] = list(sys.modules)
    if hooks is None or getattr(hooks, "VERSION", given["version"]) != given["version"]:
        if hooks is not None:
            hooks.uninstall()
        hooks = load(given)
    return hooks.attached.attach(wanted)


def load(given: dict) -> object:
    """The hooks as modules, without the import system, whose locks may be held by what we have interrupted."""
    forget()
    codes = None
    if given["codes"]:
        if given["magic"] != sys.modules["_frozen_importlib_external"].MAGIC_NUMBER:
            raise ImportError("compiled for another Python")
        codes = marshal.loads(given["codes"])  # noqa: S302 - the tool compiled it
    modules = {}
    for name in given["order"]:
        full = "_bootseq." + name if name else "_bootseq"
        module = modules[name] = type(sys)(full)
        module.__package__ = "_bootseq"
        module.__file__ = "<" + full + ">"
        sys.modules[full] = module
        if name:
            setattr(modules[""], name, module)
        else:
            module.__path__ = []
    modules[""].VERSION = given["version"]
    for name in given["order"][1:] + [""]:
        code = codes[name] if codes is not None else compile(given["sources"][name], modules[name].__file__, "exec", 0, True)
        exec(code, modules[name].__dict__)  # noqa: S102 - this is how a module runs
    return modules[""]


def forget() -> None:
    """Take the hooks' modules out again, after whatever they have patched."""
    hooks = sys.modules.get("_bootseq")
    if hooks is not None and hasattr(hooks, "uninstall"):
        hooks.uninstall()
    for name in list(sys.modules):
        if name == "_bootseq" or name.startswith("_bootseq."):
            del sys.modules[name]


def failure(error: BaseException) -> str:
    """What went wrong, and where in our own code."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        where = "%s:%d" % (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return "%s: %s (%s)" % (type(error).__name__, error, where)


def plain(value: object) -> object:
    """Tuples in place of lists and dicts, as the tool's decoder wants it."""
    if isinstance(value, dict):
        return tuple([item for key in value for item in (key, plain(value[key]))])
    if isinstance(value, (list, tuple, set)):
        return tuple([plain(item) for item in value])
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def write(path: str, data: bytes) -> None:
    """In one step: the tool may look at any moment."""
    draft = path + ".draft"
    descriptor = posix.open(draft, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_NOFOLLOW, 0o600)
    try:
        posix.write(descriptor, data)
    finally:
        posix.close(descriptor)
    posix.rename(draft, path)


def raise_again(error: BaseException) -> None:
    """A signal handler of the service has raised this out of our code: have the signal come again, behind us.

    Behind us is no place for Python code of ours. So the signal is sent by what is called as the last object of ours
    dies, which is when the interpreter is about to go back to the service's own code.
    """
    global last
    number = signal_of(error)
    if number is None:
        return
    from functools import partial
    from operator import methodcaller
    from weakref import ref

    class Last(ref):
        __slots__ = ()
        fire = staticmethod(partial(posix.kill, posix.getpid(), number))

    class Thing:
        pass

    thing = Thing()
    thing.end = Last(thing, methodcaller("fire"))
    last = thing


def signal_of(error: BaseException) -> object:
    """The signal whose handler raised it."""
    import _signal

    codes = set()
    trace = error.__traceback__
    while trace is not None:
        codes.add(trace.tb_frame.f_code)
        trace = trace.tb_next
    for number in range(1, 65):
        handler = _signal.getsignal(number) if number not in (32, 33) else None
        if handler is _signal.default_int_handler and isinstance(error, KeyboardInterrupt):
            return number
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        if code in codes:
            return number
    return None
