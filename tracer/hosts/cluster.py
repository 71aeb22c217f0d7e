"""Many hosts at once: some at a time, and the failure of one does not affect the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread
from typing import Generic, TypeVar

from tracer.hosts.address import Address
from tracer.hosts.channel import ChannelError
from tracer.hosts.link import Link
from tracer.hosts.transport import Settings

_Value = TypeVar("_Value")
#: Seconds between two signs of life of the controller.
_PACE = 1.0
#: Comparisons of the clocks of each host: the quickest of a few is within the time of one way.
_PINGS = 5


@dataclass
class Outcome(Generic[_Value]):
    """The value of some work on a host, or the reason why there is none."""

    link: Link
    value: _Value | None = None
    failure: str = ""


class Cluster:
    """The hosts, each with an agent while this is open."""

    def __init__(self, addresses: Iterable[Address], settings: Settings) -> None:
        self.settings = settings
        self.links = [Link(address) for address in addresses]
        #: The sign of life that each host gets: those that hear nothing take the hooks out.
        self.beat: Callable[[Link], object] = lambda link: link.beat("ping")
        self._pool = ThreadPoolExecutor(max(1, min(settings.forks, len(self.links))))
        self._beats = ThreadPoolExecutor(max(1, len(self.links)))
        self._closed = Event()
        self._heart = Thread(target=self._run_heart, daemon=True)

    def connect(self) -> None:
        """Start the agents, and compare the clocks; links have the reasons of failures."""
        self._heart.start()
        self._map(self._connect, self.links)

    def _run_heart(self) -> None:
        """Give each host its sign of life, again and again; one that does not answer delays no other."""
        under_way: dict[str, Future[object]] = {}
        while not self._closed.wait(min(_PACE, self.settings.silence / 4)):
            for link in self.up:
                before = under_way.get(link.name)
                if before is None or before.done():
                    under_way[link.name] = self._beats.submit(self.beat, link)

    def _connect(self, link: Link) -> None:
        link.connect(self.settings)
        if link.is_up:
            self.compare_clock(link)

    def compare_clock(self, link: Link) -> None:
        """Compare a host's clock with ours a few times."""
        try:
            for _ in range(_PINGS):
                link.ping()
        except ChannelError:
            return

    @property
    def up(self) -> list[Link]:
        """The hosts whose agents answer."""
        return [link for link in self.links if link.is_up]

    def failed(self) -> list[Link]:
        """Return the hosts that could not be used, or were lost."""
        return [link for link in self.links if link.failure]

    def on_all(self, work: Callable[[Link], _Value]) -> list[Outcome[_Value]]:
        """Return the outcome of ``work`` on each host that is up."""

        def outcome(link: Link) -> Outcome[_Value]:
            try:
                return Outcome(link, work(link))
            except ChannelError as error:
                return Outcome(link, failure=str(error))

        return self._map(outcome, self.up)

    def _map(self, work: Callable[[Link], _Value], links: list[Link]) -> list[_Value]:
        return list(self._pool.map(work, links))

    def close(self) -> None:
        """End the agents; nothing happens the second time."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._heart.is_alive():
            self._heart.join()
        self._map(Link.close, self.links)
        self._pool.shutdown()
        self._beats.shutdown()
