"""Hand-offs: work passed to a thread, a pool or a greenthread goes on below the step that passed it on.

A step is opened where the work is handed over and closed where it is done; the wait for a worker in between is kept.
Outside of a step nothing is wrapped, and libraries' own endless workers never inherit one.
"""

import functools

from . import hook, importing, replacing, steps

handoffs = hook.Hook("handoffs")

#: Modules whose threads serve for ever: what starts them is no part of what they will do.
_WORKERS = (
    "concurrent.futures", "futurist", "oslo_messaging", "oslo_service", "kombu", "amqp", "eventlet",
    "cotyledon", "threading", "multiprocessing", "oslo_privsep", "oslo_utils", "socketserver",
)  # fmt: skip


def install():
    """Wrap what is there now (threads, pools) and what comes later (futurist, eventlet, looping calls)."""
    for module, wrap in (
        ("threading", _wrap_threads),
        ("concurrent.futures.thread", _wrap_executors),
        ("futurist._futures", _wrap_executors),
        ("eventlet.greenthread", _wrap_greenthreads),
        ("eventlet.greenpool", _wrap_greenpool),
        ("eventlet.tpool", _wrap_tpool),
        ("eventlet", _wrap_eventlet),
    ):
        importing.when_imported(module, functools.partial(handoffs.guarded, wrap))


def _wrap_threads(module):
    replacing.replace(module.Thread, "start", _starting("threading.Thread"))


def _wrap_executors(module):
    for name in ("ThreadPoolExecutor", "GreenThreadPoolExecutor"):
        owner = getattr(module, name, None)
        if owner is not None and "submit" in vars(owner):
            replacing.replace(owner, "submit", _passing(name, 1))


def _wrap_greenthreads(module):
    for name, position in (("spawn", 0), ("spawn_n", 0), ("spawn_after", 1), ("spawn_after_local", 1)):
        replacing.replace(module, name, _passing("eventlet." + name, position))


def _wrap_eventlet(module):
    # ``eventlet.spawn`` is a second name of greenthread.spawn, taken before our hook came.
    for name, position in (("spawn", 0), ("spawn_n", 0), ("spawn_after", 1)):
        replacing.replace(module, name, _passing("eventlet." + name, position))


def _wrap_greenpool(module):
    for name in ("spawn", "spawn_n"):
        replacing.replace(module.GreenPool, name, _passing("GreenPool." + name, 1))


def _wrap_tpool(module):
    replacing.replace(module, "execute", _passing("eventlet.tpool", 0))


def _passing(via, position):
    """A maker for functions that take the work as their argument number ``position``."""

    def make(original):
        @functools.wraps(original)
        def wrapper(*args, **kwargs):
            if steps.current.get() and len(args) > position:
                carried = handoffs.guarded(_carried, via, args[position])
                if carried is not None:
                    args = args[:position] + (carried,) + args[position + 1 :]
            return original(*args, **kwargs)

        return wrapper

    return make


def _starting(via):
    """A maker for ``Thread.start``: the thread's ``run`` is what is passed on."""

    def make(original):
        @functools.wraps(original)
        def wrapper(thread):
            if steps.current.get():
                handoffs.guarded(_carry_run, via, thread)
            return original(thread)

        return wrapper

    return make


def _carry_run(via, thread):
    target = getattr(thread, "_target", None) or type(thread).run
    carried = _carried(via, target, thread.run)
    if carried is not None:
        thread.run = carried


def _carried(via, function, run=None):
    """``function`` (or ``run``, which is what will run it) as a job that runs below a new step; None where it is to be left alone."""
    if isinstance(function, _Job):
        return None
    named = function
    while isinstance(named, functools.partial):
        named = named.func
    module = getattr(named, "__module__", None) or type(named).__module__
    if module.startswith(_WORKERS):
        return None
    name = getattr(named, "__qualname__", None) or type(named).__name__
    step = steps.begin("handoff", "%s:%s" % (module, name), ("via", via, "module", module, "function", name))
    return _Job(step, run or function) if step else None


class _Job:
    """Work on its way to a worker; runs below its step and closes it. Looks like the function it carries."""

    def __init__(self, step, function):
        self._step = step
        self._function = function
        self._context = steps.context.get()
        functools.update_wrapper(self, function)

    def __call__(self, *args, **kwargs):
        before, context = steps.current.get(), steps.context.get()
        steps.current.set(self._step)
        steps.context.set(self._context)
        handoffs.guarded(steps.note, self._step, ("started", steps.clock(), "worker", steps.thread_id()))
        try:
            result = self._function(*args, **kwargs)
        except BaseException as error:
            handoffs.guarded(steps.finish, self._step, error)
            raise
        finally:
            steps.current.set(before)
            steps.context.set(context)
        handoffs.guarded(steps.finish, self._step)
        return result
