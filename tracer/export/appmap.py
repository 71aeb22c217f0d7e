"""AppMap 1.13: calls and returns, with the classes they belong to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.export.spans import Kind, Span, SpanTree

OMITS = "times of day, attributes, notes, links, RPC (calls of a class RPC), threads"
_VERSION = "1.13.1"
_SECOND = 1e9
#: Package and class by the kind of a step that is not a function call.
_PACKAGES = {"rpc": "rpc", "libvirt": "libvirt", "command": "commands", "handoff": "handoffs"}
_Functions = dict[tuple[str, str], dict[str, tuple[str, int]]]


def traces(trees: Sequence[SpanTree]) -> Iterator[bytes]:
    """Yield one document."""
    functions: _Functions = {}
    events = [event for tree in trees for event in _events(tree, functions)]
    _number(events)
    name = trees[0].title if len(trees) == 1 else f"{len(trees)} requests"
    document = {
        "version": _VERSION,
        "metadata": {
            "name": name, "app": "openstack", "recorder": {"name": "bootseq", "type": "process"},
            "client": {"name": "bootseq", "url": "https://pypi.org/project/bootseq/"},
        },
        "classMap": _class_map(functions), "events": events,
    }  # fmt: skip
    yield json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _events(tree: SpanTree, functions: _Functions) -> Iterator[dict[str, Any]]:
    """Yield the calls and returns in the tree's order; a return holds its call until both are numbered."""
    for root in tree.roots:
        stack: list[tuple[Span, dict[str, Any] | None]] = [(root, None)]
        while stack:
            span, call = stack.pop()
            if call is not None:
                yield _return(span, call)
                continue
            call = _call(span, functions)
            yield call
            stack.append((span, call))
            stack.extend((child, None) for child in reversed(span.children))


def _number(events: list[dict[str, Any]]) -> None:
    for number, event in enumerate(events, 1):
        event["id"] = number
        if "call" in event:
            event["parent_id"] = event.pop("call")["id"]


def _call(span: Span, functions: _Functions) -> dict[str, Any]:
    attributes, kind = span.attributes, span.step.kind
    event: dict[str, Any] = {"event": "call", "thread_id": 1}
    if kind == "sql":
        query = {"sql": attributes.get("db.query.text", span.name), "database_type": attributes["db.system.name"]}
        return event | {"sql_query": query}
    if kind == "http":
        return event | _request(span) | {"message": []}
    return event | _function(span, functions)


def _request(span: Span) -> dict[str, Any]:
    method, attributes = span.step.text("method") or "GET", span.attributes
    if span.kind == Kind.SERVER:
        return {"http_server_request": {"request_method": method, "path_info": attributes["url.path"]}}
    url = attributes.get("url.full") or attributes["url.path"]
    return {"http_client_request": {"request_method": method, "url": url}}


def _function(span: Span, functions: _Functions) -> dict[str, Any]:
    step = span.step
    package = step.text("module") or f"{_PACKAGES.get(step.kind, step.kind)}.{span.resource.service}"
    class_ = step.text("class") or package.rpartition(".")[2]
    name = step.text("function") or span.name
    file, line = step.text("file"), step.attributes.get("line")
    number = line if isinstance(line, int) and line > 0 else 1
    functions.setdefault((package, class_), {}).setdefault(name, (file, number))
    return {
        "defined_class": f"{package.replace('.', '/')}/{class_}", "method_id": name, "path": file, "lineno": number,
        "static": False, "parameters": [], "receiver": {"class": class_, "object_id": 1, "value": class_},
    }  # fmt: skip


def _return(span: Span, call: dict[str, Any]) -> dict[str, Any]:
    elapsed = (span.end - span.start) / _SECOND
    event: dict[str, Any] = {"event": "return", "thread_id": 1, "call": call, "elapsed": elapsed}
    status = span.attributes.get("http.response.status_code")
    if isinstance(status, int):
        side = "server" if span.kind == Kind.SERVER else "client"
        event[f"http_{side}_response"] = {"status_code": status}
    if span.failure is not None:
        type_ = str(span.attributes.get("error.type", "_OTHER"))
        event["exceptions"] = [{"class": type_, "message": span.failure, "object_id": 1}]
    return event


def _class_map(functions: _Functions) -> list[dict[str, Any]]:
    """Return the tree of packages, with their classes and functions."""
    roots: list[dict[str, Any]] = []
    packages: dict[str, list[dict[str, Any]]] = {"": roots}
    for (package, class_), members in functions.items():
        path = ""
        for name in package.split("."):
            parent, path = path, f"{path}.{name}" if path else name
            if path not in packages:
                packages[path] = []
                packages[parent].append({"name": name, "type": "package", "children": packages[path]})
        packages[package].append(
            {"name": class_, "type": "class", "children": [_member(*item) for item in members.items()]}
        )
    return roots


def _member(name: str, where: tuple[str, int]) -> dict[str, Any]:
    return {"name": name, "type": "function", "static": False, "location": f"{where[0]}:{where[1]}"}
