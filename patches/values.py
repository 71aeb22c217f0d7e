"""Recordable values of foreign objects: exact builtins, capped, with secrets masked by key and by shape.

Nothing here calls a method of a foreign object: no ``__repr__``, no ``__str__``, no property, no metaclass's.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from . import masking

MASK = masking.MASK
secret_key = masking.secret_key
may_be_secret = masking.may_be_secret

#: Characters at which texts are cut; a cut could end inside a secret, so a long text is masked before it is cut.
MAX_TEXT = 512
#: Characters of a text that are masked; only a part well before this limit is recorded.
MAX_LOOK = 8192
MAX_ITEMS = 64
MAX_DEPTH = 6
#: Items of a tree, at all depths together.
MAX_TREE = 2000

#: Short texts without a secret, a cache: a service's texts repeat themselves.
harmless: dict[str, str] = {}
_MAX_HARMLESS = 4096
_MAX_REMEMBERED = 64

# The types' own descriptors, which no metaclass can replace.
_type_name = type.__dict__["__name__"].__get__
_exception_args = BaseException.__dict__["args"].__get__

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")
_URL = re.compile(r"(?P<scheme>[^:/?#]*://)?(?P<host>[^/?#]*)(?P<path>[^?#]*)")


def masked_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` (an exact str) with what looks like a secret masked, cut to ``limit`` characters."""
    known = harmless.get(text)
    if known is not None:
        return known
    whole = len(text)
    look = max(MAX_LOOK, 2 * limit)
    masked = masking.mask(text if whole <= look else text[:look])
    if whole <= limit:
        if whole <= _MAX_REMEMBERED and masked is text:
            if len(harmless) >= _MAX_HARMLESS:
                harmless.clear()
            harmless[text] = text
        return masked
    if whole > look and len(masked) <= limit + MAX_TEXT:
        masked = MASK  # so short that it would show the end of what was looked at, which may be half a secret
    return masked if len(masked) <= limit else "%s… (%d characters)" % (masked[:limit], whole)


def scalar(value: Any) -> Any:
    """Return a value that marshal takes: builtins as they are, texts masked and cut, anything else by its type."""
    kind = type(value)
    if kind is str:
        return harmless.get(value) or masked_text(value)
    if kind is int:
        return value if -(1 << 63) <= value < (1 << 63) else "<int of %d bits>" % value.bit_length()
    if value is None or kind is bool or kind is float:
        return value
    if kind is datetime.datetime:
        # A time zone is a foreign object, whose code would compute the offset.
        return (value if value.tzinfo is None else value.replace(tzinfo=None)).isoformat()
    if kind is datetime.date:
        return value.isoformat()
    if kind is bytes:
        return "<%d bytes>" % len(value)
    return "<%s>" % _type_name(kind)


def keyed(key: Any, value: Any) -> Any:
    """Return ``scalar(value)``, or the mask if ``key`` names a secret."""
    if type(key) is str and secret_key(key) and may_be_secret(value):
        return MASK
    return scalar(value)


def tree(value: Any) -> Any:
    """Return dicts, lists and tuples as nested tuples: a dict is ("{}", key, value …), a list ("[]", item …)."""
    return _tree(value, 0, [MAX_TREE])


def _tree(value: Any, depth: int, left: list[int]) -> Any:
    kind = type(value)
    if kind is dict:
        if depth >= MAX_DEPTH or left[0] <= 0:
            return "{…}"
        pairs: list[Any] = ["{}"]
        valued = masking.secret_values(value)
        for key, item in _some(list(value.items()), left):
            name = scalar(key)
            pairs.append(name)
            secret = type(name) is str and (secret_key(name) or name in valued)
            pairs.append(MASK if secret and may_be_secret(item) else _tree(item, depth + 1, left))
        return tuple(pairs)
    if kind is list or kind is tuple:
        if depth >= MAX_DEPTH or left[0] <= 0:
            return "[…]"
        if masking.is_pair(value):
            return "[]", scalar(value[0]), MASK
        if kind is list and _is_command(value):
            return ("[]",) + tuple([scalar(item) for item in masking.arguments(_some(value, left))])
        return ("[]",) + tuple([_tree(item, depth + 1, left) for item in _some(value, left)])
    return scalar(value)


def _is_command(items: Any) -> bool:
    """Return whether a list may be a program's arguments: texts, at least one of them an option."""
    options = 0
    for item in items:
        if type(item) is not str:
            return False
        options += item[:1] == "-"
    return options > 0 and len(items) > 2


def _some(items: Any, left: list[int]) -> Any:
    """Return the first items, as many as may still be recorded, and subtract their number from ``left``."""
    first = items[: max(0, min(MAX_ITEMS, left[0]))]
    left[0] -= len(first)
    return first


def error_text(error: Any) -> str:
    """Return an exception as ``Type: first text among its arguments``, without its ``__str__``."""
    name: str = _type_name(type(error))
    args = _exception_args(error) if isinstance(error, BaseException) else ()
    # The first argument of database drivers' errors is a number.
    shown = args[0:1] if args and type(args[0]) is str else args[1:2] if args and type(args[0]) is int else ()
    if shown and type(shown[0]) is str:
        return "%s: %s" % (name, masked_text(shown[0]))
    return name


def url_without_secrets(url: str) -> str:
    """Return scheme, host and path of a URL (an exact str), without user, password, query and tokens in the path."""
    match = _URL.match(url)
    if match is None:  # cannot be: every part of it may be empty
        return MASK
    host, path = match["host"], match["path"]
    port = host.rpartition(":")[2]
    if "@" not in host and port and port != host and not port.isdigit() and not port.endswith("]"):
        # No port, so this is the beginning of a password with a slash in it.
        host, _, path = path.rpartition("@")[2].partition("/")
        path = "/" + path
    return (match["scheme"] or "") + host.rpartition("@")[2] + path_without_secrets(path)


def path_without_secrets(path: str) -> str:
    """Return a URL's path (an exact str) with the tokens in it masked."""
    return masked_text(masking.path_without_tokens(path))


def is_uuid(value: Any) -> bool:
    """Return whether a value is a uuid's usual text."""
    return type(value) is str and _UUID.match(value) is not None
