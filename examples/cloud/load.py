"""A load on the cloud: servers are booted and deleted in a loop, and every request that fails is counted."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from examples.cloud.content import FLAVOR, image_id, network_id
from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan
from examples.cloud.rest import Client, RefusedError, log_in

T = TypeVar("T")
STEP = 0.2
# Longer than this, and the boot or the deletion itself counts as failed.
PATIENCE = 180.0


@dataclass
class Tally:
    """A request fails when it gets no answer or one that it should not get; a boot, when the server is not active."""

    seconds: float = 0
    requests: int = 0
    failed_requests: int = 0
    boots: int = 0
    failed_boots: int = 0
    deletes: int = 0
    failed_deletes: int = 0
    slowest_boot: float = 0
    errors: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return bool(self.failed_requests or self.failed_boots or self.failed_deletes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"seconds": round(self.seconds, 1), "slowest_boot": round(self.slowest_boot, 1)}

    def take(self, said: dict[str, Any]) -> None:
        """What `as_dict` gave elsewhere."""
        for name, value in said.items():
            setattr(self, name, value)


class Load:
    """Its workers share a tally. `stop` ends them after the server that each has at that moment."""

    def __init__(self, plan: Plan, network: bool) -> None:
        self.plan = plan
        self.tally = Tally()
        self.stop = threading.Event()
        client = log_in(plan)
        self._image = image_id(client)
        self._networks: object = [{"uuid": network_id(client)}] if network else "none"
        self._lock = threading.Lock()

    def run(self, seconds: float, workers: int) -> Tally:
        started = time.monotonic()
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(1, workers + 1)]
        for thread in threads:
            thread.start()
        try:
            self.stop.wait(seconds)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        self.tally.seconds = time.monotonic() - started
        return self.tally

    def _work(self, worker: int) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            # A failure costs a moment, so that a cloud that is down is not asked a thousand times a second.
            if not self._boot_and_delete(f"load-{worker}-{number}"):
                self.stop.wait(1)

    def _boot_and_delete(self, name: str) -> bool:
        client = self._try(lambda: log_in(self.plan))
        if client is None:
            return False
        started = time.monotonic()
        wanted = {"name": name, "imageRef": self._image, "flavorRef": FLAVOR, "networks": self._networks}
        made = self._try(lambda: client.post("nova-api", "/servers", {"server": wanted}))
        if made is None:
            return False
        path = f"/servers/{made['server']['id']}"
        state = self._follow(client, path, ("ACTIVE", "ERROR", "gone"))
        self._count("boots", state == "ACTIVE", f"{name} ({path[9:]}) is {state}")
        self.tally.slowest_boot = max(self.tally.slowest_boot, time.monotonic() - started)
        self._try(lambda: client.send("DELETE", "nova-api", path))
        gone = self._follow(client, path, ("gone",))
        self._count("deletes", gone == "gone", f"{name} ({path[9:]}) is still {gone} after its deletion")
        return state == "ACTIVE" and gone == "gone"

    def _follow(self, client: Client, path: str, ends: tuple[str, ...]) -> str:
        """The state that the server ended in, or has when patience is at its end."""
        deadline = time.monotonic() + PATIENCE
        state = "unknown"
        while state not in ends and time.monotonic() < deadline:
            time.sleep(STEP)
            state = self._try(lambda: _state(client, path)) or state
        return state

    def _try(self, request: Callable[[], T]) -> T | None:
        try:
            result = request()
        except CloudError as error:
            self._count("requests", False, str(error))
            return None
        self._count("requests", True, "")
        return result

    def _count(self, what: str, well: bool, error: str) -> None:
        with self._lock:
            setattr(self.tally, what, getattr(self.tally, what) + 1)
            if not well:
                setattr(self.tally, f"failed_{what}", getattr(self.tally, f"failed_{what}") + 1)
                self.tally.errors.append(error)


def _state(client: Client, path: str) -> str:
    """That there is no such server is an answer, not a failure."""
    try:
        return str(client.get("nova-api", path)["server"]["status"])
    except RefusedError as error:
        if error.status == 404:
            return "gone"
        raise


@contextmanager
def beside(plan: Plan, workers: int, network: bool = False) -> Iterator[Tally]:
    """A load meanwhile, in a process of its own: what is measured here does not wait for its threads.

    The tally is filled at the end.
    """
    command = [sys.executable, "-m", "examples.cloud", "load", "--state", str(plan.state), "--seconds", "86400"]
    command += ["--workers", str(workers), *(["--network"] if network else [])]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    tally = Tally()
    try:
        yield tally
    finally:
        load.terminate()
        said, _ = load.communicate()
        tally.take(json.loads(said))
