"""Names of what Nova's objects do at the conductor: logs say only that some object acted, its statement says which."""

from __future__ import annotations

import re
from collections import defaultdict

from tracer.correlation import statements
from tracer.events import Event

_SOME_METHOD, _SOME_CLASS_METHOD = "object_action", "object_class_action_versions"
#: What only one method of all objects sends, of those that are asked for in this way: (verb, table) of a statement.
#: Whatever else a statement may come from has no place here; a reader had better see that the name is not known.
_SENT_BY = {
    (_SOME_METHOD, "UPDATE", "instances"): "Instance.save",
    (_SOME_METHOD, "UPDATE", "compute_nodes"): "ComputeNode.save",
    (_SOME_METHOD, "INSERT", "virtual_interfaces"): "VirtualInterface.create",
    (_SOME_CLASS_METHOD, "INSERT", "instance_actions_events"): "InstanceActionEvent.event_start",
}
#: A row that is deleted stays, marked; what follows WHERE asks for one that is not.
_DELETES = re.compile(r"\s*UPDATE\b(?:(?!\bWHERE\b).)*\bdeleted(?:_at)?\s*=", re.DOTALL)


def name(events: list[Event]) -> None:
    """Give messages that only logs saw the name of what they ask for, where a statement of their receiver tells."""
    made: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind == "sql" and event.parent:
            made[event.process.key, event.parent].append(event)
    named = {}
    for event in events:
        if event.witnesses == ("logs",) and event.attributes.get("side") == "server":
            told = next(filter(None, (_told(event.name, each) for each in made[event.process.key, event.number])), "")
            if told and event.name in (_SOME_METHOD, _SOME_CLASS_METHOD):
                event.name = event.attributes["method"] = told
                named[event.attributes.get("msg_id")] = told
    for event in events:
        if event.kind == "rpc" and event.name in (_SOME_METHOD, _SOME_CLASS_METHOD):
            event.name = named.get(event.attributes.get("msg_id"), event.name)
            event.attributes["method"] = event.name


def _told(asked: str, statement: Event) -> str:
    text = str(statement.attributes.get("statement"))
    known = statements.summary(text)
    told = _SENT_BY.get((asked, known.verb, known.tables[0] if known.tables else ""), "")
    return told.replace(".save", ".destroy") if _DELETES.match(text) else told
