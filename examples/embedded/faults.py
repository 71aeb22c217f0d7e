"""Faults of a running embedded cloud, set one after the other, and the answers of ``bootseq where`` to each.

Run it as root, in namespaces of its own, since one fault replaces the machine's name servers:

    unshare -mpf --mount-proc --kill-child python -m examples.embedded.faults [--threads eventlet] [FAULT …]
"""

import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from examples.embedded.cloud import EmbeddedCloud
from examples.embedded.errors import EmbeddedError

#: Seconds for which the cloud may take until it has run into the fault.
PATIENCE = 25.0
RESOLVER = Path("/etc/resolv.conf")
BUILDS = {"max_concurrent_builds": "2", "max_concurrent_snapshots": "2"}
#: Few workers, so that two requests fill a pool.
OPTIONS = {"nova-conductor": {"executor_thread_pool_size": "2"}, "nova-compute": BUILDS}

Setting = Callable[[EmbeddedCloud], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Fault:
    """A fault: how it is set, what is requested then, and the words by which an answer names who owes and the wait."""

    name: str
    setting: Setting
    owner: str
    wait: str
    request: dict[str, Any] = field(default_factory=dict)
    #: Servers that are requested before the one that is looked for.
    before: int = 0


@dataclass(frozen=True)
class Outcome:
    """The answer to a fault; ``seconds`` are those of the call that gave it."""

    fault: Fault
    is_right: bool
    state: str
    sentence: str
    seconds: float


def _spawn(fault: str) -> dict[str, Any]:
    return {"metadata": {"fault": fault}}


def stopped(*services: str) -> Setting:
    """Return a setting in which the services are stopped by SIGSTOP."""

    @contextmanager
    def setting(cloud: EmbeddedCloud) -> Iterator[None]:
        for name in services:
            cloud.services[name].signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for name in services:
                cloud.services[name].signal(signal.SIGCONT)

    return setting


def gone(service: str) -> Setting:
    """Return a setting in which a service was killed."""

    @contextmanager
    def setting(cloud: EmbeddedCloud) -> Iterator[None]:
        cloud.kill(service)
        try:
            yield
        finally:
            cloud.start(service)

    return setting


@contextmanager
def row_lock(cloud: EmbeddedCloud) -> Iterator[None]:
    """Hold the write lock of the cell's database in another process, this one."""
    connection = sqlite3.connect(cloud.state / "databases" / "nova.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def lock_file(cloud: EmbeddedCloud) -> Iterator[None]:
    with (cloud.state / "nova" / "locks" / "nova-disk").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


@contextmanager
def commands(cloud: EmbeddedCloud) -> Iterator[None]:
    """End the commands that nova-compute waits for, at the end."""
    try:
        yield
    finally:
        for child in _children(cloud.pids["nova-compute"]):
            with suppress(OSError):
                if b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(child, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    return [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


@contextmanager
def silent_resolver(_: EmbeddedCloud) -> Iterator[None]:
    """Make a name server that never answers the machine's only one, in this mount namespace."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.9", 53))
    with tempfile.NamedTemporaryFile("w") as file, silent:
        file.write("nameserver 127.0.0.9\noptions timeout:20 attempts:1\n")
        file.flush()
        subprocess.run(["mount", "--bind", file.name, str(RESOLVER.resolve())], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", str(RESOLVER.resolve())], check=True)


@contextmanager
def creating(cloud: EmbeddedCloud) -> Iterator[None]:
    """Keep new volumes in creation."""
    (cloud.state / "creating").touch()
    try:
        yield
    finally:
        (cloud.state / "creating").unlink()


def nothing(_: EmbeddedCloud) -> AbstractContextManager[None]:
    return nullcontext()


FAULTS = (
    Fault("conductor stopped", stopped("nova-conductor"), "nova-conductor", ""),
    Fault("conductor gone: a queue without consumer", gone("nova-conductor"), "nova-conductor", ""),
    Fault("conductor's pool full", stopped("nova-scheduler"), "nova-scheduler", "free worker", before=2),
    Fault("scheduler stopped", stopped("nova-scheduler"), "nova-scheduler", "select_destinations"),
    Fault("scheduler gone", gone("nova-scheduler"), "nova-scheduler", "select_destinations"),
    Fault("compute stopped", stopped("nova-compute"), "nova-compute", ""),
    Fault("row lock in another process", row_lock, "faults", "database"),
    Fault("deadlock retries", nothing, "database", "next try", _spawn("retries")),
    Fault("Placement stalled", stopped("placement"), "placement", "allocation_candidates"),
    Fault("Glance stalled", nothing, "stub", "/file", _spawn("download")),
    Fault("port never up", nothing, "Neutron", "network-vif-plugged", _spawn("event")),
    Fault("volume stuck in creating", creating, "Cinder", "volume", {"new_volume": True}),
    Fault("named lock", commands, "sleep", 'lock "image-cache"', _spawn("lock")),
    Fault("lock file", lock_file, "faults", "nova-disk", _spawn("lock file")),
    Fault("builds' pool full", commands, "sleep", "free worker", _spawn("command"), before=2),
    Fault("command hangs", commands, "sleep", "command", _spawn("command")),
    Fault("name server stalled", silent_resolver, "name server", "image.example.org", _spawn("name")),
)


class Trial:
    """The faults on one cloud, one after the other."""

    def __init__(self, cloud: EmbeddedCloud, bootseq: Path) -> None:
        self._cloud = cloud
        self._bootseq = bootseq
        self._number = 0

    def outcome(self, fault: Fault) -> Outcome:
        """Set the fault, request a server, and return the last answer of ``where``."""
        with fault.setting(self._cloud):
            for _ in range(fault.before + 1):
                self._number += 1
                name = f"vm{self._number}"
                pending = self._cloud.start_boot([name], **fault.request)
            return self._settled(fault, name, pending[0].uuid)

    def _settled(self, fault: Fault, name: str, uuid: str) -> Outcome:
        """Return the first right answer; the cloud takes its time until it runs into the fault."""
        deadline = time.monotonic() + PATIENCE
        while True:
            begun = time.monotonic()
            answer = self._ask(name) or self._ask(uuid)
            outcome = _judged(fault, answer, time.monotonic() - begun)
            if outcome.is_right or time.monotonic() > deadline:
                return outcome

    def _ask(self, what: str) -> dict[str, Any]:
        command = [str(self._bootseq), "where", what, "--json"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode not in (0, 1, 2) or not result.stdout:
            raise EmbeddedError(f"bootseq where failed: {result.stderr}")
        answer: dict[str, Any] = json.loads(result.stdout)[0]
        return answer


def _judged(fault: Fault, answer: dict[str, Any], seconds: float) -> Outcome:
    owner = (answer.get("owner") or {}).get("text", "")
    waits = " ".join(link["wait"]["text"] for chain in answer["chains"][:1] for link in chain)
    is_right = fault.owner in owner and fault.wait in waits and answer["state"] != "moving"
    return Outcome(fault, is_right, answer["state"], answer["sentence"], seconds)


@contextmanager
def cloud_with_faults(state: Path, threads: str = "default") -> Iterator[EmbeddedCloud]:
    """Yield a cloud whose services have small pools, and whose spawns wait as servers' metadata asks."""
    os.environ["EMBEDDED_CREATING"] = str(state.resolve() / "creating")
    with EmbeddedCloud("34", state, threads=threads, faults=True, options=OPTIONS) as cloud:
        yield cloud


@click.command()
@click.option("--threads", type=click.Choice(["default", "native", "eventlet"]), default="default")
@click.argument("names", nargs=-1)
def main(threads: str, names: Sequence[str]) -> None:
    """Set each fault (or those named), and print fault, answer and seconds as a table of Markdown."""
    wanted = [fault for fault in FAULTS if not names or fault.name in names]
    with tempfile.TemporaryDirectory() as folder, cloud_with_faults(Path(folder) / "state", threads) as cloud:
        trial = Trial(cloud, Path(sys.executable).with_name("bootseq"))
        click.echo("| fault | | answer | seconds |\n| --- | --- | --- | --- |")
        right = 0
        for fault in wanted:
            outcome = trial.outcome(fault)
            right += outcome.is_right
            mark = "right" if outcome.is_right else "WRONG"
            click.echo(f"| {fault.name} | {mark}, {outcome.state} | {outcome.sentence} | {outcome.seconds:.1f} |")
            sys.stdout.flush()
        click.echo(f"\n{right} of {len(wanted)} right")
        os._exit(0 if right == len(wanted) else 1)  # servers that still wait are no failure of the cloud


if __name__ == "__main__":
    main()
