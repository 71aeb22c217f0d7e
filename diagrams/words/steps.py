"""The words of a step: its line in the outline, its short label in a picture, its notes."""

from __future__ import annotations

import re

from diagrams.text import clean, clock, first_line, plain, plural, shorten, span
from tracer.model import Request, Step, Value
from tracer.notation.source_paths import short_path

#: Maximum length of a title, a note and a label; longer ones are shortened with an ellipsis.
TITLE, NOTE, LABEL = 160, 300, 56

_UUID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")

#: The home of a step's code, (module, class); None where that is unknown.
Home = tuple[str, str] | None


def home(step: Step, inherited: Home) -> Home:
    """Return the class whose method ``step`` runs; a hand-off has that of the step that made it."""
    if step.kind == "handoff":
        return inherited
    return (step.text("module"), step.text("class")) if "module" in step.attributes else None


def path(step: Step) -> str:
    """The file of a step's module as the outline writes it: ``compute/api.py``, without the leading ``nova/``."""
    return short_path(step.text("module").replace(".", "/")) + (
        "/__init__.py" if step.text("file").endswith("__init__.py") else ".py"
    )


def heading(boot: Request) -> tuple[str, str]:
    """Return the title with name and outcome, and the ids."""
    where = f", host {boot.host}" if boot.host else ""
    release = f", Nova {boot.versions['nova']}" if "nova" in boot.versions else ""
    names = {"instance": boot.uuid, "request": boot.request_id}
    ids = ", ".join(f"{name} {value}" for name, value in names.items() if value)
    ended = f"{boot.operation} {boot.server}".strip() + f": {boot.outcome}, {span(boot.duration)}{where}{release}"
    return shorten(ended, NOTE), shorten(ids, NOTE)


def title(step: Step, around: Home = None) -> str:
    """Return the step's line in the outline; ``around`` is the home of the enclosing step, for ``self``."""
    say = _TITLES.get(step.kind)
    return shorten((say(step, around) if say else step.name) or step.kind, TITLE)


def label(step: Step, around: Home = None) -> str:
    """Return the step's label in a picture, where the lane shows the service."""
    say = _LABELS.get(step.kind)
    return shorten((say(step, around) if say else step.name) or step.kind, LABEL)


def peer(step: Step) -> str:
    """Return the service that a request or message was sent to, "" if unknown: a topic is none."""
    return step.text("peer") or ("broker" if step.text("mode") == "notify" else "")


def query(step: Step) -> str:
    """Return the query of an HTTP step's path."""
    return step.text("path").partition("?")[2]


def _call_title(step: Step, around: Home) -> str:
    function = step.text("function")
    if not function or not step.text("module"):
        return step.name
    cls = step.text("class")
    if home(step, None) == around:
        return f"self.{function}()" if cls else f"{function}()"
    return f"{path(step)}{'.' + cls if cls else ''} -> {function}()"


def _call_label(step: Step, around: Home) -> str:
    function, module, cls = step.text("function"), step.text("module"), step.text("class")
    if not function or (module, cls) == around:
        return f"{function}()" if function else step.name
    owner = cls or module.rpartition(".")[2]
    return f"{owner}.{function}()" if owner else f"{function}()"


def _request(step: Step) -> str:
    target = f"{step.text('method')} {step.text('path').partition('?')[0]}".strip()
    return target or step.name


def _status(step: Step) -> str:
    status = step.text("status")
    return f": {status}" if status else ""


def _http_title(step: Step, around: Home) -> str:
    to = f" → {peer(step)}" if step.text("side") == "client" and peer(step) else ""
    return f"{_request(step)}{to}{_status(step)}"


def _http_label(step: Step, around: Home) -> str:
    return _UUID.sub(_beginning, _request(step))


def _beginning(uuid: re.Match[str]) -> str:
    return f"{uuid[1]}…"


def _rpc_name(step: Step) -> str:
    return step.text("method") or step.name


def _rpc_title(step: Step, around: Home) -> str:
    if step.text("side") != "server":
        sent = f"rpc.{step.text('mode') or 'call'}()"
        # Of a message whose method or receiver is unknown, its topic says most.
        to = (peer(step) if _rpc_name(step) else "") or step.text("topic") or peer(step)
        return sent + (f" to {to}" if to else "") + (f": {_rpc_name(step)}" if _rpc_name(step) else "")
    if not step.text("function"):
        return _rpc_name(step)
    endpoint = _call_title(step, None)
    # An envelope's name (object_action) is meaningless, so the action's name comes first.
    same = step.text("function") == _rpc_name(step)
    return endpoint if same else f"{_rpc_name(step)} by {endpoint}"


def _rpc_label(step: Step, around: Home) -> str:
    return _rpc_name(step) or step.text("topic")


def _handoff_title(step: Step, around: Home) -> str:
    via, subject = step.text("via"), _stored(step)
    return f"hand-off to {_handed(step)}" + (f" by {via}" if via else "") + (f": {subject}" if via and subject else "")


def _stored(step: Step) -> str:
    """Return the image, snapshot or pool of Ceph's that a hand-off works on, "" where it is none of them."""
    image, snapshot, parent, to = (step.text(key) for key in ("image", "snapshot", "parent", "to"))
    origin = "@".join(name for name in (parent, snapshot) if name)
    if parent:
        return f"{image} from {origin}"
    return "@".join(name for name in (image, snapshot) if name) + (f" → {to}" if to else "") or step.text("pool")


