"""A step in words that are the same in every boot: without ids, addresses and times, and readable back.

One form for each kind, the outline's own where it has one:

- call       ``compute/api.py.API -> create()``
- http       ``GET /v2/images/{id}?limit → image: 200``, without the arrow on the server's side
- rpc        ``rpc.call() to conductor: Instance.save 3.0 (Instance 2.8)``, and on the server's side
             ``Instance.save by conductor/manager.py.ConductorManager -> object_action()``
- handoff    ``hand-off to scatter_gather_cells.gather_result by ThreadPoolExecutor``
- libvirt    ``virConnect.defineXML()``
- command    ``$ qemu-img info {path}``
- sql        ``sql: SELECT flavors, flavor_projects in nova_api #3598517c826f``
- state      ``instances: vm_state building, task_state scheduling``
- log        ``log: WARNING nova.compute.manager _build_resources``

An error stands at the end: `` ! NoValidHost``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from tracer.model import Step, Value
from tracer.notation.scrub import argument, database, plain, route

_ERROR = re.compile(r" ! ([\w.]+)$")
_SQL = re.compile(r"sql: (\S+)(?: (?!in \S+(?: #|$)|#)(.*?))?(?: in (\S+))?(?: #(\w+))?$")
_LOG = re.compile(r"log: (\S+) (.+)$")
_STATE = re.compile(r"(\w+): ((?:vm_state|task_state|power_state|host|node) .+)$")
_SENT = re.compile(r"rpc\.(\w+)\(\)(?: to (\S+))?: (\S+)(?: (\d[\d.]*))?(?: \((.*)\))?$")
_SERVED = re.compile(r"(\S+) by (\S+(?: -> \S+\(\))?)$")
_HTTP = re.compile(r"([A-Z]+) (/[^\s?]*)(?:\?(\S*))?(?: → (\S+?))?(?:: (\d+))?$")
_HANDOFF = re.compile(r"hand-off to (\S+)(?: by (\S+))?$")
_CALL = re.compile(r"(\S+) -> (\w+)\(\)$")
_VERSIONED = re.compile(r"\b([A-Z]\w+) (\d+\.\d+)\b")


#: What SQLAlchemy says by itself, and in another way with each release of its own.
_LIBRARY = re.compile(r"sql: (?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SELECT(?= in | #|$))")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a text says: ``name`` is what stays when a step only changes, ``traits`` what may change about it."""

    kind: str
    name: str
    traits: dict[str, str]


def text(step: Step) -> str:
    """The step's text."""
    said = " ".join(_TEXTS.get(step.kind, _anything)(step).split())
    return f"{said} ! {_error(step.error)}" if step.error is not None else said


@lru_cache(maxsize=65536)
def identity(text: str) -> Identity:
    """What a text says; a text in none of the forms is a call of that name."""
    said, error = apart(text)
    kind, name, traits = next((found for read in _READERS if (found := read(said))), ("call", said, {}))
    return Identity(kind, name, traits | ({"error": error} if error else {}))


def apart(text: str) -> tuple[str, str]:
    """A text without the error that it ends with, and the error, "" if there is none."""
    failed = _ERROR.search(text)
    return (text[: failed.start()], failed[1]) if failed else (text, "")


def gist(text: str) -> str:
    """A sent message without its version and those of the objects in it, a hand-off without what carried it over.

    Any other text as it is.
    """
    if sent := _SENT.match(text):
        return text[: sent.end(3)]
    handed = _HANDOFF.match(text)
    return text[: handed.end(1)] if handed else text


def is_library(text: str) -> bool:
    """Whether it is a statement of the database library's own: a transaction's brackets, a ping (``SELECT 1``)."""
    return _LIBRARY.match(text) is not None


def _error(error: str) -> str:
    """The exception's class: what it says varies."""
    first = error.strip().split("\n", 1)[0].partition(":")[0].strip()
    return re.sub(r"[^\w.]", "", first) or "error"


def _anything(step: Step) -> str:
    return plain(step.name)


def _code(step: Step) -> str:
    """``compute/api.py.API``: where the step's function lives."""
    parts = step.text("module").split(".")
    parts = parts[1:] if len(parts) > 1 and parts[0] == "nova" else parts
    cls = step.text("class")
    return "/".join(parts) + ".py" + (f".{cls}" if cls else "")


def _call(step: Step) -> str:
    if not step.text("module") or not step.text("function"):
        return plain(step.name)
    return f"{_code(step)} -> {step.text('function')}()"


def _http(step: Step) -> str:
    path, _, query = step.text("path").partition("?")
    asked = _query(query or step.text("query"))
    said = f"{step.text('method')} {route(path)}" + (f"?{asked}" if asked else "")
    to = f" → {step.text('peer')}" if step.text("side") == "client" and step.text("peer") else ""
    return said + to + (f": {step.text('status')}" if step.text("status") else "")


