"""A load on the cloud: servers are booted and deleted in a loop, and failed requests are counted."""

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
# After this time the boot or the deletion itself counts as failed.
PATIENCE = 180.0


@dataclass
class Tally:
    """The counts of a load: requests fail without the expected answer, boots if the server does not become active."""

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

    def take(self, counts: dict[str, Any]) -> None:
        """Take over the result of another process's `as_dict`."""
        for name, value in counts.items():
            setattr(self, name, value)


class Load:
    """A load with workers that share a tally. `stop` ends each after its present server."""

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
            # A pause after a failure, so that a stopped cloud does not get a thousand requests a second.
            if not self._boot_and_delete(f"load-{worker}-{number}"):
                self.stop.wait(1)

    def _boot_and_delete(self, name: str) -> bool:
        client = self._try(lambda: log_in(self.plan))
        if client is None:
            return False
        started = time.monotonic()
        wanted = {"name": name, "imageRef": self._image, "flavorRef": FLAVOR, "networks": self._networks}
        created = self._try(lambda: client.post("nova-api", "/servers", {"server": wanted}))
        if created is None:
            return False
        path = f"/servers/{created['server']['id']}"
        state = self._follow(client, path, ("ACTIVE", "ERROR", "gone"))
        self._count("boots", state == "ACTIVE", f"{name} ({path[9:]}) is {state}")
        self.tally.slowest_boot = max(self.tally.slowest_boot, time.monotonic() - started)
        self._try(lambda: client.send("DELETE", "nova-api", path))
        gone = self._follow(client, path, ("gone",))
        self._count("deletes", gone == "gone", f"{name} ({path[9:]}) is still {gone} after its deletion")
        return state == "ACTIVE" and gone == "gone"

    def _follow(self, client: Client, path: str, ends: tuple[str, ...]) -> str:
        """Return the state in which the server ended, or its state after the timeout."""
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
    """Return whether the server is gone: 404 is an answer, not a failure."""
    try:
        return str(client.get("nova-api", path)["server"]["status"])
    except RefusedError as error:
        if error.status == 404:
            return "gone"
        raise


@contextmanager
def beside(plan: Plan, workers: int, network: bool = False) -> Iterator[Tally]:
    """Run a load beside the block, in a process of its own, so that measurements do not wait for its threads.

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
        output, _ = load.communicate()
        tally.take(json.loads(output))
