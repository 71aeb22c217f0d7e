"""What could be seen of each service at all: where no hooks were in, nobody saw a function being called."""

from __future__ import annotations

from collections import defaultdict

from tracer.model import Baseline
from tracer.notation import phrases


class Visibility:
    """The kinds of steps that were seen of each service, and the tables that statements name."""

    def __init__(self, boot: Baseline) -> None:
        self._unhooked = boot.unhooked
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._tables: set[str] = set()
        for node in boot.walk():
            self._kinds[node.service].add(node.kind)
            if node.kind == "sql":
                said = phrases.phrase(node.text)
                self._tables.update(said.name.split()[1:], said.owner.replace(",", " ").split())
        self._called = any("call" in kinds for kinds in self._kinds.values())

    def calls(self, service: str) -> bool:
        """Whether function calls of a service would have been seen."""
        return self._called and service not in self._unhooked

    def kind(self, service: str, kind: str) -> bool:
        """Whether a step of that kind would have been seen in the service."""
        return self.calls(service) or kind in self._kinds.get(service, ())

    def table(self, service: str, table: str) -> bool:
        """Whether there is such a table, and the service's statements would have been seen."""
        return table in self._tables and self.kind(service, "sql")