def _query(query: str) -> str:
    """Keys, and values where they are names: what is asked for, not of whom or how much."""
    return "&".join(
        f"{key}={value}" if (value := route(said).replace(" ", "")) and "{" not in value and value.isascii() else key
        for key, said in sorted(parse_qsl(query))
    )


def _rpc(step: Step) -> str:
    name = step.text("method") or step.name
    if step.text("side") == "server":
        function = step.text("function")
        return f"{name} by {_code(step)}" + (f" -> {function}()" if function != name else "") if function else name
    to = f" to {step.text('peer')}" if step.text("peer") else ""
    version = f" {step.text('version')}" if step.text("version") else ""
    objects = sorted({f"{name} {number}" for name, number in _VERSIONED.findall(str(step.attributes.get("arguments")))})
    return f"rpc.{step.text('mode') or 'call'}(){to}: {name}{version}" + (f" ({', '.join(objects)})" if objects else "")


def _handoff(step: Step) -> str:
    function = (step.text("function") or step.name).replace(".<locals>", "").replace(" ", "_")
    return f"hand-off to {function}" + (f" by {step.text('via')}" if step.text("via") else "")


def _libvirt(step: Step) -> str:
    owner = step.text("class")
    return f"{owner + '.' if owner else ''}{step.text('function') or step.name}()"


def _command(step: Step) -> str:
    arguments = step.attributes.get("arguments")
    parts = [str(part) for part in arguments] if isinstance(arguments, list) else step.name.split()
    code = step.text("exit_code")
    return "$ " + " ".join(map(argument, parts)) + (f" (exit {code})" if code not in ("", "0") else "")


def _sql(step: Step) -> str:
    tables = step.attributes.get("tables")
    named = ", ".join(map(str, tables)) if isinstance(tables, list) else ""
    name = step.text("database")
    what = f"{step.text('verb') or step.name} {named}".strip()
    print_ = step.text("fingerprint")
    return f"sql: {what}" + (f" in {database(name)}" if name else "") + (f" #{print_}" if print_ else "")


def _state(step: Step) -> str:
    """What it became: what it was before is known here and not there."""
    changes = step.attributes.get("changes")
    changes = changes if isinstance(changes, dict) else {}
    became = {key: change[-1] if isinstance(change, list) and change else change for key, change in changes.items()}
    said = ", ".join(f"{key} {_became(key, value)}" for key, value in became.items())
    return f"{step.text('table') or 'instances'}: {said}"


def _became(key: str, value: Value) -> str:
    return "{host}" if key in ("host", "node") and value is not None else plain(str(value))


def _log(step: Step) -> str:
    return f"log: {step.text('level')} {step.text('logger')} {step.text('function')}".strip()


_TEXTS = {
    "call": _call, "http": _http, "rpc": _rpc, "handoff": _handoff, "libvirt": _libvirt, "command": _command,
    "sql": _sql, "state": _state, "log": _log,
}  # fmt: skip

_Found = tuple[str, str, dict[str, str]]


def _traits(**said: str | None) -> dict[str, str]:
    return {key: value for key, value in said.items() if value}


def _read_sql(text: str) -> _Found | None:
    if not (found := _SQL.match(text)):
        return None
    verb, tables, where, statement = found.groups()
    return (
        "sql",
        f"{verb} {(tables or '').partition(',')[0]}".strip(),
        _traits(tables=tables, database=where, statement=statement),
    )


def _read_log(text: str) -> _Found | None:
    return ("log", found[0], {}) if (found := _LOG.match(text)) else None


def _read_state(text: str) -> _Found | None:
    return ("state", found[1], {"state": found[2]}) if (found := _STATE.match(text)) else None


def _read_command(text: str) -> _Found | None:
    if not text.startswith("$ "):
        return None
    program, _, arguments = text[2:].partition(" ")
    return "command", program, _traits(arguments=arguments)


def _read_sent(text: str) -> _Found | None:
    if not (found := _SENT.match(text)):
        return None
    mode, to, method, version, objects = found.groups()
    return "rpc", f"rpc: {method}", _traits(mode=mode, to=to, version=version, objects=objects)


def _read_handoff(text: str) -> _Found | None:
    return ("handoff", f"hand-off to {found[1]}", _traits(via=found[2])) if (found := _HANDOFF.match(text)) else None


def _read_http(text: str) -> _Found | None:
    if not (found := _HTTP.match(text)):
        return None
    method, path, query, to, status = found.groups()
    return "http", f"{method} {path}" + (" →" if to else ""), _traits(query=query, to=to, status=status)


def _read_served(text: str) -> _Found | None:
    return ("rpc", f"{found[1]} by", {"endpoint": found[2]}) if (found := _SERVED.match(text)) else None


def _read_call(text: str) -> _Found | None:
    if _CALL.match(text):
        return "call", text, {}
    return ("libvirt", text, {}) if text.endswith("()") and " " not in text else None


_READERS = (
    _read_sql, _read_log, _read_state, _read_command, _read_sent, _read_handoff, _read_http, _read_served, _read_call,
)  # fmt: skip
