"""The client of an embedded cloud: it requests servers by openstacksdk, in a process of Nova's environment."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.embedded.boot import Journal, PendingBoot, Request
from examples.embedded.errors import EmbeddedError
from examples.embedded.release import INSIDE
from examples.embedded.service import Service, stop_all
from examples.embedded.wrapping import Wrapping

TIMEOUT = 120.0


def _pass() -> None:
    """Check nothing: the services are another process's."""


@dataclass(frozen=True)
class Client:
    """Requests to the API at ``url``; ``check`` raises an EmbeddedError if a service has ended."""

    state: Path
    python: Path
    url: str
    journal: Journal
    check: Callable[[], None] = _pass
    wrapping: Wrapping = field(default_factory=Wrapping)
    variables: Mapping[str, str] = field(default_factory=dict)

    def start_boot(self, names: Sequence[str], **what: Any) -> list[PendingBoot]:
        """Run the client, which returns after the API's acceptance; `what` are Request's fields."""
        started = time.monotonic()
        request = Request(names=tuple(names), **what)
        folder = self.state / "clients"
        number = sum(1 for _ in folder.glob("*.request.json")) + 1
        request_file, answer_file = (folder / f"{number}.{kind}.json" for kind in ("request", "answer"))
        request_file.write_text(json.dumps(request.as_json()))
        words = ("--url", self.url, "--request", str(request_file), "--answer", str(answer_file))
        command = self.wrapping.wrap([str(self.python), str(INSIDE / "client.py"), *words])
        client = Service.start(f"client-{number}", command, self.state, os.environ | self.variables)
        try:
            client.wait(TIMEOUT)
        finally:
            stop_all([client])
        return [self._pending(answer, started) for answer in json.loads(answer_file.read_text())]

    def _pending(self, answer: dict[str, str], started: float) -> PendingBoot:
        if "error" in answer:
            raise EmbeddedError(f"the API did not accept {answer['name']}: {answer['error']}")
        return PendingBoot(**answer, journal=self.journal, check=self.check, started=started)
