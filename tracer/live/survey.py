"""Two rounds of visits to the services of this machine, and the answers from what differs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tracer.attach import processes
from tracer.attach.processes import Process
from tracer.callbacks import ignore
from tracer.live import answer, logs, visit
from tracer.live.answer import Answer
from tracer.live.chain import Follower
from tracer.live.holders import Holder, Subject, matching, subjects
from tracer.live.links import Chain
from tracer.live.owners import Owner, stopped
from tracer.live.stacks import ProcessStacks
from tracer.live.waits import wait_of


@dataclass
class Round:
    """One round of visits."""

    processes: list[ProcessStacks]

    def chains(self, subject: Subject) -> list[Chain]:
        """Return the chains of a subject, the longest first, without those that are a part of another."""
        follower = Follower(self.processes)
        chains = [follower.chain(holder) for holder in subject.holders if not _is_idle(holder)]
        chains.sort(key=lambda chain: (-len(chain.links), not chain.owner.down, chain.links[0].wait.ends_by_itself))
        covered: set[int] = set()
        result = []
        for chain in chains:
            if id(chain.links[0].stack) not in covered:
                result.append(chain)
                covered |= {id(link.stack) for link in chain.links}
        return result


def _is_idle(holder: Holder) -> bool:
    return wait_of(holder.stack, holder.process.threads.get(holder.stack.number)).kind == "idle"


class Survey:
    """The rounds of visits; each is compared with the one before."""

    def __init__(self, wanted: list[Process] | None = None) -> None:
        self._wanted = wanted
        self.last: Round | None = None

    def visit(self) -> Round:
        """Visit the services; those that started meanwhile too."""
        wanted = self._wanted if self._wanted is not None else processes.services()
        return Round(visit.visit_all(wanted))

    def answers(self, what: str | None, seconds: float, on_progress: Callable[[str], object] = ignore) -> list[Answer]:
        """Return the answers for ``what``, or for everything that is under way, from two visits ``seconds`` apart."""
        on_progress("visiting the services")
        if self.last is None:
            self.last = self.visit()
            plain = _plain_answers(self.last, what) if what is not None else []
            if plain:
                return plain
        on_progress("waiting for what moves")
        time.sleep(seconds)
        before, current = self.last, self.visit()
        self.last = current
        wanted = _subjects(current, what)
        if not wanted and what is not None and not _subjects(before, what):
            return [_of_nobody(current, what)]
        if not wanted and what is not None:
            wanted_before = _subjects(before, what)
            return [Answer(wanted_before[0], answer.MOVING, [], f"{what} moves: nothing holds it any more.")]
        return [_answer(subject, current, before) for subject in wanted if current.chains(subject)]


def _plain_answers(current: Round, what: str) -> list[Answer]:
    """Return the answers where the first visit says it all, since who owes the next step is down; else none."""
    wanted = _subjects(current, what)
    if not wanted:
        nobody = _of_nobody(current, what)
        return [nobody] if nobody.state == answer.STUCK else []
    chains = [current.chains(subject) for subject in wanted]
    if not all(mine and mine[0].owner.down for mine in chains):
        return []
    return [_answer(subject, current, current) for subject in wanted]


def _subjects(current: Round, what: str | None) -> list[Subject]:
    """Return what is under way for ``what``: a name that no frame has is looked for in the logs, for its request."""
    if what is None:
        return subjects(current.processes)
    named = matching(current.processes, what)
    if not named:
        requests = logs.requests_of(current.processes, what)
        named = [subject for subject in subjects(current.processes) if {*subject.requests} & {*requests[-1:]}]
    return named


def _answer(subject: Subject, current: Round, before: Round) -> Answer:
    earlier = [other for other in subjects(before.processes) if _is_same(subject, other)]
    chains_before = [chain for other in earlier for chain in before.chains(other)]
    result = answer.of_subject(subject, current.chains(subject), chains_before)
    result.log = logs.last_lines(current.processes, subject.requests or (subject.uuid,))[:1]
    return result


def _is_same(subject: Subject, other: Subject) -> bool:
    return bool(subject.uuid and subject.uuid == other.uuid) or bool({*subject.requests} & {*other.requests})


def _of_nobody(current: Round, what: str) -> Answer:
    requests = logs.requests_of(current.processes, what)
    log = logs.last_lines(current.processes, [*requests[-1:]] or [what])
    return answer.of_nobody(what, _down(current.processes), log)


def _down(every: list[ProcessStacks]) -> list[Owner]:
    """Return the services that cannot take a message now: stopped ones, and those of Nova that do not run."""
    down = [stopped(process) for process in every if process.problem]
    services = {process.service for process in every}
    if any(service.startswith("nova-") for service in services):
        down += [
            Owner(service, "does not run here", service, down=True, fix=f"systemctl status {service}")
            for service in ("nova-conductor", "nova-scheduler") if service not in services
        ]  # fmt: skip
    return list({owner.text.split(" (")[0]: owner for owner in down}.values())
