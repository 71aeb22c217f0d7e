"""The embedded cloud's message transport: a folder of files, or an external broker."""

import fcntl
import json
from collections.abc import Collection
from pathlib import Path
from typing import Protocol


class Broker(Protocol):
    @property
    def transport_url(self) -> str:
        """Return the URL for the services' configuration files."""

    def served(self) -> Collection[str]:
        """Return the queues that have consumers."""


class Files:
    """kombu's filesystem transport; `inside/files.py` makes it dependable."""

    transport_url = "kombu+filesystem://"

    def __init__(self, state: Path) -> None:
        self._exchange = state / "broker" / "control" / "nova.exchange"
        for name in ("data", "partial", "control"):
            (state / "broker" / name).mkdir(parents=True, mode=0o700)
        # Bound beforehand, so that nova-compute's requests to the starting conductor wait in the queue instead of being
        # dropped and repeated 10 seconds later, and so that no two services create the exchange's file.
        self._exchange.write_text(json.dumps([["conductor", "^conductor$", "conductor"]]))
        # Two computes start at the same time.
        for name in ("compute", "compute-alt"):
            self._exchange.with_name(f"{name}_fanout.exchange").write_text("[]")

    def served(self) -> Collection[str]:
        with self._exchange.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return [queue for _key, _pattern, queue in json.load(file)]
