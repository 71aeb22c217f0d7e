"""The services of many hosts, attached for one capture here, which fills while they record."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tracer.attach import runtime_folder
from tracer.attach.eligibility import ProcessReport
from tracer.callbacks import ignore
from tracer.events import Process
from tracer.files import folder as folders
from tracer.hosts.cluster import Cluster, Outcome
from tracer.hosts.link import Link
from tracer.hosts.parts import HostParts, folder_name
from tracer.recording import recorded_hosts
from tracer.recording.recorded_hosts import RecordedHost, RecordedHosts

#: Bytes of a capture on a host, where it is in memory.
_HOST_CAP = 256 << 20
#: The quickest pings that are recorded.
_BEST = 5


class HostServices:
    """The services of a cluster; ``seconds`` is the lease of hooks that stay in without us, 0 if they do not."""

    def __init__(
        self, cluster: Cluster, capture: Path, options: dict[str, Any],
        on_report: Callable[[ProcessReport], object] = ignore, services: Sequence[str] = ("*",), seconds: float = 0.0,
    ) -> None:  # fmt: skip
        self.capture = capture
        self._cluster = cluster
        self._options = options | {"cap": min(options["cap"], _HOST_CAP)}
        self._on_report = on_report
        self._services = list(services)
        self._seconds = seconds
        before = recorded_hosts.own(capture)
        self._token = before.token if before is not None else secrets.token_hex(8)
        self._hosts = {host.name: host for host in (before.hosts if before is not None else ())}
        self._parts = {link.name: HostParts(capture, link.name, options["cap"]) for link in cluster.links}
        for link in cluster.links:
            self._note(link)

    def begin(self) -> None:
        """Continue the capture on the hosts, and begin to fetch what is recorded."""
        self._cluster.on_all(
            lambda link: link.request("open", capture=self._token, marks=self._parts[link.name].marks())
        )
        self._cluster.beat = lambda link: link.beat("fetch", self._parts[link.name].take)
        self.write()

    def attach(self) -> list[ProcessReport]:
        """Attach to the services that started since the last time, all of them at first; return their reports."""
        outcomes = self._cluster.on_all(
            lambda link: link.reports("attach", options=self._options, services=self._services, seconds=self._seconds)
        )
        for outcome in outcomes:
            host = self._note(outcome.link)
            if outcome.failure:
                outcome.link.fail(outcome.failure)
                host.failure = outcome.link.failure
                self._on_report(_failed(outcome.link))
            for report in outcome.value or ():
                self._on_report(report)
                if report.state == "attached":
                    host.began = True
                else:
                    host.missing.append((report.service, report.pid, report.reason))
        self.write()
        return _reports(outcomes)

    def detach(self) -> list[ProcessReport]:
        """Take the hooks out, fetch the rest of what was recorded, and remove it from the hosts."""
        outcomes = self._cluster.on_all(lambda link: link.reports("detach"))
        self._cluster.on_all(self._fetch_all)
        self._cluster.on_all(self._cluster.compare_clock)
        self._cluster.on_all(lambda link: link.request("remove"))
        self.write()
        return _reports(outcomes)

    def fetch(self) -> None:
        """Fetch what was recorded so far."""
        self._cluster.on_all(self._fetch_all)

    def close(self) -> None:
        """End the agents, and note the hosts that were lost."""
        self._cluster.close()
        self.write()

    def lost(self) -> list[Link]:
        """Return the hosts that were recorded, and then lost."""
        return [link for link in self._cluster.links if link.failure and self._hosts[link.name].began]

    def has_recorded(self, process: Process) -> bool:
        """Return whether a process is one of the services', by the part of the capture that it is in."""
        return "/" in process.key

    def write(self) -> None:
        """Write what is known of the hosts into the capture."""
        for link in self._cluster.links:
            self._note(link)
        about = RecordedHosts(self._token, os.uname().nodename, runtime_folder.boot_id(), [*self._hosts.values()])
        with folders.opened(self.capture) as folder:
            about.write(folder)

    def _note(self, link: Link) -> RecordedHost:
        host = self._hosts.setdefault(link.name, RecordedHost(link.name, folder_name(link.name, "")))
        host.host, host.boot = link.about.get("host", host.host), link.about.get("boot", host.boot)
        host.failure = link.failure
        best = sorted({(ping.low, ping.high) for ping in link.pings}, key=lambda ping: ping[1] - ping[0])
        host.pings = best[:_BEST] or host.pings
        return host

    def _fetch_all(self, link: Link) -> None:
        while link.request("fetch", self._parts[link.name].take).get("more") is True:
            pass


def _reports(outcomes: list[Outcome[list[ProcessReport]]]) -> list[ProcessReport]:
    """Return all reports, and one for each host that did not answer."""
    reports = [report for outcome in outcomes for report in outcome.value or ()]
    return reports + [_failed(outcome.link) for outcome in outcomes if outcome.failure]


def _failed(link: Link) -> ProcessReport:
    return ProcessReport(0, link.name, "", "cannot", link.failure, more={"host": link.name})
