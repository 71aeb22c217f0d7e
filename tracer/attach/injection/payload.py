"""The text that is run in other processes: a request, and the hooks if they are to be attached.

It is text and not a path: no file need be readable for the process, in any container and for any user. Code compiled
for that very Python is sent along if there is some, since compiling takes 50 times as long as loading.
"""

from __future__ import annotations

import ast
import binascii
import hashlib
import importlib.util
import marshal
import pkgutil
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from tracer.attach.injection import exchange

SOURCES, COMPILED = "sources", "compiled"
#: The request for the stacks of a process, and the modules of ``patches`` that are loaded for it alone.
STACKS = "stacks"
_READING = frozenset((STACKS, "stack_values"))

_INJECTED = Path(__file__).parents[2] / "bootstrap" / "injected.py"
#: An expression, so that no name is left in the service's __main__; its value dies after the last line of ours.
_TEXT = (
    '(lambda names, read: (__import__("builtins").exec(read(b"%s"), names), '
    'names["main"](read(b"%s"), read(b"%s"), (%s)))[1])({"__name__": "_bootseq_visit"}, '
    'lambda data: __import__("zlib").decompress(__import__("binascii").a2b_base64(data)))'
)


def text(what: str, request: dict[str, Any], until: float, hooks: str = "") -> bytes:
    """Return the text for ``PyRun_SimpleString``, which the exchange completes; it does nothing after ``until``.

    It contains the hooks as SOURCES or COMPILED, or none.
    """
    call = {"what": what, "until": until, "request": request, "version": version()}
    modules = _modules(hooks, what == STACKS)
    return (_TEXT % (_injected(), _packed(marshal.dumps(call, 2)), modules, exchange.ROOM.decode())).encode()


def prepare(what: str = "attach") -> None:
    """Prepare the slow parts now, before any process is stopped."""
    text(what, {}, 0, COMPILED)


@cache
def _injected() -> str:
    return _packed(_data("tracer", _INJECTED))


@cache
def _modules(kind: str, reading: bool) -> str:
    """Return the modules of the hooks, or those that read stacks, as SOURCES or COMPILED."""
    if not kind:
        return _packed(b"")
    order = _reading_order() if reading else [name for name in _order() if name not in _READING]
    texts = {"": "" if reading else sources()[""]} | {name: sources()[name] for name in order}
    hooks: dict[str, Any] = {"order": ["", *order], "codes": b"", "magic": b"", "sources": {}}
    if kind == SOURCES:
        hooks["sources"] = texts
    else:
        hooks["magic"], hooks["codes"] = importlib.util.MAGIC_NUMBER, _compiled(texts)
    return _packed(marshal.dumps(hooks, 2))


def _packed(data: bytes) -> str:
    return binascii.b2a_base64(zlib.compress(data, 9), newline=False).decode()


@cache
def sources() -> dict[str, str]:
    """Return the sources of the hooks' modules by name within the package; the package itself is ""."""
    spec = importlib.util.find_spec("patches")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    names = sorted(["__init__", *(module.name for module in pkgutil.iter_modules([str(folder)]))])
    return {name.removeprefix("__init__"): _data("patches", folder / f"{name}.py").decode() for name in names}


def _data(package: str, path: Path) -> bytes:
    """Return a file by the loader of its package, which on other hosts is an archive in memory."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    loader: Any = spec.loader
    data: bytes = loader.get_data(str(path))
    return data


@cache
def version() -> str:
    """Return the hash that identifies the release of the hooks."""
    return hashlib.sha256(repr(sorted(sources().items())).encode()).hexdigest()[:12]


def _compiled(texts: dict[str, str]) -> bytes:
    """Return modules compiled by the running Python, without docstrings, marshalled."""
    codes = {
        name: compile(source, f"<_bootseq.{name}>" if name else "<_bootseq>", "exec", 0, True, 2)
        for name, source in texts.items()
    }
    return marshal.dumps(codes)


@cache
def _order() -> list[str]:
    """Return the modules, each after those that it imports."""
    return _sorted({name: _imports(source) for name, source in sources().items() if name})


def _sorted(needs: dict[str, set[str]]) -> list[str]:
    order: list[str] = []
    while needs:
        ready = sorted(name for name, wanted in needs.items() if wanted <= {*order})
        assert ready, f"hooks import each other in a circle: {sorted(needs)}"
        order += ready
        for name in ready:
            del needs[name]
    return order


def _reading_order() -> list[str]:
    """Return the modules that read stacks, and what they import, each after those that it imports."""
    needs: dict[str, set[str]] = {}
    wanted = [*_READING]
    while wanted:
        name = wanted.pop()
        needs[name] = _imports(sources()[name])
        wanted += needs[name] - needs.keys()
    return _sorted(needs)


def _imports(source: str) -> set[str]:
    """Return the names of the modules of the package that a source imports at its top level."""
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names |= {node.module} if node.module else {alias.name for alias in node.names}
    return names & {*sources()}


def for_version(what: str, version: tuple[int, int]) -> str:
    """Return the form of the modules that a request sends to a Python of this version, "" if it sends none."""
    if what not in ("attach", STACKS):
        return ""
    return COMPILED if version == sys.version_info[:2] else SOURCES
