"""The originals of a text, learned line by line: ids and addresses by shape, names by the fields that hold them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracer.anonymize import fields, messages, rows
from tracer.anonymize.keys import kind_of, kind_of_object
from tracer.anonymize.names import TOKEN, Names
from tracer.anonymize.shapes import ESCAPES, is_anonymous, shapes
from tracer.model import Value

#: Fields of a trace's requests that are names.
_REQUEST_FIELDS = {"host": "host", "server": "server"}

#: The last letter of a token's kind, and its number.
_may_be_token = re.compile(r"[tremnkdg]-[0-9]{1,9}(?![0-9A-Za-z])").search


class Originals:
    """Originals to be replaced: the ids and addresses, (kind, key), and the names, in order of first appearance."""

    def __init__(self) -> None:
        self.names = Names()
        self.shapes: dict[tuple[str, str], None] = {}
        #: ids, addresses and names that are tokens, or that identify nothing: no token may be one of these
        self.anonymous: set[str] = set()


class Learner:
    """The collector of a text's originals; texts and values are added in their order."""

    def __init__(self) -> None:
        self.originals = Originals()
        self._tables = rows.Tables()

    def line(self, text: str) -> None:
        """Add a line of a log."""
        text = _unescaped(text)
        self._learn(text)
        for kind, name in self._tables.line(text):
            self.originals.names.add(kind, name)

    def value(self, value: Value, parents: Sequence[str] = ()) -> None:
        """Add a JSON value with all that it holds; ``parents`` are the keys above it, the nearest last."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self._learn(key)
                self._item("" if key == "name" and "alias" in value else key, inner, parents)
            if "name" in value and "alias" not in value and isinstance(text := value.get("description"), str):
                self.originals.names.add("text", text)
        elif isinstance(value, list):
            for item in value:
                self.value(item, parents)
        elif isinstance(value, str):
            for line in _unescaped(value).split("\n"):
                self.line(line)

    def _item(self, key: str, value: Value, parents: Sequence[str]) -> None:
        kind = kind_of(key)
        if key == "log_file" and isinstance(value, str):
            self._folder(value.rpartition("/")[0])
        for text in value if isinstance(value, list) else [value]:
            if kind and isinstance(text, str) and (kind != "tag" or isinstance(value, list)):
                self._field(kind, text, parents)
        if key in ("addresses", "metadata") and isinstance(value, dict):
            for name in value:
                self.originals.names.add("network" if key == "addresses" else "tag", name)
        if key == "metadata" and isinstance(value, dict):
            for text in value.values():
                if isinstance(text, str):
                    self.originals.names.add("tag", text)
        self.value(value, (*parents, key))

    def _field(self, kind: str, text: str, parents: Sequence[str]) -> None:
        if kind == "topic":
            host = messages.host_of_topic(text)
            if host:
                self.originals.names.add("host", host)
        else:
            self.originals.names.add(kind_of_object(parents) if kind == "object" else kind, text)

    def step(self, step: dict[str, Value]) -> None:
        """Add a step of a trace file, whose fields have a meaning of their own."""
        attributes = step.get("attributes")
        if isinstance(attributes, dict):
            self._step_attributes(attributes)
        for key, value in step.items():
            if key == "host" and isinstance(value, str):
                self.originals.names.add("host", value)
            elif key == "id" and isinstance(value, str):
                log = re.match(r"log (.+)/[^/ ]+ ", value)
                self._folder(log[1] if log is not None else "")
            if key != "attributes":
                self.value(value)

    def _step_attributes(self, attributes: dict[str, Value]) -> None:
        server, statement, values = (attributes.get(key) for key in ("server", "statement", "parameters"))
        if isinstance(server, str):
            self.originals.names.add("host", server)
        if isinstance(statement, str) and isinstance(values, list):
            for kind, name in rows.inserted(statement, values):
                self.originals.names.add(kind, name)
        self.value({key: value for key, value in attributes.items() if key != "server"})

    def header(self, header: dict[str, Value]) -> None:
        """Add the header of a trace file: its requests' servers and hosts, and texts."""
        for requests in (header.get("boots"), header.get("others")):
            for request in requests if isinstance(requests, list) else []:
                for key, kind in _REQUEST_FIELDS.items():
                    text = request.get(key) if isinstance(request, dict) else None
                    if isinstance(text, str):
                        self.originals.names.add(kind, text)
        self.value({key: value for key, value in header.items() if key not in ("versions", "format")})

    def _folder(self, path: str) -> None:
        """Add the folder of a log that a step or its id names: ``log FOLDER/nova-api.log nova-api 2711/3``."""
        if path.strip("/.") and not re.match(r"/?(?:var|opt|srv|tmp)/(?:log|stack)\b", path):
            self.originals.names.add("folder", path.strip("/"))

    def _learn(self, text: str) -> None:
        for shape in shapes(text):
            if shape.kind == "part":
                continue
            if is_anonymous(shape.kind, shape.key):
                self.originals.anonymous.add(shape.key)
            else:
                kind = "ipv4" if shape.kind == "dashed" else shape.kind
                self.originals.shapes.setdefault((kind, shape.key))
        if _may_be_token(text):
            self.originals.anonymous.update(TOKEN.findall(text))
        for kind, name in fields.names(text):
            self.originals.names.add(kind, name)
        for kind, name in messages.names(text):
            self.originals.names.add(kind, name)


def _unescaped(text: str) -> str:
    """Return the text with escaped line ends as line ends, and without what colours a terminal."""
    if "\\" in text or "\x1b" in text or "#033" in text or "^[[" in text:
        return ESCAPES.sub(
            lambda match: (
                "\n" if match[0][-1] in "nrt" and match[0][0] == "\\" else match[0] if match[0][0] == "%" else ""
            ),
            text,
        )
    return text
