"""The requests for servers in Tempest's log, each with the test that sent it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Tempest's HTTP client logs every request so, under the id that the service answered: ``[req-… ] Request
#: (TestServerBasicOps:test_server_basic_ops): 202 POST https://…/servers 1.234s``.
_REQUEST = re.compile(
    r"\[(?P<id>req-[0-9a-f-]{36})[^]]*\] Request \((?P<test>[^)]+)\): 20\d POST \S+/servers(?: [\d.]+s)?\s*$"
)
#: The requests of Tempest's own command line, which belong to no test.
_NO_TEST = frozenset({"main", "None"})


def by_request(paths: Iterable[Path]) -> dict[str, str]:
    """Return the test, ``Class.function``, of each accepted request for a server, by request id."""
    return {
        match["id"]: match["test"].replace(":", ".")
        for path in paths for line in _lines(path)
        if (match := _REQUEST.search(line)) and match["test"] not in _NO_TEST
    }  # fmt: skip


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a log, which CI systems compress."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", errors="replace") if packed else path.open(errors="replace") as file:
        yield from file
