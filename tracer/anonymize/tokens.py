"""Tokens: what stands for an original, of its kind and form, numbered by first appearance."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from itertools import count

from tracer.anonymize.learn import Originals

#: Documentation's addresses, then those of benchmarks and reserved ones, where there are too many.
_IPV4 = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "240.0.0.0/4")
_IPV6 = int(ipaddress.IPv6Address("2001:db8::"))
#: The characters of an id with which the names of its devices begin.
PART = 8


class Tokens:
    """The token of every original: of an id or address by its key, of a name by the name."""

    def __init__(self, originals: Originals) -> None:
        self.ids: dict[str, str] = {}
        self.addresses: dict[tuple[str, str], str] = {}
        #: the first id that begins with these characters
        self.parts: dict[str, str] = {}
        self.names: dict[str, str] = {}
        #: the numbers of originals by kind
        self.counts: Counter[str] = Counter()
        self._taken = originals.anonymous.union(key for _, key in originals.shapes)
        self._add_shapes(originals)
        self._add_names(originals)

    def _add_shapes(self, originals: Originals) -> None:
        pools = {
            "ipv4": self._free(str(address) for network in _IPV4 for address in ipaddress.ip_network(network).hosts()),
            "ipv6": (str(ipaddress.IPv6Address(_IPV6 + number)) for number in self._unused_ipv6()),
            "mac": self._free(f"02:00:00:{_pairs(f'{number:06x}')}" for number in count(1)),
            "instance": self._free(f"instance-{number:08x}" for number in count(1)),
        }
        ids = (token for token in map(_id, count(1)) if token not in self._taken)
        prints, hashes, others = count(1), count(1), count(1)
        for kind, key in originals.shapes:
            if kind in ("uuid", "request id"):
                if key not in self.ids:
                    self.ids[key] = next(ids)
                    self.parts.setdefault(key[:PART], self.ids[key])
                    self.counts[kind] += 1
            elif kind == "hash":
                self.ids[key] = _hash(next(hashes), len(key))
                self.counts[kind] += 1
            elif kind == "print":
                self.addresses[kind, key] = _print(next(prints), len(key))
                self.counts["fingerprint"] += 1
            elif kind == "ec2":
                prefix, _, digits = key.partition("-")
                self.addresses[kind, key] = f"{prefix}-{next(others):0{len(digits)}x}"
                self.counts["EC2 id"] += 1
            else:
                self.addresses[kind, key] = next(pools[kind])
                self.counts[{"ipv4": "IPv4 address", "ipv6": "IPv6 address", "mac": "MAC address"}.get(kind, kind)] += 1

    def _free(self, tokens: Iterator[str]) -> Iterator[str]:
        return (token for token in tokens if token not in self._taken)

    def _unused_ipv6(self) -> Iterator[int]:
        return (number for number in count(1) if ipaddress.IPv6Address(_IPV6 + number).exploded not in self._taken)

    def _add_names(self, originals: Originals) -> None:
        numbers: dict[str, Iterator[int]] = {}
        for name, kind in originals.names.kinds.items():
            if name.lower() in self.names:
                continue
            kind = "host" if kind == "hostname" else kind
            free = numbers.setdefault(kind, count(1))
            number = next(
                number for number in free if not self._taken & {f"{kind}-{number}", f"{kind}-{number}.example"}
            )
            self.names[name.lower()] = (
                f"{kind}-{number}.example" if kind == "site" and "." in name else f"{kind}-{number}"
            )
            self.counts[kind] += 1

    def part(self, written: str) -> str:
        """Return the token's beginning for that of an id in any writing, "" if no such id is known."""
        token = self.parts.get(written[:PART])
        return laid_out(token, written) if token else ""


def laid_out(token: str, written: str) -> str:
    """Return the hexadecimal digits of a token with the dashes and the case of what was written."""
    digits = iter(token.upper() if any(map(str.isupper, written)) else token)
    return "".join(character if character in "-_:" else next(digits, "0") for character in written)


def _id(number: int) -> str:
    return f"{number:08x}0000400080000000{number:08x}"


def _hash(number: int, length: int) -> str:
    return f"{number:08x}{'0' * (length - 16)}{number:08x}"


def _print(number: int, length: int) -> str:
    digits = f"02000000{number:08x}".ljust((length + 1) // 3 * 2, "0")
    return _pairs(digits[: (length + 1) // 3 * 2])


def _pairs(digits: str) -> str:
    return ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))
