"""Replace one attribute of a class or module, and put the very same object back.

The raw attribute is read without binding it, so that a staticmethod or classmethod stays one; what the owner only
inherited is deleted on undo, not set. Undo touches nothing that somebody else has wrapped since: such a wrapper of ours
stays and passes calls through, because its hook records nothing any more.
"""

import inspect

_ABSENT = object()

#: (owner, name, what the owner held before or _ABSENT, our object), in the order of replacing
replaced = []
#: what puts back the rest (a logger's level, a table of ours), in the order of changing
_undoing = []


def undo(function):
    """Call ``function()`` when everything is undone, after the attributes were put back."""
    _undoing.append(function)


def replace(owner, name, make):
    """Set ``owner.name`` to ``make(original function)``; True if done, False where there is nothing to wrap."""
    try:
        raw = inspect.getattr_static(owner, name)
    except AttributeError:
        return False
    own = vars(owner).get(name, _ABSENT)
    if isinstance(raw, (staticmethod, classmethod)):
        new = type(raw)(make(raw.__func__))
    elif callable(raw):
        new = make(raw)
    else:
        return False
    setattr(owner, name, new)
    # A metaclass may have put something else there than what we gave it: remember what is held now.
    replaced.append((owner, name, own, vars(owner)[name]))
    return True


def restore_all():
    """Undo every replacement, latest first; the names that could not be put back because someone wrapped ours."""
    kept = []
    while replaced:
        owner, name, own, ours = replaced.pop()
        if vars(owner).get(name, _ABSENT) is not ours:
            kept.append("%s.%s" % (owner.__name__, name))
        elif own is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
    while _undoing:
        function = _undoing.pop()
        try:
            function()
        except Exception as error:
            kept.append("%s: %s" % (type(error).__name__, error))
    return kept
