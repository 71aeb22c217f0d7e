"""A hook: a named pair of functions around a foreign call that can fail without the host's noticing.

``begin(args, kwargs)`` gives a token, ``end(token, result, error)`` takes it. What they raise is counted, and after
MAX_FAILURES the hook switches itself off. The host's own call stands outside of every such ``try``.
"""

import functools

from . import steps

MAX_FAILURES = 5

#: Every hook that was made, by name, for status and tests.
hooks = {}


class Hook:
    """Counts the failures of one hook; ``enabled`` is what its wrappers look at."""

    def __init__(self, name):
        self.name = name
        self.enabled = True
        self.failures = 0
        self.last_error = None
        hooks[name] = self

    def failed(self, error):
        """One of our functions raised: count it, and give up after MAX_FAILURES."""
        self.failures += 1
        self.last_error = "%s: %s" % (type(error).__name__, error)
        if self.failures >= MAX_FAILURES:
            self.enabled = False
        recorder = steps.recorder
        if recorder is not None:
            recorder.failed()

    def guarded(self, function, *args):
        """``function(*args)``, or None where the hook is off or the function raised."""
        if not self.enabled or steps.recorder is None:
            return None
        try:
            return function(*args)
        except Exception as error:
            self.failed(error)
            return None


def around(hook, begin, end):
    """A maker for ``replacing.replace``: the host's function with ``begin`` before and ``end`` after it."""

    def make(original):
        @functools.wraps(original)
        def wrapper(*args, **kwargs):
            token = hook.guarded(begin, args, kwargs)
            if token is None:
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                hook.guarded(end, token, None, error)
                raise
            hook.guarded(end, token, result, None)
            return result

        return wrapper

    return make


def within(hook, begin, end):
    """The same for calls during which a step is the current one: ``begin`` gives the step's id (0 or None: no step)."""

    def make(original):
        @functools.wraps(original)
        def wrapper(*args, **kwargs):
            step = hook.guarded(begin, args, kwargs)
            if not step:
                return original(*args, **kwargs)
            before = steps.current.get()
            steps.current.set(step)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                steps.current.set(before)
                hook.guarded(end, step, None, error)
                raise
            steps.current.set(before)
            hook.guarded(end, step, result, None)
            return result

        return wrapper

    return make


def argument(args, kwargs, position, name, default=None):
    """An argument by position or by name, as the caller happened to give it."""
    return args[position] if len(args) > position else kwargs.get(name, default)
