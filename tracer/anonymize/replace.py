"""The replacement of originals by their tokens in texts and values."""

from __future__ import annotations

import html
import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from tracer.anonymize.shapes import ESCAPES, Shape, shapes
from tracer.anonymize.tokens import Tokens, laid_out
from tracer.model import Value

_words = re.compile(r"[^\W_]+").findall
_word = re.compile(r"[^\W_]+").finditer
#: Shorter names are whole words only where no underscore joins them to others.
_SHORT = 4
#: A name in which no escaped character can be.
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_ESCAPED = ("\\", "%", "\x1b", "#033[", "^[[")
#: A text that was cut off by the hooks, possibly within a name.
_cut = re.compile(r"([\w.-]{4,})…").search
#: Fields of steps that bootseq itself writes.
_FIELDS = frozenset(("address", "kind", "opened_by", "opens", "service", "tied_by", "witnesses"))


class Replacer:
    """The replacement of every original in texts; ``occurrences`` counts what was replaced."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.occurrences = 0
        self._plain = _Index((name, token) for name, token in tokens.names.items() if _PLAIN.fullmatch(name))
        self._others = _Index(
            (form, token) for name, token in tokens.names.items() if not _PLAIN.fullmatch(name) for form in _forms(name)
        )
        self._sorted = sorted(tokens.names)

    def text(self, text: str) -> str:
        """Return a text with every original replaced."""
        if self._others:
            text = self._names(text, self._others)
        if "…" in text and (cut := _cut(text)):
            text = self._cut(text, cut)
        if any(sign in text for sign in _ESCAPED):
            parts = ESCAPES.split(text)
            return "".join(part if index % 2 else self._part(part) for index, part in enumerate(parts))
        return self._part(text)

    def value(self, value: Value) -> Value:
        """Return a JSON value with every original in its keys and texts replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        return value

    def step(self, step: dict[str, Value]) -> dict[str, Value]:
        """Return a step of a trace file with every original replaced."""
        return {key: value if key in _FIELDS else self.value(value) for key, value in step.items()}

    def header(self, header: dict[str, Value]) -> dict[str, Value]:
        """Return the header of a trace file with every original replaced; the format and versions stay."""
        return {
            key: value if key in ("format", "version", "versions") else self.value(value)
            for key, value in header.items()
        }

    def _part(self, text: str) -> str:
        parts, end = [], 0
        for shape in shapes(text):
            token = self._shape(shape)
            if token:
                parts += [self._names(text[end : shape.start], self._plain), token]
                end = shape.end
                self.occurrences += 1
        if not parts:
            return self._names(text, self._plain)
        return "".join([*parts, self._names(text[end:], self._plain)])

    def _shape(self, shape: Shape) -> str:
        if shape.kind == "part":
            return self._tokens.part(shape.text)
        if shape.kind in ("uuid", "request id", "hash"):
            token = self._tokens.ids.get(shape.key)
            return laid_out(token, shape.text) if token else ""
        if shape.kind == "dashed":
            return self._tokens.addresses.get(("ipv4", shape.key), "").replace(".", "-")
        token = self._tokens.addresses.get((shape.kind, shape.key), "")
        return token.replace(":", "-") if shape.kind == "mac" and "-" in shape.text else token

    def _names(self, text: str, index: _Index) -> str:
        folded = text.lower()
        if not text or index.first.isdisjoint(_words(folded)) or len(folded) != len(text):
            return text
        parts, end = [], 0
        for word in _word(folded):
            if word.start() >= end and (match := index.match(folded, word)):
                name, token = match
                parts += [text[end : word.start()], token]
                end = word.start() + len(name)
                self.occurrences += 1
        return "".join([*parts, text[end:]]) if parts else text

    def _cut(self, text: str, cut: re.Match[str]) -> str:
        """Replace the beginning of a name before the mark of a cut."""
        run = cut[1].lower()
        for start in (0, *(match.end() for match in re.finditer(r"[\W_]", run))):
            beginning = run[start:]
            index = bisect_left(self._sorted, beginning)
            name = self._sorted[index] if index < len(self._sorted) else ""
            if len(beginning) >= _SHORT and name.startswith(beginning):
                self.occurrences += 1
                return text[: cut.start(1) + start] + self._tokens.names[name] + text[cut.end(1) :]
        return text


class _Index:
    """Names by their first word, the longest first."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._by_word: dict[str, list[tuple[str, str]]] = {}
        for name, token in names:
            words = _words(name)
            if words and name.startswith(words[0]):
                self._by_word.setdefault(words[0], []).append((name, token))
        for candidates in self._by_word.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))
        self.first = frozenset(self._by_word)

    def __bool__(self) -> bool:
        return bool(self._by_word)

    def match(self, text: str, word: re.Match[str]) -> tuple[str, str] | None:
        """Return the longest name that begins with a word of the text and ends with one, and its token."""
        start = word.start()
        for name, token in self._by_word.get(word[0], ()):
            end = start + len(name)
            if (
                text.startswith(name, start)
                and not text[end : end + 1].isalnum()
                and not (len(name) < _SHORT and (text[end : end + 1] == "_" or text[start - 1 : start] == "_"))
            ):
                return name, token
        return None


def _forms(name: str) -> set[str]:
    """Return the writings of a name with blanks or signs: in JSON, once or twice, Python, URLs, HTML."""
    escaped = json.dumps(name)[1:-1]
    forms = {
        name, escaped, json.dumps(escaped)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1], repr(name)[1:-1],
        ascii(name)[1:-1], quote(name), quote(name, ""), quote_plus(name), html.escape(name),
        html.escape(name, quote=False),
    }  # fmt: skip
    return {form.lower() for form in forms}
