"""The stacks that do the work of a server, a request, a volume or a port; and whose work is under way at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tracer.live.rules import OWNERS
from tracer.live.stacks import ProcessStacks, Stack
from tracer.live.waits import is_under_way

#: Characters of the beginning of a uuid.
_SHORTEST = 6


@dataclass(frozen=True)
class Holder:
    """A stack in its process."""

    process: ProcessStacks
    stack: Stack


@dataclass
class Subject:
    """The owner of work that stacks do: an instance, or the request alone where no frame knows of an instance."""

    name: str = ""
    uuid: str = ""
    requests: tuple[str, ...] = ()
    holders: list[Holder] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the name of the server, else its uuid, else the request id."""
        return self.name or self.uuid or next(iter(self.requests), "")


def under_way(processes: Iterable[ProcessStacks]) -> list[Holder]:
    """Return the stacks that do work for an instance or a request."""
    return [
        Holder(process, stack) for process in processes for stack in process.stacks
        if is_under_way(stack) and stack.all(*OWNERS)
    ]  # fmt: skip


def subjects(processes: Iterable[ProcessStacks]) -> list[Subject]:
    """Return everything that is under way, by instance, else by request."""
    holders = under_way(processes)
    by_request = _instances_by_request(holders)
    result: dict[str, Subject] = {}
    for holder in holders:
        instances = _instances(holder)
        requests = holder.stack.all("request")[:1]
        if not instances:
            callers = [*requests, *holder.stack.all("global")]
            instances = {instance for request in callers for instance in by_request.get(request, ())}
        # Work for many instances is a list, a periodic task: it is nobody's.
        if len(instances) == 1 or (instances and len(instances) <= len(by_request.get("".join(requests), ()))):
            for instance in sorted(instances):
                _add(result.setdefault(instance, Subject(uuid=instance)), holder, requests)
        elif not instances and requests:
            _add(result.setdefault(requests[0], Subject()), holder, requests)
    return list(result.values())


def _add(subject: Subject, holder: Holder, requests: list[str]) -> None:
    subject.holders.append(holder)
    subject.requests = tuple(dict.fromkeys((*subject.requests, *requests)))
    if not subject.name and len(_instances(holder)) == 1:
        subject.name = holder.stack.first("name")


def _instances(holder: Holder) -> set[str]:
    return set(holder.stack.all("instance"))


def _instances_by_request(holders: list[Holder]) -> dict[str, set[str]]:
    """Return the instances of each request; those of a request of many instances are in several stacks."""
    result: dict[str, set[str]] = {}
    for holder in holders:
        for request in holder.stack.all("request")[:1]:
            result.setdefault(request, set()).update(_instances(holder))
    return result


def matching(processes: Iterable[ProcessStacks], what: str) -> list[Subject]:
    """Return the subjects that ``what`` names: a server's name, the beginning of a uuid, a request id."""
    wanted = what.strip()
    return [subject for subject in subjects(processes) if _matches(subject, wanted)]


def _matches(subject: Subject, wanted: str) -> bool:
    if wanted in (subject.name, subject.uuid) or wanted in subject.requests:
        return True
    if len(wanted) >= _SHORTEST and subject.uuid.startswith(wanted):
        return True
    return any(wanted in holder.stack.all("global", "volume", "port") for holder in subject.holders)
