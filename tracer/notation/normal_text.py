"""A step as text that is the same in every boot: without ids, addresses and times; ``parse`` reads it back.

One form for each kind, the same as in the outline where that has one:

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

An error stands at the end: `` ! NoValidHost``. Sub-lanes are folded: a boot of an older version has none.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from tracer.model import Step, Value, lanes, service_names
from tracer.notation.scrub import argument, database, plain, route
from tracer.notation.source_paths import short_path

_VERSIONED = re.compile(r"\b([A-Z]\w+) (\d+\.\d+)\b")


def text(step: Step) -> str:
    """Return the step's normal text."""
    words = " ".join(_TEXTS.get(step.kind, _anything)(step).split())
    return f"{words} ! {_error(step.error)}" if step.error is not None else words


def _error(error: str) -> str:
    """Return the exception's class; its message varies."""
    first = error.strip().split("\n", 1)[0].partition(":")[0].strip()
    return re.sub(r"[^\w.]", "", first) or "error"


def _anything(step: Step) -> str:
    return plain(step.name)


def _code(step: Step) -> str:
    """Return the file and class of the step's function: ``compute/api.py.API``."""
    path = short_path(step.text("module").replace(".", "/"))
    cls = step.text("class")
    return path + ".py" + (f".{cls}" if cls else "")


def _call(step: Step) -> str:
    if not step.text("module") or not step.text("function"):
        return plain(step.name)
    return f"{_code(step)} -> {step.text('function')}()"


def _http(step: Step) -> str:
    path, _, query = step.text("path").partition("?")
    keys = _query(query or step.text("query"))
    line = f"{step.text('method')} {route(path)}" + (f"?{keys}" if keys else "")
    to = f" → {lanes.family(step.text('peer'))}" if step.text("side") == "client" and step.text("peer") else ""
    return line + to + (f": {step.text('status')}" if step.text("status") else "")


def _query(query: str) -> str:
    """Return the query's keys, with values only where they are names: no ids, no numbers."""
    return "&".join(
        f"{key}={value}" if (value := route(raw).replace(" ", "")) and "{" not in value and value.isascii() else key
        for key, raw in sorted(parse_qsl(query))
    )


def _rpc(step: Step) -> str:
    name = step.text("method") or step.name
    if step.text("side") == "server":
        function = step.text("function")
        return f"{name} by {_code(step)}" + (f" -> {function}()" if function != name else "") if function else name
    to = f" to {lanes.family(step.text('peer'))}" if step.text("peer") and _is_known(step) else ""
    version = f" {step.text('version')}" if step.text("version") else ""
    objects = sorted({f"{name} {number}" for name, number in _VERSIONED.findall(str(step.attributes.get("arguments")))})
    return f"rpc.{step.text('mode') or 'call'}(){to}: {name}{version}" + (f" ({', '.join(objects)})" if objects else "")


def _is_known(step: Step) -> bool:
    """Return whether a message's receiver was recorded, or baselines name it by its topic since the first of them."""
    is_received = bool(step.opens) or any(child.is_server for child in step.children)
    return is_received or not step.text("topic") or service_names.is_early_topic(step.text("topic"))


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
    """Return the new values only: not every witness knows the old ones."""
    changes = step.attributes.get("changes")
    changes = changes if isinstance(changes, dict) else {}
    became = {key: change[-1] if isinstance(change, list) and change else change for key, change in changes.items()}
    states = ", ".join(f"{key} {_became(key, value)}" for key, value in became.items())
    return f"{step.text('table') or 'instances'}: {states}"


def _became(key: str, value: Value) -> str:
    return "{host}" if key in ("host", "node") and value is not None else plain(str(value))


def _log(step: Step) -> str:
    return f"log: {step.text('level')} {step.text('logger')} {step.text('function')}".strip()


_TEXTS = {
    "call": _call, "http": _http, "rpc": _rpc, "handoff": _handoff, "libvirt": _libvirt, "command": _command,
    "sql": _sql, "state": _state, "log": _log,
}  # fmt: skip
