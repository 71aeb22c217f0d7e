"""The second look: a search of the result for the originals, by other means than their replacement."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from tracer.anonymize.tokens import Tokens
from tracer.model import Value

_HEX_RUN = re.compile(r"[0-9a-f][0-9a-f_-]{30,}[0-9a-f]")
_ID = 32
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_COLONS = re.compile(r"(?<![0-9a-f.])[0-9a-f.]{0,15}:[0-9a-f:.]{1,400}")
_EC2 = re.compile(r"(?:instance|snap|vol|ami|aki|ari|i)-[0-9a-f]{8,17}")
_SEPARATORS = re.compile(r"\\+[nrt]|%[0-9a-f]{2}|[\W_]+")
_SHORT = 4


class Verifier:
    """The search of a result for what was replaced in it."""

    def __init__(self, tokens: Tokens) -> None:
        self._ids = frozenset(key for key in tokens.ids if len(key) == _ID)
        self._hashes = frozenset(key for key in tokens.ids if len(key) != _ID)
        self._addresses = frozenset(key for _, key in tokens.addresses)
        names = list(tokens.names)
        self._words = frozenset(name for name in names if len(name) >= _SHORT and name.isalnum())
        self._short = frozenset(name for name in names if len(name) < _SHORT and name.isalnum())
        self._others: dict[str, list[re.Pattern[str]]] = {}
        for name in names:
            words = [word for word in _SEPARATORS.split(name) if word]
            if words and not name.isalnum():
                self._others.setdefault(words[0], []).append(re.compile(rf"(?<!\w){re.escape(name)}(?!\w)"))

    def remains(self, text: str) -> Iterator[str]:
        """Yield the originals that occur in a text, in lower case."""
        text = text.lower()
        words = set(_SEPARATORS.split(text))
        yield from words & self._words
        if not self._short.isdisjoint(words):
            yield from self._short & set(re.split(r"\W+", text))
        for word in self._others.keys() & words:
            yield from (match[0] for pattern in self._others[word] if (match := pattern.search(text)))
        yield from self._remaining_ids(text)
        yield from self._remaining_addresses(text)

    def value_remains(self, value: Value) -> Iterator[str]:
        """Yield the originals that occur in a JSON value's keys and texts."""
        if isinstance(value, str):
            yield from self.remains(value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from self.remains(key)
                yield from self.value_remains(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.value_remains(inner)

    def _remaining_ids(self, text: str) -> Iterator[str]:
        for run in _HEX_RUN.findall(text):
            digits = run.replace("-", "").replace("_", "")
            if digits in self._hashes:
                yield digits
            for start in range(len(digits) - _ID + 1):
                if digits[start : start + _ID] in self._ids:
                    yield digits[start : start + _ID]

    def _remaining_addresses(self, text: str) -> Iterator[str]:
        for run in _IPV4.findall(text):
            yield from {run} & self._addresses
        for run in _COLONS.findall(text):
            yield from {run, _exploded(run.strip("."))} & self._addresses
        if "-" in text:
            yield from self._addresses.intersection(_EC2.findall(text))


def _exploded(text: str) -> str:
    try:
        return ipaddress.IPv6Address(text).exploded
    except ValueError:
        return ""
