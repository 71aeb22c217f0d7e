"""The answer to "where is it now": the chains of a subject, whether they move, a sentence, and the next command."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from tracer.live.holders import Subject
from tracer.live.links import Chain, Link
from tracer.live.owners import Owner
from tracer.live.waits import work

MOVING, STUCK, UNKNOWN = "moving", "stuck", "cannot tell"
EXIT_CODES = {MOVING: 0, STUCK: 1, UNKNOWN: 2}
#: Waits that are known to take long, or to end by themselves: they are waits as long as nobody is known to be down.
_LONG = frozenset(("sleep", "download", "volume", "retry", "computing", "socket", "call", "switched", "child"))
#: Values that change while a loop waits for the same thing.
_COUNTS = frozenset(("try", "tries_left", "rpc_ends"))
#: The content of an image, by its address.
_IMAGE = re.compile(r"/images/[^/]+/file$")


@dataclass(frozen=True)
class LogLine:
    """The last line with an id in a service's log, its secrets masked, and the seconds since the file was written."""

    service: str
    pid: int
    file: str
    text: str
    quiet_s: float


@dataclass
class Answer:
    """The chains of a subject and what follows from them; ``state`` is MOVING, STUCK or UNKNOWN."""

    subject: Subject
    state: str
    chains: list[Chain]
    sentence: str
    next: str = ""
    log: list[LogLine] = field(default_factory=list)

    @property
    def owner(self) -> Owner | None:
        """The one who owes the next step."""
        return self.chains[0].owner if self.chains else None


def of_subject(subject: Subject, chains: list[Chain], before: list[Chain] | None) -> Answer:
    """Return the answer for the chains of a subject, longest first, and those of the visit before."""
    state = _state(chains, before)
    return Answer(subject, state, chains, _sentence(subject, chains[0], state), chains[0].owner.fix)


def of_nobody(what: str, down: list[Owner], log: list[LogLine]) -> Answer:
    """Return the answer where no visited thread works for ``what``; the services ``down`` can take no message."""
    subject = Subject(name=what)
    begun = f"no thread of a visited service works for {what}"
    past = f"; its last line is {log[0].service}'s" if log else ""
    if len(down) == 1 and log:
        sentence = f"{what} is stuck: {begun}, and {down[0].text} {down[0].why}{past}."
        return Answer(subject, STUCK, [Chain([], down[0])], sentence, down[0].fix, log)
    others = f"; {', '.join(f'{owner.text} {owner.why}' for owner in down)}" if down else ""
    return Answer(
        subject, UNKNOWN, [], f"Cannot tell: {begun}{others}{past}: it has ended, or waits in a queue.",
        down[0].fix if down else "bootseq doctor", log,
    )  # fmt: skip


def _state(chains: list[Chain], before: list[Chain] | None) -> str:
    main = chains[0]
    if main.owner.down:
        return STUCK
    if before is not None and not _is_same(main, before):
        return MOVING
    last = main.links[-1]
    is_long = last.wait.kind in _LONG or _IMAGE.search(last.details.get("url", ""))
    return UNKNOWN if before is None or is_long else STUCK


def _is_same(chain: Chain, before: list[Chain]) -> bool:
    """Return whether one of the earlier chains waited in the same functions for the same."""
    return any(list(map(_position, chain.links)) == list(map(_position, other.links)) for other in before)


def _position(link: Link) -> tuple[Any, ...]:
    stack, process = link.stack, link.holder.process
    frames = tuple((frame.function, frame.line) for frame in stack.frames[link.wait.index :])
    values = tuple((key, value) for _, key, value in stack.values if key not in _COUNTS)
    thread = process.threads.get(stack.number)
    # A visit itself wakes the main thread, and a loop that waits wakes its own.
    is_still = link.wait.kind in ("http", "download", "socket") and stack.number != process.inner_pid
    return process.pid, stack.thread, stack.number, frames, values, thread.switches if thread and is_still else 0


def _sentence(subject: Subject, chain: Chain, state: str) -> str:
    words = []
    for number, link in enumerate(chain.links):
        start = "" if number == 0 else "which "
        words.append(f"{start}{link.holder.process.name} in {link.function} waits for {link.waits_for}")
    end = f"{chain.owner.text} {chain.owner.why}"
    state_words = {MOVING: "moves", STUCK: "is stuck", UNKNOWN: "waits, and whether it moves cannot be told"}[state]
    return f"{subject.text} {state_words}: {', '.join(words)}; {end}."


def as_json(answer: Answer, every_frame: bool = False) -> dict[str, Any]:
    """Return the answer's fields for JSON output."""
    return {
        "what": answer.subject.text,
        "server": answer.subject.name,
        "uuid": answer.subject.uuid,
        "request_ids": list(answer.subject.requests),
        "state": answer.state,
        "sentence": answer.sentence,
        "next": answer.next,
        "owner": None if answer.owner is None else _owner_as_json(answer.owner),
        "chains": [[_link_as_json(link, every_frame) for link in chain.links] for chain in answer.chains],
        "log": [asdict(line) for line in answer.log],
    }


def as_explanation(answer: Answer) -> dict[str, Any]:
    """Return the fields that ``explain --json`` promises, with those of the answer beside them."""
    owner = answer.owner
    waits = [{"text": link.waits_for, "service": link.holder.process.service} for link in _main_links(answer)]
    cause = {"text": owner.why, "service": owner.service, "host": "", "error": "", "evidence": []} if owner else None
    fields = {"outcome": answer.state, "cause": cause, "chain": [], "waits": waits, "phases": [], "next": [answer.next]}
    return as_json(answer) | fields


def _main_links(answer: Answer) -> list[Link]:
    return answer.chains[0].links if answer.chains else []


def _owner_as_json(owner: Owner) -> dict[str, Any]:
    return {"text": owner.text, "service": owner.service, "pid": owner.pid, "why": owner.why, "down": owner.down}


def _link_as_json(link: Link, every_frame: bool) -> dict[str, Any]:
    process, stack = link.holder.process, link.stack
    return {
        "service": process.service,
        "host": process.host,
        "pid": process.pid,
        "thread": stack.thread,
        "kind": stack.kind,
        "function": link.function,
        "wait": {"kind": link.wait.kind, "text": link.waits_for, **link.details},
        "stack": lines(link, every_frame),
    }


def lines(link: Link, every_frame: bool) -> list[str]:
    """Return the functions of a link, outermost first, at the grain of the tree or all of them with their lines."""
    frames = link.stack.frames if every_frame else work(link.stack)
    return [f"{frame.text}:{frame.line}" if every_frame else frame.text for frame in reversed(frames)]
