"""Hand-offs: work passed to a thread, a pool or a greenthread continues below the step that passed it on.

A step is opened where the work is handed over and closed where it is done; the wait for a worker in between is
recorded. Outside of a step nothing is wrapped, and libraries' own endless workers never inherit one.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable

from . import faults, hooks, import_hooks, librbd, looping_calls, nested_calls, patching, recorder, wrapper_frames
from .host_fields import function_names

if TYPE_CHECKING:
    from types import ModuleType

    from .hooks import Function, Maker

handoffs = hooks.Hook("handoffs")

#: Packages whose threads serve for ever, independently of the step that started them.
_WORKERS = frozenset((
    "amqp", "concurrent", "cotyledon", "eventlet", "futurist", "kombu", "multiprocessing", "oslo_messaging",
    "oslo_privsep", "oslo_service", "oslo_utils", "socketserver", "threading",
))  # fmt: skip
#: Functions of such threads: Nova's that wait for libvirt's events of all domains, and Neutron's that sends Nova the
#: events of ports in batches, of any request.
_WORKING = frozenset(("_native_thread", "_dispatch_thread", "_conn_event_thread", "synced_send"))

_ABSENT = object()


def install() -> None:
    """Wrap what is imported already (threads, pools) and what comes later (futurist, eventlet, looping calls)."""
    for module, wrap in (
        ("threading", _wrap_threads),
        ("concurrent.futures.thread", _wrap_executors),
        ("futurist._futures", _wrap_executors),
        ("eventlet.greenthread", _wrap_greenthreads),
        ("eventlet.greenpool", _wrap_greenpool),
        ("eventlet.tpool", _wrap_tpool),
        ("eventlet", _wrap_eventlet),
    ):
        import_hooks.when_imported(module, functools.partial(handoffs.guarded, wrap))
    looping_calls.install()
    librbd.install()


def _wrap_threads(module: ModuleType) -> None:
    patching.replace(vars(module)["Thread"], "start", _make_starting)


def _wrap_executors(module: ModuleType) -> None:
    for name in ("ThreadPoolExecutor", "GreenThreadPoolExecutor"):
        owner = getattr(module, name, None)
        if owner is not None and "submit" in vars(owner):
            patching.replace(owner, "submit", _passing(name, 1))


def _wrap_greenthreads(module: ModuleType) -> None:
    for name, position in (("spawn", 0), ("spawn_n", 0), ("spawn_after", 1), ("spawn_after_local", 1)):
        patching.replace(module, name, _passing("eventlet." + name, position))


def _wrap_eventlet(module: ModuleType) -> None:
    # ``eventlet.spawn`` is a second name of greenthread.spawn, maybe imported before our hook came.
    for name, position in (("spawn", 0), ("spawn_n", 0), ("spawn_after", 1)):
        patching.replace(module, name, _passing("eventlet." + name, position))


def _wrap_greenpool(module: ModuleType) -> None:
    for name in ("spawn", "spawn_n"):
        patching.replace(vars(module)["GreenPool"], name, _passing("GreenPool." + name, 1))


def _wrap_tpool(module: ModuleType) -> None:
    patching.replace(module, "execute", _passing("eventlet.tpool", 0))


def _passing(via: str, position: int) -> Maker:
    """Return a maker for functions that take the work as their argument number ``position``, then its arguments."""

    def make(_original: Function) -> Function:
        @functools.wraps(_original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not recorder.current.get() or len(args) <= position:
                return _original(*args, **kwargs)
            job = handoffs.guarded(_job, via, args[position], args[position + 1 :])
            if job is None:
                return _original(*args, **kwargs)
            try:
                return _original(*args[:position], job, *args[position + 1 :], **kwargs)
            except BaseException as error:
                handoffs.attempt(job.refused, error)
                raise

        return wrapper

    return make


def _make_starting(_original: Function) -> Function:
    """Wrap ``Thread.start``: the work is the thread's ``run``."""

    @functools.wraps(_original)
    def wrapper(thread: Any) -> Any:
        job = handoffs.guarded(_carry_run, thread) if recorder.current.get() else None
        if job is None:
            return _original(thread)
        try:
            return _original(thread)
        except BaseException as error:
            handoffs.attempt(job.refused, error)
            raise

    return wrapper


