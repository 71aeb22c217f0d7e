"""The embedded cloud spread over hosts: the API, conductor and scheduler, and two computes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from examples.embedded.cloud import EmbeddedCloud
from examples.embedded.hosts import access
from examples.embedded.hosts.host import Host, interpreter, write_hosts
from examples.embedded.hosts.network import Network

#: Groups of the inventory, their hosts, and the services of each host.
GROUPS = {"api": ("api",), "control": ("control",), "compute": ("compute1", "compute2")}
SERVICES = {
    "api": ("stub", "placement", "nova-api"), "control": ("nova-conductor", "nova-scheduler"),
    "compute1": ("nova-compute",), "compute2": ("nova-compute-2",),
}  # fmt: skip
#: Versions of the hosts' own python3: that of an administrator's tools, such as bootseq's agent.
PYTHONS = {"api": "3.9", "control": "3.10", "compute1": "3.12", "compute2": "3.13"}


class HostsCloud(EmbeddedCloud):
    """A context manager: within it hosts and services run, after it nothing remains but the state folder."""

    computes: ClassVar[Mapping[str, str]] = {"nova-compute": "compute1", "nova-compute-2": "compute2"}

    def __init__(self, release: str, state: Path, **options: Any) -> None:
        super().__init__(release, state, **options)
        self.folder = self.state / "hosts"
        self.hosts: dict[str, Host] = {}
        self._network: Network | None = None

    def _start(self) -> None:
        self._network = Network()
        super()._start()
        access.write_about(self.folder, {"python": str(self.python), "url": self.url})

    def _make_state(self, python: Path) -> None:
        super()._make_state(python)
        self._start_hosts()

    def _start_hosts(self) -> None:
        assert self._network is not None
        self.folder.mkdir()
        write_hosts(self.folder, {name: self._address(service) for name, (service, *_) in SERVICES.items()})
        for number, name in enumerate(SERVICES, 1):
            self.hosts[name] = Host(name, number, self._network, self.folder, interpreter(PYTHONS[name]))
        for host in self.hosts.values():
            host.wait()
        access.write_access(self.folder, list(self.hosts.values()), GROUPS)

    def _address(self, service: str) -> str:
        assert self._network is not None
        return self._network.address([*SERVICES].index(_host_of(service)) + 1)

    def _placed(self, name: str, command: list[str]) -> list[str]:
        return self.hosts[_host_of(name)].inside(*command)

    def _stop(self) -> None:
        (self.folder / access.ABOUT).unlink(missing_ok=True)
        super()._stop()
        for host in self.hosts.values():
            host.stop()
        self.hosts.clear()
        if self._network is not None:
            self._network.stop()


def _host_of(service: str) -> str:
    """Return the host of a service; the volume service is part of the stub."""
    return next(host for host, services in SERVICES.items() if {"volume": "stub"}.get(service, service) in services)