def _handoff_label(step: Step, around: Home) -> str:
    return f"hand-off: {_handed(step).rpartition('.')[2]}"


def _handed(step: Step) -> str:
    return (step.text("function") or step.name).replace(".<locals>", "")


def _libvirt_title(step: Step, around: Home) -> str:
    owner, function = step.text("class"), step.text("function")
    subject = step.text("device") or step.text("usage")
    called = f"{owner + '.' if owner else ''}{function}()" if function else step.name
    return f"{called}: {subject}" if subject else called


def _command_title(step: Step, around: Home) -> str:
    arguments = step.attributes.get("arguments")
    line = " ".join(plain(part) for part in arguments) if isinstance(arguments, list) else plain(arguments or step.name)
    code = step.text("exit_code")
    return f"$ {line}" + (f" (exit {code})" if code not in ("", "0") else "")


_TITLES = {
    "call": _call_title,
    "http": _http_title,
    "rpc": _rpc_title,
    "handoff": _handoff_title,
    "libvirt": _libvirt_title,
    "command": _command_title,
}
_LABELS = {**_TITLES, "call": _call_label, "http": _http_label, "rpc": _rpc_label, "handoff": _handoff_label}


def note(step: Step) -> str:
    """Return a note's line, without the leading ``- ``."""
    text = shorten(_NOTES.get(step.kind, lambda unknown: f"{unknown.kind}: {unknown.name}")(step), NOTE)
    return f"{text} ! {error(step)}" if step.error is not None else text


def note_in(step: Step, service: str) -> str:
    """A note's line below a step of ``service``: a log line of another service names it, and its time."""
    origin = f"[{shorten(step.service, TITLE)} {clock(step.start)}] " if is_foreign(step, service) else ""
    return origin + note(step)


def is_foreign(step: Step, service: str) -> bool:
    """Return whether it is a log line of another service than ``service``, below one of whose steps it is shown."""
    return step.kind in ("log", "ask") and step.service != service


def error(step: Step) -> str:
    """Return a step's error on one line."""
    return shorten(first_line(step.error or "") or "error", NOTE)


def raised(step: Step) -> str:
    """Return a step's error; where a step inside raised the very same, only its kind and its origin."""
    for child in step.children:
        if child.error == step.error and child.numbered:
            return f"{shorten(first_line(step.error or '').partition(':')[0], TITLE)}, from {child.address}"
    return error(step)


def changes(step: Step) -> str:
    """Return the changes of a state step: ``vm_state building, task_state None → scheduling``."""
    pairs = step.attributes.get("changes")
    return (
        ", ".join(f"{clean(key)} {_change(key, pairs[key])}" for key in pairs) if isinstance(pairs, dict) else step.name
    )


def _change(key: str, change: Value) -> str:
    if not isinstance(change, list) or len(change) != 2:
        return plain(change)
    old, new = change
    # A task_state of None is a state; any other None only means that nothing was known yet.
    if old == new or (old is None and key != "task_state"):
        return plain(new)
    return f"{plain(old)} → {plain(new)}"


def _state_note(step: Step) -> str:
    return f"{step.text('table') or 'instances'}: {changes(step)}"


def _sql_note(step: Step) -> str:
    tables = step.attributes.get("tables")
    verb, rows, database = step.text("verb"), step.attributes.get("rows"), step.text("database")
    what = f"{verb} {', '.join(map(plain, tables)) if isinstance(tables, list) else ''}".strip()
    count = f" ({plural(rows, 'row')})" if isinstance(rows, int) and rows >= 0 else ""
    where = f" in {database}" if database else ""
    return f"sql: {what or ' '.join(step.text('statement').split()) or step.name}{count}{where} {span(step.duration)}"


def _log_note(step: Step) -> str:
    head = " ".join(filter(None, (step.text("level"), step.text("logger"))))
    return f"log: {head}: {step.text('message') or step.name}"


def _ask_note(step: Step) -> str:
    return f"ask: {step.text('message') or step.name}"


def _wait_note(step: Step) -> str:
    how = "opened" if step.attributes.get("connected") is True else "waited for"
    return f"wait: database connection {how} by {step.text('class') or step.name} {span(step.duration)}"


_NOTES = {"state": _state_note, "sql": _sql_note, "log": _log_note, "ask": _ask_note, "wait": _wait_note}


#: How a step was assigned to its parent, in words that show how sure that is; others are shown as they are.
_TIED = {
    "context": "same thread of control",
    "handoff": "handed over to another thread",
    "msg_id": "by the message's msg_id",
    "unique_id": "by the message's unique_id",
    "call_id": "by the id of the privileged call",
    "message": "the same message in one process",
    "payload": "by the message's text, as it has no id",
    "topic_order": "by order: the first of its topic to be taken after it was sent",
    "time": "by time: all that its process had under way",
    "request_id": "by the request id",
    "global_request_id": "by the global request id",
    "request": "by method and path: the only such request under way",
    "instance": "by the instance: news of it",
    "port": "by the port: no other request owns it",
}


def tied(step: Step) -> str:
    """Return how the step was assigned to its parent, "" at a root."""
    return _TIED.get(step.tied_by, clean(step.tied_by))
