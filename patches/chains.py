"""Packet filters: the chains that the input of iptables-restore, ebtables-restore or nft names; rules are not read."""

from __future__ import annotations

import re
from typing import Any

from . import values

#: Bytes of an input that are looked through; rules of a host with many ports are longer.
MAX_INPUT = 1 << 18
MAX_CHAINS = values.MAX_ITEMS

_RESTORES = re.compile(r"(?:xtables-\w+-multi|(?:\S*/)?(?:ip6?|eb|arp)tables(?:-nft|-legacy)?-restore)\Z")
_NFT = re.compile(r"(?:\S*/)?nft\Z")
#: ``:name - [0:0]`` declares a chain; ``-A name …`` and the like change it.
_RESTORED = re.compile(r"^(?::|-[AIDNFXRP] +)([\w.+-]{1,64})", re.MULTILINE)
#: ``add chain inet filter name``, ``add rule inet filter name``, ``chain name {``.
_NFT_COMMANDS = re.compile(
    r"^[ \t]*(?:(?:add|insert|create|delete|destroy|flush|replace)[ \t]+(?:chain|rule)[ \t]+"
    r"(?:(?:ip6?|inet|arp|bridge|netdev)[ \t]+)?[\w.-]+[ \t]+|chain[ \t]+)([\w.+-]{1,64})",
    re.MULTILINE,
)


def named(arguments: Any, text: Any) -> tuple[Any, ...]:
    """Return the attribute ``chains`` of a command's input; () where the command reads no packet filter."""
    if type(arguments) not in (list, tuple) or not text:
        return ()
    pattern = _pattern([word for word in arguments[: values.MAX_ITEMS] if type(word) is str])
    if pattern is None:
        return ()
    if type(text) is bytes:
        text = text[:MAX_INPUT].decode("utf-8", "replace")
    if type(text) is not str:
        return ()
    chains: dict[Any, None] = {}
    for match in pattern.finditer(text[:MAX_INPUT]):
        chains[values.scalar(match[1])] = None
        if len(chains) > MAX_CHAINS:
            break
    names = tuple(chains)
    if len(names) > MAX_CHAINS:
        names = names[:MAX_CHAINS] + ("…",)
    return ("chains", ("[]",) + names) if names else ()


def _pattern(words: list[str]) -> Any:
    """Return the pattern of the chains that a program reads, behind env, sudo, rootwrap and the like."""
    for word in words:
        if _RESTORES.match(word):
            return _RESTORED
        if _NFT.match(word):
            return _NFT_COMMANDS
    return None
