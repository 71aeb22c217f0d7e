"""A real Nova in separate processes on this machine: its services from start to stop, and boots on it."""

import http.client
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from examples.embedded import config
from examples.embedded.boot import Boot, Journal, PendingBoot
from examples.embedded.broker import Broker, Files
from examples.embedded.client import Client
from examples.embedded.databases import install_databases
from examples.embedded.errors import EmbeddedError
from examples.embedded.release import INSIDE, Release, environment, find_release
from examples.embedded.service import Service, stop_all
from examples.embedded.settling import settle
from examples.embedded.wrapping import Wrapping

START_TIMEOUT = 180.0


class EmbeddedCloud:
    """A context manager: within it all services run, after it none of their processes remains."""

    #: The compute services, and the names of their hosts for Nova.
    computes: ClassVar[Mapping[str, str]] = {"nova-compute": "compute1"}

    def __init__(
        self,
        release: str | Release,
        state: Path,
        capture: Path | None = None,
        threads: str = "default",
        echo: bool = False,
        spawn_delay: float = 0,
        bootseq: Path | None = None,
        run_options: Sequence[str] = (),
        broker: Broker | None = None,
        debug: bool = True,
        faults: bool = False,
        quota: int = -1,
        options: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.release = find_release(release)
        self.state = state.resolve()
        self.threads = self.release.check_threads(threads)
        self.echo = echo
        self.spawn_delay = spawn_delay
        #: the services' log level, spawns that fail as an instance's metadata asks, and how many instances there may be
        self.debug, self.faults, self.quota = debug, faults, quota
        #: of [DEFAULT], by service
        self.options = options or {}
        self._external_broker = broker
        self.wrapping = Wrapping(capture, bootseq, tuple(run_options))
        self.services: dict[str, Service] = {}
        self.journal = Journal(self.state / "journal.jsonl")
        self.ports: dict[str, int] = {}
        self._ended: list[Boot] = []

    def __enter__(self) -> "EmbeddedCloud":
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                settle(self.state, self._ended, list(self.services))
        finally:
            self._stop()

    @property
    def pids(self) -> dict[str, int]:
        """Return the started processes; with native threads conductor and scheduler are masters with a worker."""
        return {name: service.process.pid for name, service in self.services.items()}

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a service and its workers a signal; its end is then no failure of the cloud."""
        service = self.services.pop(name)
        service.signal(number)
        service.process.wait(30)

    def start(self, name: str) -> None:
        """Start a service again that was killed, and wait until it consumes its queue."""
        self._start_service(name)
        self._wait_for_queue(name)

    def boot(self, name: str, timeout: float = 120, **what: Any) -> Boot:
        return self.boot_all([name], timeout, **what)[0]

    def boot_all(self, names: Sequence[str], timeout: float = 120, **what: Any) -> list[Boot]:
        """Boot several servers at the same time, by one client with a thread for each."""
        ended = [pending.wait(timeout) for pending in self.start_boot(names, **what)]
        self._ended += ended
        return ended

    def start_boot(self, names: Sequence[str], **what: Any) -> list[PendingBoot]:
        """Run the client, which returns after the API's acceptance; `what` are Request's fields."""
        variables = self._variables("client")
        client = Client(self.state, self.python, self.url, self.journal, self.check, self.wrapping, variables)
        return client.start_boot(names, **what)

    @property
    def url(self) -> str:
        """Return the URL of Nova's API."""
        return f"http://{self._address('nova-api')}:{self.ports['nova-api']}/v2.1"

    def check(self) -> None:
        """Raise EmbeddedError if a service has ended."""
        for service in self.services.values():
            service.check()

    def _start(self) -> None:
        self.python = environment(self.release)
        self._make_state(self.python)
        for name in ("placement", "stub", "nova-conductor", "nova-scheduler", "nova-api"):
            self._start_service(name)
        # nova-compute reports its resources once, at its start: Placement and the conductor must be running.
        self._wait_for_answer("placement")
        self._wait_for_queue("nova-conductor")
        for name in self.computes:
            self._start_service(name)
        for name in ("stub", "nova-api"):
            self._wait_for_answer(name)
        for name in ("nova-scheduler", *self.computes):
            self._wait_for_queue(name)

    def _make_state(self, python: Path) -> None:
        if self.state.exists() and any(self.state.iterdir()):
            raise EmbeddedError(f"{self.state} is not empty; each cloud needs a state folder of its own")
        for name in ("logs", "pids", "clients", "messages", "nova/locks", "bin"):
            (self.state / name).mkdir(parents=True, mode=0o700)
        self._broker = self._external_broker or Files(self.state)
        self.ports = dict(zip(config.PORTS, config.free_ports(len(config.PORTS)), strict=True))
        hosts = [*self.computes.values()]
        install_databases(self.release, python, self.state / "databases", self._broker.transport_url, hosts)
        driver = "fake.SlowSpawnDriver" if self.spawn_delay else "fake.SmallFakeDriver"
        addresses = {name: (self._address(name), port) for name, port in self.ports.items()}
        options = config.Options(
            self.echo, self.debug, self.quota, "fake.FaultyDriver" if self.faults else driver, self.options
        )
        config.write_config(self.state, addresses, python, options, self._broker.transport_url, self.computes)

    def _start_service(self, name: str) -> None:
        arguments = [self._kind(name), "--config-file", str(config.config_file(self.state, name))]
        if name in self.ports:
            arguments += ["--host", self._address(name), "--port", str(self.ports[name])]
        if name == "stub":
            arguments += ["--volume-port", str(self.ports["volume"])]
        self.services[name] = self._launch(name, self._script(name), *arguments)

    def _script(self, name: str) -> Path:
        """Link the launcher under the name of the service's own script, by which tools recognise a running service."""
        script = self.state / "bin" / name / {"placement": "placement-api"}.get(name, self._kind(name))
        if not script.is_symlink():
            script.parent.mkdir(exist_ok=True)
            script.symlink_to(INSIDE / "launch.py")
        return script

    def _launch(self, name: str, script: Path, *arguments: str) -> Service:
        command = self._placed(name, self.wrapping.wrap([str(self.python), str(script), *arguments]))
        return Service.start(name, command, self.state, os.environ | self._variables(self._kind(name)))

    def _variables(self, kind: str) -> dict[str, str]:
        return {"EMBEDDED_SPAWN_DELAY": str(self.spawn_delay)} | self.release.variables(kind, self.threads)

    def _kind(self, name: str) -> str:
        """Return the service of a process: there may be several computes."""
        return "nova-compute" if name in self.computes else name

    def _address(self, name: str) -> str:  # noqa: ARG002 - a cloud of several hosts has several
        """Return the address at which a service listens."""
        return "127.0.0.1"

    def _placed(self, name: str, command: list[str]) -> list[str]:  # noqa: ARG002
        """Return the command that runs a service's command on its host."""
        return command

    def _wait_for_answer(self, name: str) -> None:
        self._wait(name, lambda: self._answers(name))

    def _wait_for_queue(self, name: str) -> None:
        """Wait until a service has bound its queue: it is ready then, and nova-compute has reported its resources."""
        host = self.computes.get(name)
        queue = f"compute.{host}" if host else name.removeprefix("nova-")
        self._wait(name, lambda: queue in self._broker.served())

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{name} is not ready after {START_TIMEOUT:.0f} s; its log: {self.services[name].log}"
                )
            time.sleep(0.05)

    def _answers(self, name: str) -> bool:
        connection = http.client.HTTPConnection(self._address(name), self.ports[name], timeout=30)
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()
        if status >= 500:
            raise EmbeddedError(f"{name} answers with status {status}; its log: {self.services[name].log}")
        return True

    def _stop(self) -> None:
        stop_all(list(self.services.values()))
        self.services.clear()
