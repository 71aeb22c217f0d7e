"""The visibility of each service's steps: without hooks, function calls are not recorded."""

from __future__ import annotations

from collections import defaultdict

from tracer.model import Baseline
from tracer.notation import phrases


class Visibility:
    """The kinds of steps recorded of each service, and the tables in its statements."""

    def __init__(self, boot: Baseline) -> None:
        self._unhooked = boot.unhooked
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._tables: set[str] = set()
        for node in boot.walk():
            self._kinds[node.service].add(node.kind)
            if node.kind == "sql":
                statement = phrases.phrase(node.text)
                self._tables.update(statement.name.split()[1:], statement.owner.replace(",", " ").split())
        self._called = any("call" in kinds for kinds in self._kinds.values())

    def calls(self, service: str) -> bool:
        """Return whether function calls of a service would have been recorded."""
        return self._called and service not in self._unhooked

    def kind(self, service: str, kind: str) -> bool:
        """Return whether a step of that kind would have been recorded in the service."""
        return self.calls(service) or kind in self._kinds.get(service, ())

    def table(self, service: str, table: str) -> bool:
        """Return whether the table exists and the service's statements would have been recorded."""
        return table in self._tables and self.kind(service, "sql")
