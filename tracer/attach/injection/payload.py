"""The text that is run in other processes: a request, and the hooks themselves where they are to be attached.

As text and not as a path: nothing need be readable there, in whichever container and as whichever user it runs. Where
code that was compiled for that very Python is at hand it goes along, since compiling takes 50 times as long as loading.
"""

from __future__ import annotations

import ast
import binascii
import hashlib
import importlib.util
import marshal
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from tracer.attach.injection import exchange

SOURCES, COMPILED = "sources", "compiled"

_INJECTED = Path(__file__).parents[2] / "bootstrap" / "injected.py"
#: An expression, so that no name is left in the service's __main__; its value dies after the last line of ours.
_TEXT = (
    '(lambda names, read: (__import__("builtins").exec(read(b"%s"), names), '
    'names["main"](read(b"%s"), read(b"%s"), (%s)))[1])({"__name__": "_bootseq_visit"}, '
    'lambda data: __import__("zlib").decompress(__import__("binascii").a2b_base64(data)))'
)


def text(what: str, request: dict[str, Any], until: float, hooks: str = "") -> bytes:
    """What ``PyRun_SimpleString`` is given, once the exchange has filled it; it does nothing after the time ``until``.

    It brings the hooks along as ``hooks`` says: SOURCES or COMPILED.
    """
    given = {"what": what, "until": until, "request": request, "version": version()}
    return (_TEXT % (_injected(), _packed(marshal.dumps(given, 2)), _hooks(hooks), exchange.ROOM.decode())).encode()


def prepare() -> None:
    """What takes long of it, now: later it would be done in a hurry."""
    text("attach", {}, 0, COMPILED)


@cache
def _injected() -> str:
    return _packed(_INJECTED.read_bytes())


@cache
def _hooks(kind: str) -> str:
    if not kind:
        return _packed(b"")
    given: dict[str, Any] = {"order": ["", *_order()], "codes": b"", "magic": b"", "sources": {}}
    if kind == SOURCES:
        given["sources"] = sources()
    else:
        given["magic"], given["codes"] = importlib.util.MAGIC_NUMBER, _compiled()
    return _packed(marshal.dumps(given, 2))


def _packed(data: bytes) -> str:
    return binascii.b2a_base64(zlib.compress(data, 9), newline=False).decode()


@cache
def sources() -> dict[str, str]:
    """The hooks' modules, by their names within the package; the package itself is ""."""
    spec = importlib.util.find_spec("patches")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    return {path.stem.removeprefix("__init__"): path.read_text() for path in sorted(folder.glob("*.py"))}


@cache
def version() -> str:
    """Tells one release's hooks from another's."""
    return hashlib.sha256(repr(sorted(sources().items())).encode()).hexdigest()[:12]


def _compiled() -> bytes:
    """All of them, compiled by the Python that we run on, without docstrings."""
    codes = {
        name: compile(source, f"<_bootseq.{name}>" if name else "<_bootseq>", "exec", 0, True, 2)
        for name, source in sources().items()
    }
    return marshal.dumps(codes)


@cache
def _order() -> list[str]:
    """The modules, each behind those that it imports."""
    needs = {name: _imports(source) for name, source in sources().items() if name}
    order: list[str] = []
    while needs:
        ready = sorted(name for name, wanted in needs.items() if wanted <= {*order})
        assert ready, f"hooks import each other in a circle: {sorted(needs)}"
        order += ready
        for name in ready:
            del needs[name]
    return order


def _imports(source: str) -> set[str]:
    """The names of the modules of the package that one imports as it runs."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
    return found & {*sources()}


def for_version(version: tuple[int, int]) -> str:
    """What to send to a Python of this version."""
    return COMPILED if version == sys.version_info[:2] else SOURCES
