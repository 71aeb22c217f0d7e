"""The options that choose hosts, and the connections to the chosen ones."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer import times
from tracer.commands import printing
from tracer.commands.options import PATH, added
from tracer.errors import TracerError
from tracer.text import plural

if TYPE_CHECKING:
    from tracer.attach.eligibility import ProcessReport
    from tracer.hosts.cluster import Cluster

_SHORTEST_SILENCE = 3.0
#: With more, a run needs --limit: each is attached to, and records.
_MAX_HOSTS = 200


@dataclass(frozen=True)
class HostChoice:
    """The hosts of a command line, and how to reach them."""

    inventory: Path | None
    hosts: tuple[str, ...]
    limit: str
    forks: int
    become: bool
    ask_become_pass: bool
    silence: float
    allow_missing: bool

    def __bool__(self) -> bool:
        return self.inventory is not None or bool(self.hosts)


def host_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose hosts; the function receives them as ``hosts``."""

    @functools.wraps(function)
    def wrapper(**arguments: Any) -> Any:
        names = ("inventory", "limit", "forks", "become", "ask_become_pass", "allow_missing")
        chosen = {name: arguments.pop(name) for name in names}
        silence = times.seconds(arguments.pop("silence"))
        if silence < _SHORTEST_SILENCE:
            raise TracerError(f"--silence: at least {_SHORTEST_SILENCE:.0f}s")
        choice = HostChoice(hosts=arguments.pop("host"), silence=silence, **chosen)
        if choice.limit and not choice:
            raise TracerError("--limit: nothing to limit; pass --inventory or --host")
        return function(hosts=choice, **arguments)

    decorated: Callable[..., Any] = added(*_OPTIONS)(wrapper)
    return decorated


_OPTIONS = (
    click.option(
        "--inventory", type=PATH, metavar="FILE",
        help="Hosts: an Ansible inventory, read by your ansible-inventory, or a list with a host on each line.",
    ),
    click.option(
        "--host", multiple=True, metavar="ADDRESS",
        help="A host: ssh://user@host:port, or local for this machine; repeatable.",
    ),
    click.option("--limit", default="", metavar="PATTERN", help="Only these hosts, or groups: 'control:cmp*:!cmp7'."),
    click.option(
        "--forks", type=click.IntRange(min=1, max=1000), default=64, show_default=True, metavar="N",
        help="Hosts to work on at the same time.",
    ),
    click.option("--become", is_flag=True, help="Be root on the hosts, by sudo."),
    click.option("--ask-become-pass", is_flag=True, help="Ask for sudo's password, once for all hosts."),
    click.option(
        "--silence", default="15s", show_default=True, metavar="TIME",
        help="Hosts that hear nothing from here for this time remove the hooks.",
    ),
    click.option("--allow-missing", is_flag=True, help="Go on without the hosts that cannot be recorded."),
)  # fmt: skip


@contextmanager
def connected(choice: HostChoice, *, needs_all: bool = True) -> Iterator[Cluster]:
    """Yield the chosen hosts with an agent on each; TracerError where some have none and that is not allowed."""
    from tracer.hosts import inventory
    from tracer.hosts.cluster import Cluster
    from tracer.hosts.transport import Settings

    addresses = inventory.addresses(choice.inventory, choice.hosts, choice.limit)
    if len(addresses) > _MAX_HOSTS and not choice.limit:
        raise TracerError(f"{len(addresses)} hosts; choose some with --limit")
    password = _password() if choice.ask_become_pass else None
    settings = Settings(choice.forks, choice.silence, choice.become or choice.ask_become_pass, password)
    cluster = Cluster(addresses, settings)
    try:
        cluster.connect()
        _check(cluster, allow_missing=choice.allow_missing or not needs_all)
        yield cluster
    finally:
        cluster.close()


def on_hosts(choice: HostChoice, operation: str, **fields: Any) -> tuple[list[ProcessReport], bool]:
    """Return the reports that each host answers a request with, and whether all hosts answered."""
    with connected(choice, needs_all=False) as cluster:
        failed = bool(cluster.failed())
        outcomes = cluster.on_all(lambda link: link.reports(operation, **fields))
        for outcome in outcomes:
            if outcome.failure:
                printing.note(f"host {outcome.link.name}: {outcome.failure}")
        reports = [report for outcome in outcomes for report in [outcome.link.report(), *(outcome.value or ())]]
        return reports, not failed and not any(outcome.failure for outcome in outcomes)


def _password() -> str:
    return str(click.prompt("sudo password", hide_input=True, err=True, default="", show_default=False))


def _check(cluster: Cluster, *, allow_missing: bool) -> None:
    """Print a line for each host without an agent; refuse to go on without it unless that is allowed."""
    failed = cluster.failed()
    for link in failed:
        printing.note(f"host {link.name}: {link.failure}")
    if not cluster.up:
        raise TracerError(f"none of {plural(len(cluster.links), 'host')} can be reached")
    if failed and not allow_missing:
        raise TracerError(
            f"{len(failed)} of {plural(len(cluster.links), 'host')} cannot be reached; go on without: --allow-missing"
        )
