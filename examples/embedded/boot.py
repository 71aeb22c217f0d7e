"""A client's requests, the resulting boots, and the journal of notifications that reports their end."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.embedded.errors import EmbeddedError

IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
VOLUME = "6ca404f3-d844-4169-bb96-bc792f37de98"
FLAVORS = {"m1.tiny": "1", "huge": "2"}
ROOT = {"boot_index": 0, "uuid": VOLUME, "source_type": "volume", "destination_type": "volume"}
# The volume service of the embedded cloud fails to create volumes.
NEW_ROOT = {"boot_index": 0, "uuid": IMAGE, "source_type": "image", "destination_type": "volume", "volume_size": 1}
# instance.create.error may be followed by another host's try; with one host there is none.
ENDS = ("instance.create.end", "instance.create.error", "compute_task.build_instances.error")


@dataclass(frozen=True)
class Request:
    """A request for a server for each of `names`, at the same time; user data and files (by path) are plain text."""

    names: tuple[str, ...]
    flavor: str = "m1.tiny"
    admin_pass: str | None = None
    user_data: str | None = None
    key_name: str | None = None
    public_key: str | None = None
    personality: dict[str, str] | None = None
    metadata: dict[str, str] | None = None
    from_volume: bool = False
    new_volume: bool = False

    def as_json(self) -> dict[str, Any]:
        root = NEW_ROOT if self.new_volume else ROOT if self.from_volume else None
        server = {
            "image_id": None if root else IMAGE,
            "block_device_mapping": [root] if root else None,
            "flavor_id": FLAVORS[self.flavor],
            "networks": "none",
            "admin_password": self.admin_pass,
            "user_data": self.user_data,
            "key_name": self.key_name,
            "personality": self.personality,
            "metadata": self.metadata,
        }
        return {
            "names": list(self.names),
            # 2.37 introduced networks "none"; after 2.56 the API accepts no files.
            "microversion": "2.56" if self.personality else "2.79",
            "public_key": self.public_key,
            "server": {key: value for key, value in server.items() if value is not None},
        }


@dataclass(frozen=True)
class Boot:
    """An ended boot; `state` is active or error, `seconds` are from the client's start to the notification."""

    name: str
    uuid: str
    request_id: str
    state: str
    event: str
    seconds: float


@dataclass(frozen=True)
class Journal:
    """The file to which services write their notifications, one JSON object a line."""

    path: Path

    def __iter__(self) -> Iterator[dict[str, Any]]:
        text = self.path.read_text() if self.path.exists() else ""
        return (json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n"))

    def wait(self, uuid: str, events: tuple[str, ...], timeout: float, check: Callable[[], None]) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for entry in self:
                if entry["uuid"] == uuid and entry["event"] in events:
                    return entry
            check()
            time.sleep(0.02)
        raise EmbeddedError(
            f"no {' or '.join(events)} of {uuid} in {timeout:.0f} s; the services' logs: {self.path.parent / 'logs'}"
        )


@dataclass(frozen=True)
class PendingBoot:
    """A boot that the API has accepted."""

    name: str
    uuid: str
    request_id: str
    journal: Journal
    check: Callable[[], None]
    started: float

    def wait(self, timeout: float = 120) -> Boot:
        """Wait for Nova's notification of the creation's end, without API requests."""
        end = self.journal.wait(self.uuid, ENDS, timeout, self.check)
        state = "active" if end["event"] == "instance.create.end" else "error"
        return Boot(self.name, self.uuid, self.request_id, state, end["event"], end["monotonic"] - self.started)

    def wait_for(self, event: str, timeout: float = 60) -> None:
        """Wait for an event of this boot, such as instance.create.start, or spawn if spawns are delayed."""
        self.journal.wait(self.uuid, (event,), timeout, self.check)
