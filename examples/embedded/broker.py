"""What carries the embedded cloud's messages: a folder of files, or a broker that somebody else runs."""

import fcntl
import json
from collections.abc import Collection
from pathlib import Path
from typing import Protocol


class Broker(Protocol):
    @property
    def transport_url(self) -> str:
        """As the services' files have it."""

    def served(self) -> Collection[str]:
        """The queues that a service takes from."""


class Files:
    """kombu's filesystem transport; `inside/files.py` makes it dependable."""

    transport_url = "kombu+filesystem://"

    def __init__(self, state: Path) -> None:
        self._exchange = state / "broker" / "control" / "nova.exchange"
        for name in ("data", "partial", "control"):
            (state / "broker" / name).mkdir(parents=True, mode=0o700)
        # Bound beforehand, so that what nova-compute asks the conductor while both start waits in the queue instead of
        # being dropped and asked again 10 seconds later; and so that no two services create the exchange's file.
        self._exchange.write_text(json.dumps([["conductor", "^conductor$", "conductor"]]))

    def served(self) -> Collection[str]:
        with self._exchange.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            return [queue for _key, _pattern, queue in json.load(file)]
