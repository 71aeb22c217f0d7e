"""The clocks of a capture: one for each kernel, whatever its containers call themselves, and the bounds by pings.

The parts of a host of a cluster have the clock of that host, whose boot its agent reported, whatever they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tracer import notices
from tracer.events import ClockBound, Process
from tracer.recording import recorded_hosts
from tracer.recording.recorded_hosts import RecordedHost, RecordedHosts


class HostClocks:
    """The clocks of one capture by its list of hosts, if it has one."""

    def __init__(self, capture: Path) -> None:
        self._about: RecordedHosts | None = recorded_hosts.of(capture)
        self._hosts = self._about.hosts if self._about is not None else []
        self._by_prefix = {host.prefix: host for host in self._hosts}
        self._names = self._clock_names()
        #: The clock of each boot among the processes of this machine.
        self._by_boot: dict[str, str] = {}

    def _clock_names(self) -> dict[str, str]:
        """Return the clock of each host by its name: hosts of one boot share one, those of one name do not."""
        if self._about is None:
            return {}
        by_boot = {self._about.boot: self._about.host}
        for host in self._hosts:
            taken = host.host in by_boot.values()
            by_boot.setdefault(host.boot or host.name, host.name if taken or not host.host else host.host)
        return {host.name: by_boot[host.boot or host.name] for host in self._hosts}

    @property
    def is_of_hosts(self) -> bool:
        """True if it was recorded on chosen hosts."""
        return self._about is not None

    def owner(self, part: str) -> str:
        """Return the name of the host that a part belongs to, "" if it is this machine's."""
        host = self._host(part)
        return host.name if host is not None else ""

    def _host(self, part: str) -> RecordedHost | None:
        prefix, separator, _ = part.partition("+")
        return self._by_prefix.get(prefix + separator) if separator else None

    def set_clock(self, process: Process, boot: str, part: str) -> None:
        """Set the clock of a process, and make its key unique among those of all hosts."""
        host = self._host(part)
        if host is not None:
            process.key = f"{part}/{process.key}"
            process.clock = self._names[host.name]
        elif boot:
            process.clock = self._by_boot.setdefault(boot, process.clock)

    def bounds(self) -> Iterator[ClockBound]:
        """Yield the bounds of the hosts' clocks by their pings."""
        if self._about is not None:
            for host in self._hosts:
                for low, high in host.pings:
                    if self._names[host.name] != self._about.host:
                        yield ClockBound(self._about.host, self._names[host.name], low, high)

    def warnings(self) -> Iterator[str]:
        """Yield a line for each host and each service that was not recorded, or not to the end."""
        for host in self._hosts:
            if host.failure:
                yield notices.host_unrecorded(host.name, host.failure, began=host.began).text
            for service, pid, reason in host.missing:
                yield notices.service_unrecorded(service, pid, host.name, reason).text
