"""Shapes: ids and addresses that are recognised by their form alone, wherever they occur."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

#: Escapes in a text, which end a word: of strings, URLs and terminals.
ESCAPES = re.compile(r"(\\+[nrt]|%[0-9A-Fa-f]{2}|\x1b\[[0-9;]{0,16}[A-Za-z]|\^\[\[[0-9;]{0,16}m|#033\[[0-9;]{0,16}m)")
#: Every pattern begins with a set of characters, which is what makes searching fast; the rest is checked after it.
_HEX = re.compile(
    r"[0-9A-Fa-f]{8}(?:(?:([-_])[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{12}|[0-9A-Fa-f]{24,}+)"
    r"(?![0-9A-Fa-f])|[0-9A-Fa-f]*+(?:[-_][0-9a-f]{1,12}+){0,4}+)"
)
_dotted = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_]|\.[0-9])").finditer
_colons = re.compile(r"[0-9A-Fa-f]{0,4}+:[0-9A-Fa-f]{0,4}+:[0-9A-Fa-f:.]*+").finditer
_dashed = re.compile(r"(?<=ip-|st-)[0-9]{1,3}(?:-[0-9]{1,3}){3}(?![0-9A-Za-z_-])").finditer
_pairs = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+").fullmatch
#: What is before eight digits that are no part of an id.
_NAMED = re.compile(r"(?<![0-9A-Za-z-])(instance-|(?:i|ami|aki|ari|vol|snap)-)\Z")
_LONGEST = 10
#: No address or fingerprint is longer.
_MAX_COLONS = 400
#: The pairs of digits of a MAC address.
_MAC = 6
_HEX_ID = 32


class Shape(NamedTuple):
    """An id or address in a text: ``key`` is equal for equal ones in any writing, "" for a part of an id."""

    kind: str
    key: str
    text: str
    start: int
    end: int


def shapes(text: str) -> list[Shape]:
    """Return the ids and addresses of a text in order. A kind ``part`` may be the beginning of an id, or anything."""
    result = [shape for match in _HEX.finditer(text) if (shape := _id(text, match)) is not None]
    if text.count(".") > 2:
        result += [shape for match in _dotted(text) if (shape := _address(text, match)) is not None]
    if text.count(":") > 1:
        result += [shape for match in _colons(text) if (shape := _with_colons(text, match)) is not None]
    if "ip-" in text or "host-" in text:
        result += [
            Shape("dashed", key, match[0], match.start(), match.end())
            for match in _dashed(text)
            if (key := _ipv4(match[0].replace("-", ".")))
        ]
    result.sort(key=lambda shape: shape.start)
    return [shape for index, shape in enumerate(result) if not index or shape.start >= result[index - 1].end]


def _id(text: str, match: re.Match[str]) -> Shape | None:
    start = match.start()
    if match[0][0] == "b" and text.endswith("qv", 0, start):  # the name of a device, of which b is no digit
        shorter = _HEX.match(text, start + 1)
        return _id(text, shorter) if shorter is not None else None
    plain = match[0].replace("-", "").replace("_", "").lower()
    before = text[max(start - _LONGEST, 0) : start]
    if len(plain) == _HEX_ID:
        return Shape("request id" if before.endswith("req-") else "uuid", plain, match[0], start, match.end())
    if len(plain) > _HEX_ID:
        return Shape("hash", plain, match[0], start, match.end())
    named = _NAMED.search(before) if before.endswith("-") else None
    if named is not None and match[0].isalnum():
        kind = "instance" if named[1] == "instance-" else "ec2"
        return Shape(kind, named[1] + plain, named[1] + match[0], start - len(named[1]), match.end())
    return Shape("part", "", match[0], start, match.end()) if not before.endswith("0x") else None


def _address(text: str, match: re.Match[str]) -> Shape | None:
    before = text[match.start() - 1 : match.start()]
    if before.isalnum() or before == ".":
        return None
    key = _ipv4(match[0])
    return Shape("ipv4", key, match[0], match.start(), match.end()) if key else None


def _with_colons(text: str, match: re.Match[str]) -> Shape | None:
    """Return the address or fingerprint in a run of digits and colons, of which words, keys and ports are no part."""
    start, written = match.start(), match[0]
    if len(written) > _MAX_COLONS:
        return None
    if text[match.end() : match.end() + 1].isalnum():
        written = written.rpartition(":")[0]
    if start and text[start - 1].isalnum():
        head, _, written = written.partition(":")
        start += len(head) + 1
    kind, before, key, address = _colon_key(written.rstrip("."))
    return Shape(kind, key, address, start + before, start + before + len(address)) if key else None


@lru_cache(maxsize=1 << 14)
def _colon_key(written: str) -> tuple[str, int, str, str]:
    """Return (kind, offset, key, text) of the first address in a run of digits and colons; the key is "" if none."""
    offset = 0
    while written.count(":") > 1:
        for text in (written, written.rpartition(":")[0]):
            if _pairs(text) and text.count(":") >= _MAC - 1:
                kind = "mac" if text.count(":") == _MAC - 1 else "print"
                return kind, offset, text.lower(), text
            try:
                return "ipv6", offset, ipaddress.IPv6Address(text).exploded, text
            except ValueError:
                continue
        head, _, written = written.partition(":")
        offset += len(head) + 1
    return "", 0, "", ""


@lru_cache(maxsize=1 << 12)
def _ipv4(written: str) -> str:
    parts = [int(part) for part in written.split(".")]
    return ".".join(map(str, parts)) if max(parts) <= 255 else ""


#: Addresses that are the same everywhere, or are for documentation.
_NETWORKS = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "127.0.0.0/8", "255.0.0.0/8", "169.254.169.254/32", "224.0.0.0/24", "192.0.2.0/24",
        "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "::/127", "2001:db8::/32", "ff00::/8",
    )
]  # fmt: skip
_TOKEN = re.compile(r"[0-9a-f]{8}0000400080000000[0-9a-f]{8}")


@lru_cache(maxsize=1 << 16)
def is_anonymous(kind: str, key: str) -> bool:
    """Return whether an id or address identifies nothing: reserved, for documentation, or itself a token."""
    if kind in ("uuid", "request id"):
        return not key.strip("0") or (_TOKEN.fullmatch(key) is not None and key[:8] == key[-8:])
    if kind == "hash":
        return not key[8:-8].strip("0") and key[:8] == key[-8:]
    if kind == "mac":
        return key in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff") or key.startswith("02:00:00:")
    if kind == "print":
        return key.startswith("02:00:00:00")
    if kind in ("ipv4", "ipv6", "dashed"):
        address = ipaddress.ip_address(key)
        return any(address.version == network.version and address in network for network in _NETWORKS)
    return False
