"""OpenStack's own processes: their commands, environments and ports."""

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.cloud.network import makes_bridges
from examples.cloud.ovs import switch_variables
from examples.cloud.parts import Binaries, Service
from examples.cloud.plan import Plan
from examples.cloud.process import Process

INSIDE = Path(__file__).resolve().parent / "inside"
ACCESS = '[uwsgi %(pid)] %(addr) [%(ltime)] "%(method) %(uri) %(proto)" %(status) %(size) %(msecs)ms'


@dataclass(frozen=True)
class Services:
    """The commands of the services."""

    plan: Plan
    binaries: Binaries

    def start(self, service: Service) -> Process:
        process = Process(self.plan, service.name)
        wrap = shlex.split(self.plan.wrap)
        process.start([*wrap, *self._command(service)], self._variables(service))
        return process

    def _command(self, service: Service) -> list[str]:
        folder = self.binaries[service.binaries]
        script = folder / service.name
        # Until 31 Nova had a server of its own for its API.
        if service.module and not (service.name == "nova-api" and script.exists()):
            return [str(folder / "uwsgi"), *self._uwsgi(service)]
        return [str(script), *self._arguments(service)]

    def _arguments(self, service: Service) -> list[str]:
        return ["--config-file", str(self.plan.config_file(service.name))]

    def _uwsgi(self, service: Service) -> list[str]:
        name = service.name
        arguments = [] if service.variable else ["--pyargv", shlex.join(self._arguments(service))]
        return [
            *("--http-socket", f"127.0.0.1:{self.plan.port(name)}", "--module", f"{service.module}:application"),
            *("--master", *self._workers(name), "--enable-threads", "--lazy-apps", "--need-app"),
            *("--die-on-term", "--buffer-size", "65535", "--add-header", "Connection: close"),
            *("--req-logger", f"file:{self.plan.log(f'{name}-access')}", "--log-format", ACCESS),
            *arguments,
        ]

    def _workers(self, name: str) -> list[str]:
        """Return uWSGI's options: eventlet's locks fail between a worker's threads, and two requests would hang."""
        if name == "nova-api" and self._threads == "eventlet":
            return ["--processes", "2", "--threads", "1"]
        return ["--processes", "1", "--threads", "6"]

    @property
    def _threads(self) -> str:
        return self.plan.nova.threads[0] if self.plan.threads == "default" else self.plan.threads

    def _variables(self, service: Service) -> dict[str, str]:
        """Return the environment without the caller's OpenStack and Python settings."""
        name, variable = service.name, service.variable
        path = self.plan.config_file(name)
        variables = self.plan.nova.variables(name, self.plan.threads) if service.binaries == "nova" else {}
        if variable:
            variables |= {variable: str(path) if variable.endswith("FILES") else str(path.parent)}
        if name == "neutron":
            # 34 refuses to plug a bridge without an agent's bridge; 29 makes one itself, and its tap collides.
            kind = "bridge" if makes_bridges(self.plan) else "tap"
            variables |= {"PYTHONPATH": str(INSIDE), "BOOTSEQ_CLOUD_VIF": kind}
        # The agent and its privileged daemon also use commands of Open vSwitch.
        return variables | switch_variables(self.plan)


def check_ports(plan: Plan, names: Iterable[str], taken: Iterable[int]) -> None:
    """Refuse ports on which others listen, which are `taken`."""
    for name in names:
        if plan.port(name) in taken:
            raise CloudError(f"port {plan.port(name)}, meant for {name}, is taken; choose another --port-base")


def listening() -> set[int]:
    """Return the ports on which a process listens."""
    ports = set()
    for name in ("tcp", "tcp6"):
        path = Path("/proc/net") / name
        for line in path.read_text().splitlines()[1:] if os.path.exists(path) else []:
            fields = line.split()
            if fields[3] == "0A":
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports
