"""Changes as releases bring them, made to a recorded boot, each with the classes that may name it."""

from __future__ import annotations

import copy
from dataclasses import replace
from random import Random

from examples.ci import edits, tree
from examples.ci.choosing import Mutation, asked, calls, changed, pick, real, sent, sql
from tracer.diff.baseline.normalise import is_eager_load
from tracer.model import Request, Step
from tracer.notation import normal_text


def drop(boot: Request, random: Random) -> Step | None:
    """A step happens no more."""
    place = pick(boot, random, real)
    return place[0].pop(place[1]) if place else None


def lose(boot: Request, random: Random) -> Step | None:
    """A cast never comes."""
    sent = [chapter for chapter in boot.chapters if chapter.opened_by]
    if not sent:
        return None
    chapter = random.choice(sent)
    boot.chapters.remove(chapter)
    return chapter


def add(boot: Request, random: Random) -> Step | None:
    """A function is called that was not there."""
    place = pick(boot, random, calls)
    if place is None:
        return None
    new = replace(copy.deepcopy(place[0][place[1]]), children=[], error=None)
    new.attributes["function"] = "never_seen"
    new.end = new.start + tree.SHORT
    tree.put(boot, place[0], place[1], new)
    return new


def add_statement(boot: Request, random: Random) -> Step | None:
    """A statement is made that was not there."""
    place = pick(boot, random, sql)
    if place is None:
        return None
    new = copy.deepcopy(place[0][place[1]])
    new.attributes |= {"tables": ["never_seen"], "fingerprint": "000000000000"}
    tree.put(boot, place[0], place[1], new)
    return new


def duplicate(boot: Request, random: Random) -> Step | None:
    """A step happens twice."""
    place = pick(boot, random, real)
    if place is None:
        return None
    step = place[0][place[1]]
    tree.put(boot, place[0], place[1], step)
    return step


def loop(boot: Request, random: Random) -> Step | None:
    """One statement more in a loop."""
    found = [
        (into, index)
        for into, index in tree.places(boot, sql)
        if sum(normal_text.text(other) == normal_text.text(into[index]) for other in into) > 1
    ]
    if not found:
        return None
    into, index = random.choice(found)
    step = into[index]
    tree.put(boot, into, index, step)
    return step


def reorder(boot: Request, random: Random) -> Step | None:
    """Two neighbours change places, which had an order."""

    def ordered(first: Step, second: Step) -> bool:
        loads = is_eager_load(first) and is_eager_load(second)
        return real(second) and not loads and normal_text.text(first) != normal_text.text(second)

    found = [
        (into, index)
        for into, index in tree.places(boot, real)
        if index + 1 < len(into) and tree.apart(into, index) and ordered(*into[index : index + 2])
    ]
    if not found:
        return None
    into, index = random.choice(found)
    step = into[index]
    tree.swap(into, index)
    return step


def move(boot: Request, random: Random) -> Step | None:
    """A block happens under another step of its service."""
    place = pick(boot, random, lambda step: calls(step) and len(step.children) > 1)
    if place is None:
        return None
    step = place[0].pop(place[1])
    homes = [
        each for each in boot.walk() if each.service == step.service and each.children is not place[0] and calls(each)
    ]
    if not homes:
        return None
    tree.put(boot, random.choice(homes).children, 0, step)
    return step


def rename(boot: Request, random: Random) -> Step | None:
    """A function has another name."""

    def change(step: Step) -> None:
        step.attributes["function"] = "new_" + step.text("function")

    return changed(boot, random, calls, change)


def wrap(boot: Request, random: Random) -> Step | None:
    """A step happens inside a function that was not there."""
    place = pick(boot, random, calls)
    if place is None:
        return None
    step = place[0][place[1]]
    around = replace(step, id=step.id + "w", attributes=step.attributes | {"function": "never_seen"}, children=[step])
    around.error = None
    place[0][place[1]] = around
    return around


def mode(boot: Request, random: Random) -> Step | None:
    """A call becomes a cast, or the other way round."""

    def change(step: Step) -> None:
        turned = "call" if step.text("mode") == "cast" else "cast"
        for each in (step, *(child for child in step.children if child.kind == "rpc")):
            each.attributes["mode"] = turned

    return changed(boot, random, sent, change)


def table(boot: Request, random: Random) -> Step | None:
    """A statement reads or writes another table."""

    def change(step: Step) -> None:
        step.attributes |= {"tables": ["other_table"], "fingerprint": "111111111111"}

    return changed(boot, random, sql, change)


