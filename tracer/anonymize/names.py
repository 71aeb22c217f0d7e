"""Names of a text: collected by kind, cleaned, and sorted out where they are ordinary words."""

from __future__ import annotations

import re

from tracer.anonymize.ordinary import is_ordinary, is_ordinary_domain, is_software
from tracer.anonymize.shapes import shapes

#: The kinds of names. A name that has several is of the first. A ``hostname`` is a server's or a host's.
KINDS = (
    "host", "server", "hostname", "user", "project", "domain", "flavor", "image", "network", "volume", "keypair",
    "zone", "aggregate", "region", "backend", "reservation", "site", "folder", "tag", "text", "name",
)  # fmt: skip
#: Names that are tokens themselves.
TOKEN = re.compile(rf"\b(?:{'|'.join(KINDS)})-[0-9]{{1,9}}(?:\.example)?\b")
_MAX_NAME = 255
#: Values that name nothing.
_NOTHING = frozenset(("", "-", "*", "***", "None", "null", "True", "False", "true", "false", "N/A", "n/a", "NULL"))
#: Kinds whose names may have blanks and any other characters.
_FREE = frozenset(
    ("server", "flavor", "image", "network", "volume", "keypair", "aggregate", "folder", "tag", "text", "name")
)
_WORD = re.compile(r"[\w.-]+")
#: Characters that JSON and Python escape in a name.
_ESCAPED = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(['\"]))")
#: Begins an object or a list within a text, whose own fields hold the names.
_NESTED = re.compile(r"[\[{]\s*\\*[\"'{\[]")
_EDGES = re.compile(r"^\W+|\W+$")
#: A resource class or trait, which are the same everywhere.
_STANDARD = re.compile(
    r"(?:HW|COMPUTE|STORAGE|MISC|OWNER|NET|DISK|MEMORY|MEM|NUMA|SRIOV|IPV4|PCI)_[A-Z0-9_]+|label_[0-9a-f]{4}_[0-9a-f]{4}"
)
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*")
_LETTER = re.compile(r"[^\W\d_]")
#: Second-level domains that belong to a registry: co.uk.
_REGISTRY = frozenset(("ac", "co", "com", "edu", "gov", "net", "or", "org"))


class Names:
    """Names in order of their first appearance: ``kinds`` by name; ``ordinary`` ones are not to be replaced."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.ordinary: dict[str, None] = {}
        #: values that were added before, with their kinds: most recur
        self._known: set[tuple[str, str]] = set()

    def add(self, kind: str, text: str) -> None:
        """Add what a field of this kind holds, as far as it is a name."""
        if text in _NOTHING or (kind, text) in self._known:
            return
        self._known.add((kind, text))
        if kind in ("host", "hostname"):
            self._add_host(kind, text)
        elif kind == "site":
            self._add_site(text)
        elif "@" in text and kind in ("user", "name"):
            user, _, site = text.partition("@")
            self._add(kind, user)
            self.add("host" if "." not in site else "site", site)
        else:
            self._add(kind, text)

    def _add_host(self, kind: str, text: str) -> None:
        """Add ``host``, ``host:port``, ``host.domain``, ``host@backend#pool``."""
        host, *backends = re.split(r"[@#]", text)
        for backend in backends:
            self._add("backend", backend)
        host = re.sub(r":[0-9]{1,5}$", "", host).rstrip(".")
        if _ADDRESS.fullmatch(host):
            return
        first, dot, domain = host.partition(".")
        if not dot or not re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", domain) or domain.isdigit():
            self._add(kind, host)
            return
        if not is_software(host):
            self._add(kind, first)
            self._add_site(domain)

    def _add_site(self, domain: str) -> None:
        """Add a domain, the one that its owner registered, and the owner's name in it."""
        domain = domain.lower().strip(".")
        labels = domain.split(".")
        if is_ordinary_domain(domain) or len(labels) < 2 or labels[-1].isdigit():
            return
        size = 3 if len(labels) > 2 and labels[-2] in _REGISTRY else 2
        for name in (domain, ".".join(labels[-size:]), labels[-size]):
            self._add("site", name)

    def _add(self, kind: str, text: str) -> None:
        if _NESTED.match(text):
            return
        text = _ESCAPED.sub(_unescaped, text) if "\\" in text else text
        name = _EDGES.sub("", text)
        if len(text) > _MAX_NAME or name in _NOTHING or TOKEN.fullmatch(name) or "***" in text:
            return
        if not _LETTER.search(name):
            return
        if kind not in _FREE and not _WORD.fullmatch(name.replace("/", "").replace("@", "")):
            return
        if any(shape.kind != "part" for shape in shapes(name)):
            self._add_rest(kind, name)
        elif is_ordinary(name) or len(name) < 2:
            self.ordinary.setdefault(name)
        elif not _STANDARD.fullmatch(name) and not text.startswith("/dev/"):
            former = self.kinds.setdefault(name, kind)
            if KINDS.index(kind) < KINDS.index(former):
                self.kinds[name] = kind

    def _add_rest(self, kind: str, name: str) -> None:
        """Add the words beside an id or address in a name; the id is replaced by its shape."""
        rest, end = [], 0
        for shape in shapes(name):
            if shape.kind != "part":
                rest.append(name[end : shape.start])
                end = shape.end
        for word in re.findall(r"[^\W_]{3,}", " ".join([*rest, name[end:]])):
            if not is_ordinary(word) and not word.isdigit():
                self._add(kind, word)


def _unescaped(match: re.Match[str]) -> str:
    return match[3] or chr(int(match[1] or match[2], 16))
