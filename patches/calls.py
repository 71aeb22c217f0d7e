"""Function calls: the classes' methods and modules' functions that the call points name, one record a call.

The points come compiled from the tool: (module glob, name globs, name globs to leave out), names like ``API.create`` or
``instance_create``. What other modules took with ``from x import f`` before the hook came is not covered.
"""

import functools
import inspect
from fnmatch import fnmatchcase
from zlib import crc32

from . import hook, importing, record, replacing, steps, values
from .record import SCRATCH

calls = hook.Hook("calls")


def install(points):
    """Wrap what ``points`` name, in modules that are there and in those that will come."""
    for module_glob, names, left_out in points:
        importing.when_imported(module_glob, functools.partial(_guarded_wrap, names, left_out))


def _guarded_wrap(names, left_out, module):
    calls.guarded(_wrap_module, names, left_out, module)


def _wrap_module(names, left_out, module):
    for owner, name, raw in _callables(module):
        qualified = name if owner is module else "%s.%s" % (owner.__name__, name)
        if _matches(qualified, names) and not _matches(qualified, left_out):
            function = getattr(raw, "__func__", raw)
            replacing.replace(owner, name, _maker(function, module.__name__, qualified))


def _callables(module):
    """(owner, name, raw attribute) of the functions and methods that are the module's own."""
    for name, value in list(vars(module).items()):
        if inspect.isfunction(value) and value.__module__ == module.__name__:
            yield module, name, value
        elif inspect.isclass(value) and value.__module__ == module.__name__:
            for attribute, raw in list(vars(value).items()):
                if inspect.isfunction(raw) or isinstance(raw, (staticmethod, classmethod)):
                    yield value, attribute, raw


def _matches(name, globs):
    return any(fnmatchcase(name, glob) for glob in globs)


def _source(function):
    """Where the function itself stands, below its decorators."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def _maker(function, module, qualified):
    owner, _, name = qualified.rpartition(".")
    path, line = _source(function)
    attributes = ("module", module, "class", owner, "function", name, "file", path, "line", line)
    text = "%s:%s" % (module, qualified)

    # Looked up once and written out in full: this is the hottest path there is.
    current_get, current_set = steps.current.get, steps.current.set
    next_id, clock, thread_id = steps.next_id, steps.clock, steps.thread_id
    number_of, pack_slot = steps.names.get, record.SLOT.pack_into
    pack_call, pack_frame = record.PACKED_CALL.pack, record.FRAME.pack

    def make(original):
        @functools.wraps(original)
        def wrapper(*args, **kwargs):
            recorder = steps.recorder
            if recorder is None or not calls.enabled:
                return original(*args, **kwargs)
            try:
                parent = current_get()
                step = next_id()
                number = number_of(text) or steps.name_number(text, attributes)
                slot = recorder.free.pop() if recorder.free else SCRATCH
                thread = thread_id()
                start = clock()
                pack_slot(recorder.table, slot, step, parent, thread, start, number)
            except Exception as error:
                calls.failed(error)
                return original(*args, **kwargs)
            current_set(step)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                current_set(parent)
                calls.guarded(_raised, recorder, slot, (record.CALL, step, parent, thread, start, clock(), number), error)
                raise
            current_set(parent)
            try:
                data = pack_call(b"C", step, parent, thread, start, clock(), number)
                data = pack_frame(len(data), crc32(data)) + data
                try:
                    recorder.append(data)
                except ValueError:
                    recorder.roll(data)
                pack_slot(recorder.table, slot, 0, 0, 0, 0, 0)
                if slot != SCRATCH:
                    recorder.free.append(slot)
            except Exception as error:
                calls.failed(error)
            return result

        return wrapper

    return make


def _raised(recorder, slot, fields, error):
    recorder.write(fields + (values.error_text(error),))
    record.SLOT.pack_into(recorder.table, slot, 0, 0, 0, 0, 0)
    if slot != SCRATCH:
        recorder.free.append(slot)