def join(boot: Request, random: Random) -> Step | None:
    """A statement reads one more table."""

    def change(step: Step) -> None:
        tables = step.attributes["tables"]
        assert isinstance(tables, list), "chosen so"
        step.attributes |= {"tables": [*tables, "other_table"], "fingerprint": "222222222222"}

    return changed(boot, random, lambda step: sql(step) and step.text("verb") == "SELECT", change)


def statement(boot: Request, random: Random) -> Step | None:
    """Another statement on the same tables."""
    return changed(boot, random, sql, lambda step: step.attributes.update(fingerprint="333333333333"))


def service(boot: Request, random: Random) -> Step | None:
    """Another service does it."""

    def change(step: Step) -> None:
        other = "conductor" if step.service != "conductor" else "scheduler"
        for each in list(tree.own(step)):
            each.service = other

    return changed(boot, random, real, change)


def version(boot: Request, random: Random) -> Step | None:
    """Another version of a method."""
    return changed(boot, random, sent, lambda step: step.attributes.update(version="9.9"))


def objects(boot: Request, random: Random) -> Step | None:
    """Another version of an object in the arguments."""

    def fits(step: Step) -> bool:
        return sent(step) and "Instance 2." in str(step.attributes.get("arguments"))

    return changed(boot, random, fits, lambda step: step.attributes.update(arguments={"instance": "Instance 9.9"}))


def status(boot: Request, random: Random) -> Step | None:
    """Another answer."""

    def change(step: Step) -> None:
        for each in (step, *(child for child in step.children if child.kind == "http")):
            each.attributes["status"] = 409

    return changed(boot, random, asked, change)


def query(boot: Request, random: Random) -> Step | None:
    """A request asks for more."""

    def change(step: Step) -> None:
        path = step.text("path")
        step.attributes["path"] = f"{path}{'&' if '?' in path else '?'}required=COMPUTE_NEW"

    return changed(boot, random, asked, change)


def error(boot: Request, random: Random) -> Step | None:
    """A step fails."""

    def change(step: Step) -> None:
        step.error = "NeverSeen: it went wrong"

    return changed(boot, random, lambda step: real(step) and step.numbered and step.error is None, change)


def retry(boot: Request, random: Random) -> Step | None:
    """A message or request fails once and is sent again."""
    place = pick(boot, random, lambda step: (sent(step) or asked(step)) and step.error is None and not step.opens)
    if place is None:
        return None
    failed = replace(copy.deepcopy(place[0][place[1]]), children=[], error="MessagingTimeout: no answer")
    failed.end = failed.start + tree.SHORT
    tree.put(boot, place[0], place[1], failed)
    return failed


def state(boot: Request, random: Random) -> Step | None:
    """An instance gets another state."""

    def change(step: Step) -> None:
        step.attributes["changes"] = {"task_state": [None, "never_seen"]}

    return changed(boot, random, lambda step: step.kind == "state", change)


def slow(boot: Request, random: Random) -> Step | None:
    """A short step takes two seconds longer: of longer ones the policy warns, since a machine may be busy."""
    place = pick(boot, random, lambda step: real(step) and step.numbered and 0 <= (step.duration or -1) < _SHORT)
    if place is None:
        return None
    step = place[0][place[1]]
    tree.stretch(boot, step, 2_000_000_000)
    return step


#: In nanoseconds.
_SHORT = 60_000_000

#: Each mutation with the classes that name it right.
MUTATIONS: dict[str, tuple[Mutation, frozenset[str]]] = {
    "drop": (drop, frozenset({"removed", "repeated"})),
    "lose": (lose, frozenset({"removed", "repeated"})),
    "add": (add, frozenset({"added"})),
    "add statement": (add_statement, frozenset({"added"})),
    "duplicate": (duplicate, frozenset({"repeated"})),
    "loop": (loop, frozenset({"repeated"})),
    "reorder": (reorder, frozenset({"reordered"})),
    "move": (move, frozenset({"moved"})),
    "rename": (rename, frozenset({"renamed"})),
    "wrap": (wrap, frozenset({"added"})),
    "call and cast": (mode, frozenset({"mode"})),
    "other table": (table, frozenset({"tables"})),
    "one more table": (join, frozenset({"tables"})),
    "other statement": (statement, frozenset({"statement"})),
    "other service": (service, frozenset({"service"})),
    "version": (version, frozenset({"version"})),
    "object version": (objects, frozenset({"version"})),
    "status": (status, frozenset({"status"})),
    "query": (query, frozenset({"arguments"})),
    "error": (error, frozenset({"error"})),
    "retry": (retry, frozenset({"retried"})),
    "state": (state, frozenset({"state"})),
    "slow": (slow, frozenset({"slower", "stalled"})),
    **edits.EDITS,
}
