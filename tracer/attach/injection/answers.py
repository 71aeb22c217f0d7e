"""The answers of visited processes: untrusted, so checked for shape, types, counts and sizes, and made printable.

An answer has effects within its own process only; the rest is for people to read.
"""

from __future__ import annotations

import math
from typing import Any

from tracer.attach.injection.ptrace import RefusedError
from tracer.sources.hooks import marshal_reader
from tracer.text import printable

Answer = dict[str, Any]

_MAX_ITEMS, _MAX_TEXT = 100_000, 2_000
_MAX_NUMBER = 1 << 64
#: The fields of an answer by its request and state: a type (object: a number
#: or a text); [shape], any number of these; (shape, …), exactly these.
_ALWAYS: dict[str, Any] = {"state": str, "reason": str, "seconds": float}
_UNDONE: dict[str, dict[str, Any]] = {state: {} for state in ("free", "expired", "refused", "failed", "incompatible")}
_ATTACHED = {
    "capture": str, "hooks": [str], "off": [str], "attributes": [(str, int)], "dropped": int, "failures": int,
}  # fmt: skip
_DETACHED = {"attributes": [(str, int, int)], "kept": [str], "left": [str], "changes": [str]}
#: Module, file and function of each code; a stack: kind, thread, its number, count, (code, line), (frame, key, value).
_STACKS = {
    "python": str, "threads": int, "unread": int, "codes": [(str, str, str)],
    "stacks": [(str, str, int, int, [(int, int)], [(int, str, str)])],
}  # fmt: skip
_SHAPES: dict[str, dict[str, dict[str, Any]]] = {
    "attach": {"attached": _ATTACHED, "expired": _ATTACHED},
    "report": {"attached": _ATTACHED, "expired": _ATTACHED},
    "detach": {"detached": _DETACHED},
    "stacks": {"read": _STACKS},
    "ask_add": {"asked": {"outcome": str, "near": [str]}},
    "ask_remove": {"asked": {"removed": [str]}},
    "ask_list": {"asked": {"points": [(str, str, object, str, int, int, str)]}},
}


class _WrongError(ValueError):
    """A value has not the expected shape."""


def read(what: str, data: bytes) -> Answer:
    """Decode the answer to the request ``what``; RefusedError if it is invalid."""
    try:
        pairs = marshal_reader.loads(data)
        if not isinstance(pairs, tuple) or len(pairs) % 2 or len(pairs) > 100:
            raise _WrongError
        fields: dict[str, marshal_reader.Plain] = {"reason": "", "seconds": 0.0}
        fields |= {key: value for key, value in zip(pairs[::2], pairs[1::2]) if isinstance(key, str)}
        wanted = _UNDONE | _SHAPES[what]
        shape = wanted[_fitting(fields.get("state"), str)]
        return {name: _fitting(fields.get(name), type_) for name, type_ in (_ALWAYS | shape).items()}
    except (marshal_reader.MalformedError, KeyError, _WrongError):
        raise RefusedError("its answer is invalid") from None


def _fitting(value: marshal_reader.Plain, shape: Any) -> Any:
    """Return the value if it has the shape, with texts printable and cut, and numbers finite and bounded."""
    if isinstance(shape, list) and isinstance(value, tuple) and len(value) <= _MAX_ITEMS:
        return [_fitting(item, shape[0]) for item in value]
    if isinstance(shape, tuple) and isinstance(value, tuple) and len(value) == len(shape):
        return tuple(_fitting(item, inner) for item, inner in zip(value, shape))
    if shape in (str, object) and isinstance(value, str):
        return printable(value[:_MAX_TEXT])
    if shape in (int, object) and type(value) is int and abs(value) < _MAX_NUMBER:
        return value
    if shape is float and isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    raise _WrongError