def _carry_run(thread: Any) -> _Job | None:
    """Have the thread run a job, for which an attribute of its own is needed until it does."""
    own = vars(thread).get("run", _ABSENT)
    target = own if own is not _ABSENT else getattr(thread, "_target", None) or type(thread).run
    job = _job("threading.Thread", target, (), _recording_run(thread, target))
    if job is None:
        return None

    def restore() -> None:
        if vars(thread).get("run") is job:
            if own is _ABSENT:
                del thread.run
            else:
                thread.run = own

    job.restore = restore
    thread.run = job
    return job


def _recording_run(thread: Any, target: Any) -> Function:
    """Return the thread's ``run``, of a target that records if a call point names it."""
    run: Function = thread.run
    ours = nested_calls.recorded(target) if vars(thread).get("_target") is target else target
    if ours is target:
        return run

    @wrapper_frames.hide
    def run_target() -> None:
        thread._target = ours  # which the thread deletes after its run
        run()

    return run_target


def _job(via: str, function: Any, args: tuple[Any, ...] = (), run: Any = None) -> _Job | None:
    """Make ``function`` (or ``run``, which will run it) a job below a new step; None where it is to be left alone."""
    if type(function) is _Job:
        return None
    module, name = function_names(function)
    if module.partition(".")[0] in _WORKERS or name.rpartition(".")[2] in _WORKING or librbd.is_local(module, name):
        return None
    attributes = ("via", via, "module", module, "function", name) + librbd.about(module, name, function, args)
    step = recorder.begin("handoff", "%s:%s" % (module, name), attributes)
    return _Job(step, run or nested_calls.recorded(function), module) if step else None


class _Job:
    """Work on its way to a worker; runs below its step and closes it, and looks like the function that it carries."""

    def __init__(self, step: int, function: Function, module: str) -> None:
        self._bootseq_step = step
        self._bootseq_function = function
        self._bootseq_context = recorder.context.get()
        self._bootseq_taken = False
        #: Called before it runs, or when nobody will run it.
        self.restore: Callable[[], None] | None = None
        self.__module__ = module
        self.__wrapped__ = function

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_bootseq_function"], name)

    @wrapper_frames.hide
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        step, before, context = self._bootseq_step, recorder.current.get(), recorder.context.get()
        handoffs.guarded(self._taken)
        try:
            recorder.current.set(step)
            recorder.context.set(self._bootseq_context)
            result = self._bootseq_function(*args, **kwargs)
        except BaseException as error:
            recorder.current.set(before)
            recorder.context.set(context)
            handoffs.attempt(recorder.finish, step, error)
            raise
        recorder.current.set(before)
        recorder.context.set(context)
        handoffs.guarded(recorder.finish, step)
        return result

    def refused(self, error: BaseException | None) -> None:
        """Close the step of work that nobody will run: the pool is shut down, the thread cannot be started."""
        if not self._bootseq_taken:
            self._bootseq_taken = True
            self._restore()
            recorder.finish(self._bootseq_step, error, ("started", None))

    def _taken(self) -> None:
        self._bootseq_taken = True
        self._restore()
        recorder.note(self._bootseq_step, ("started", recorder.clock(), "worker", recorder.thread_id()))

    def _restore(self) -> None:
        restore, self.restore = self.restore, None
        if restore is not None:
            restore()

    def __del__(self) -> None:
        try:
            if not self._bootseq_taken:  # cancelled before a worker came
                handoffs.guarded(self.refused, None)
        except Exception as error:  # the interpreter is going down
            faults.pass_on(error)
