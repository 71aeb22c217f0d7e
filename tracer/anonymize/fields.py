"""Names in the fields of a text: ``key: value`` in JSON, Python, XML, options and headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.anonymize.keys import kind_of, kind_of_object
from tracer.anonymize.messages import host_of_topic

#: A word and a sign that a value follows: ``key=``, ``"key": ``, ``Key: ``, ``topic 'x'``.
_key = re.compile(
    r"(?<![\w-])(?P<key>[A-Za-z_][\w-]{1,80}+)(?P<mark>\\*[\"'])?(?:\s{0,40}(?P<sign>[:=])\s{0,4}|\s(?=[bu]?['\"]))"
).finditer
_LIST = r"\[(?P<list>\s?[bu]?\\*[\"'][^\]\n]{1,4000})\]"
_QUOTED = r"[bu]?(?P<quote>\\*[\"'])(?P<quoted>(?:(?!(?P=quote)).){1,255})(?P=quote)"
_BARE = r"(?P<bare>[^\s\"'\\,;()\[\]{}<>|&…]{1,255}+)(?![(…])"
_value = re.compile(rf"{_LIST}|{_QUOTED}|{_BARE}").match
#: After the name of an extension, or of a property of QEMU's.
_no_name = re.compile(r", \\*[\"'](?:alias|type)\\*[\"']:").match
_item = re.compile(r"[bu]?(\\*[\"'])((?:(?!\1).){1,255})\1").finditer
_parent = re.compile(r"([a-z_]{3,20})\\*[\"']?\s?[:=]\s?[\[{]").findall
_addresses = re.compile(r"addresses\\*[\"']: \{\\*[\"']([^\"'\\]{1,255})").finditer
_xml = re.compile(
    r"<nova:(name|user|project|owner)(?: [^<>]{0,200})?>([^<>]{1,255})</|<nova:(flavor) name=.([^\"']+)"
).finditer
#: The end of an expression in SQL or Python: ``p.id``, ``services.host``.
_EXPRESSION = re.compile(r"\.(?:\w*_)?(?:id|uuid|host|name)\W*\Z")
#: The key of an object is at most so many characters before its name.
_REACH = 200
#: Kinds whose values without quotes after a colon may be words of a sentence.
_STRICT = frozenset(("host", "topic"))


def names(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) for the fields of a text that hold names."""
    for match in _key(text):
        kind = kind_of(match["key"])
        value = _value(text, match.end()) if kind else None
        if value is None:
            continue
        if kind == "object":
            if value["quoted"] and _is_named(text, match) and not _no_name(text, value.end()):
                yield kind_of_object(_parents(text, match.start())), value["quoted"]
            continue
        for name in _values(match, value, kind):
            if kind == "topic":
                kind, name = "host", host_of_topic(name)
            if name:
                yield kind, name
    if "<nova:" in text:
        yield from ((match[1] or match[3], match[2] or match[4]) for match in _xml(text))
    if "addresses" in text:
        yield from (("network", match[1]) for match in _addresses(text))


def _is_named(text: str, match: re.Match[str]) -> bool:
    """Return whether ``name`` is a key of JSON or an argument in Python; in XML it is an attribute of anything."""
    if text.endswith("nova_object.", 0, match.start()):
        return False
    return match["mark"] is not None or text[: match.start()].rstrip().endswith(("(", ","))


def _parents(text: str, end: int) -> list[str]:
    return list(_parent(text, max(end - _REACH, 0), end))


def _values(key: re.Match[str], value: re.Match[str], kind: str) -> list[str]:
    if value["list"]:
        return [item[2] for item in _item(value["list"])]
    if value["quoted"]:
        return [value["quoted"]] if kind != "tag" else []
    bare = value["bare"]
    if key["sign"] is None or key["mark"] or key.string.endswith(".", 0, key.start()) or _EXPRESSION.search(bare):
        return []
    if key["sign"] == "=" or kind in _STRICT or any(map(str.isdigit, bare)) or "-" in bare:
        return [bare.rstrip(".:'\"`")]
    return []
