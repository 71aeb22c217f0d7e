"""Function calls: the methods and functions that the call points name, one record per call.

The points come compiled from the tool: (module glob, names, excluded name globs); a name is a glob like ``API.create``
or ``instance_create``, or several with the releases that have them. Functions that other modules took with
``from x import f`` before the hook came are not covered, and neither are generators and coroutines: their bodies run
after the call.
"""

from __future__ import annotations

import functools
import re
import struct
from fnmatch import translate
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_ITERABLE_COROUTINE
from types import FunctionType
from typing import TYPE_CHECKING, Any, Callable, Container, Iterator, Sequence

from . import faults, hooks, import_hooks, lease, patching, record_format, values
from . import recorder as patches_recorder
from .record_format import CALL_FRAME, FRAMED_CALL, SCRATCH

if TYPE_CHECKING:
    from types import ModuleType

    from . import segments
    from .hooks import Function, Maker

    Globs = Sequence[str]

calls = hooks.Hook("calls")

_LATER = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR | CO_ITERABLE_COROUTINE
#: Functions whose calls another hook records, by module and qualified name; called where a call point names one.
elsewhere: dict[tuple[str, str], Callable[[], object]] = {}
#: The code of our wrappers, by which they are recognised (a single one, however many wrappers there are).
_ours: set[Any] = set()


def install(points: Sequence[tuple[str, Globs, Globs]]) -> None:
    """Wrap the functions that ``points`` name, in modules imported already or later."""
    for module_glob, texts, excluded in points:
        wrap = functools.partial(_wrap_module, Matcher(alternatives(texts)), Matcher(excluded))
        import_hooks.when_imported(module_glob, functools.partial(calls.guarded, wrap))


def alternatives(texts: Globs) -> list[str]:
    """Return the names in texts such as ``API.a or API.b since 32``: all that exist are recorded, in any release."""
    without_releases = [text.partition(" since ")[0].partition(" until ")[0] for text in texts]
    return [name for text in without_releases for name in text.split(" or ")]


class Matcher:
    """A test of names by globs: most have no wildcard, and a pattern takes a millisecond to compile."""

    def __init__(self, globs: Globs) -> None:
        self._exact = frozenset(glob for glob in globs if not any(sign in glob for sign in "*?["))
        self._globs = [glob for glob in globs if glob not in self._exact]
        self._pattern: re.Pattern[str] | None = None

    def __call__(self, name: str) -> bool:
        if name in self._exact:
            return True
        if not self._globs:
            return False
        if self._pattern is None:
            self._pattern = re.compile("|".join(translate(glob) for glob in self._globs))
        return self._pattern.match(name) is not None


def _wrap_module(is_named: Matcher, is_excluded: Matcher, module: ModuleType) -> None:
    for owner, name, raw in _callables(module):
        qualified = name if owner is module else "%s.%s" % (owner.__name__, name)
        if not is_named(qualified) or is_excluded(qualified) or not is_whole(raw):
            continue
        named = elsewhere.get((module.__name__, qualified))
        if named is not None:
            named()
        else:
            patching.replace(owner, name, maker(getattr(raw, "__func__", raw), module.__name__, qualified))


def wrap_methods(owner: type, names: Container[str]) -> None:
    """Wrap the class's own methods that are among ``names``."""
    for name, raw in list(vars(owner).items()):
        if name in names and type(raw) in (FunctionType, staticmethod, classmethod) and is_whole(raw):
            qualified = "%s.%s" % (owner.__name__, name)
            patching.replace(owner, name, maker(getattr(raw, "__func__", raw), owner.__module__, qualified))


def _callables(module: ModuleType) -> Iterator[tuple[Any, str, Any]]:
    """Yield owner, name and raw attribute of the functions and methods that are the module's own."""
    for name, value in list(vars(module).items()):
        kind = type(value)
        if kind is FunctionType and value.__module__ == module.__name__:
            yield module, name, value
        elif issubclass(kind, type) and value.__module__ == module.__name__:
            for attribute, raw in list(vars(value).items()):
                if type(raw) in (FunctionType, staticmethod, classmethod):
                    yield value, attribute, raw


def is_whole(raw: Any) -> bool:
    """Return whether a call runs all of its body, and is not recorded already under another glob."""
    code = getattr(getattr(raw, "__func__", raw), "__code__", None)
    return code is not None and code not in _ours and not code.co_flags & _LATER


def _source(function: Any) -> tuple[str, int]:
    """Return file and first line of the function itself, below its decorators."""
    for _ in range(32):
        inner = getattr(function, "__dict__", {}).get("__wrapped__")
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def described(function: Any, module: str, qualified: str) -> tuple[str, tuple[Any, ...]]:
    """Return the name of a function's calls, and the attributes that name the function and its source."""
    owner, _, name = qualified.replace(".<locals>", "").rpartition(".")
    path, line = _source(function)
    attributes = ("module", module, "class", owner, "function", name, "file", path, "line", line)
    return "%s:%s" % (module, qualified), attributes


def maker(function: Function, module: str, qualified: str) -> Maker:
    """Return a maker for ``patching.replace`` that records the calls of a function under its qualified name."""
    text, attributes = described(function, module, qualified)

    # Looked up once, and inlined: this is the hottest path there is.
    current_get, current_set = patches_recorder.current.get, patches_recorder.current.set
    next_id, clock, thread_id = patches_recorder.next_id, patches_recorder.clock, patches_recorder.thread_id
    pack_slot, free_slot = record_format.SLOT.pack_into, _FREE.pack_into
    pack, frame = FRAMED_CALL.pack, CALL_FRAME

    def make(_original: Function) -> Function:
        numbered: object = None
        number = 0

        @functools.wraps(_original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal numbered, number
            recorder = patches_recorder.recorder
            if recorder is None or not calls.enabled:
                return _original(*args, **kwargs)
            try:
                if recorder.era is not numbered:
                    number = patches_recorder.name_number(text, attributes)
                    numbered = recorder.era
                parent = current_get()
                step = next_id()
                try:
                    slot = recorder.take_slot()
                except IndexError as error:
                    faults.pass_on(error)
                    slot = SCRATCH
                thread = thread_id()
                start = clock()
                pack_slot(recorder.table, slot, step, parent, thread, start, number)
            except Exception as error:
                calls.swallow(error, blamed=True)
                return _original(*args, **kwargs)
            try:
                current_set(step)
                result = _original(*args, **kwargs)
            except BaseException as error:
                current_set(parent)
                calls.attempt(
                    _raised, recorder, slot, (record_format.CALL, step, parent, thread, start, clock(), number), error
                )
                raise
            current_set(parent)
            try:
                end = clock()
                if end >= lease.look_at:
                    lease.look(end)
                data = pack(frame, b"C", step, parent, thread, start, end, number)
                try:
                    recorder.append(data)
                except ValueError as error:
                    faults.pass_on(error)
                    recorder.roll(data)
                free_slot(recorder.table, slot, 0)
                if slot != SCRATCH:
                    recorder.give_slot(slot)
            except Exception as error:
                calls.swallow(error, blamed=True)
            return result

        _ours.add(wrapper.__code__)  # type: ignore[attr-defined]
        return wrapper

    return make


#: The layout of a slot's id, which is 0 where the slot is free.
_FREE = struct.Struct("<Q")


def _raised(recorder: segments.Segments, slot: int, fields: tuple[Any, ...], error: BaseException) -> None:
    recorder.write(fields + (values.error_text(error),))
    _FREE.pack_into(recorder.table, slot, 0)
    if slot != SCRATCH:
        recorder.give_slot(slot)
