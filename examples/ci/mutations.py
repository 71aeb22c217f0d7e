"""Mutations of a recorded boot such as releases bring, each with the correct classes of change."""

from __future__ import annotations

import copy
from dataclasses import replace
from random import Random

from examples.ci import edits, tree
from examples.ci.choosing import Mutation, change_step, is_call, is_message, is_request, is_statement, is_watched, pick
from tracer.diff.baseline.normalise import is_eager_load
from tracer.model import Request, Step
from tracer.notation import normal_text


def drop(boot: Request, random: Random) -> Step | None:
    """Remove a step."""
    position = pick(boot, random, is_watched)
    return position[0].pop(position[1]) if position else None


def lose(boot: Request, random: Random) -> Step | None:
    """Remove a cast's chapter."""
    opened = [chapter for chapter in boot.chapters if chapter.opened_by]
    if not opened:
        return None
    chapter = random.choice(opened)
    boot.chapters.remove(chapter)
    return chapter


def add(boot: Request, random: Random) -> Step | None:
    """Add a function call."""
    position = pick(boot, random, is_call)
    if position is None:
        return None
    new = replace(copy.deepcopy(position[0][position[1]]), children=[], error=None)
    new.attributes["function"] = "never_seen"
    new.end = new.start + tree.SHORT
    tree.insert(boot, position[0], position[1], new)
    return new


def add_statement(boot: Request, random: Random) -> Step | None:
    """Add a statement."""
    position = pick(boot, random, is_statement)
    if position is None:
        return None
    new = copy.deepcopy(position[0][position[1]])
    new.attributes |= {"tables": ["never_seen"], "fingerprint": "000000000000"}
    tree.insert(boot, position[0], position[1], new)
    return new


def duplicate(boot: Request, random: Random) -> Step | None:
    """Repeat a step."""
    position = pick(boot, random, is_watched)
    if position is None:
        return None
    step = position[0][position[1]]
    tree.insert(boot, position[0], position[1], step)
    return step


def loop(boot: Request, random: Random) -> Step | None:
    """Add a statement to a loop."""
    positions = [
        (into, index)
        for into, index in tree.positions(boot, is_statement)
        if sum(normal_text.text(other) == normal_text.text(into[index]) for other in into) > 1
    ]
    if not positions:
        return None
    into, index = random.choice(positions)
    step = into[index]
    tree.insert(boot, into, index, step)
    return step


def reorder(boot: Request, random: Random) -> Step | None:
    """Swap two neighbours that have an order."""

    def ordered(first: Step, second: Step) -> bool:
        loads = is_eager_load(first) and is_eager_load(second)
        return is_watched(second) and not loads and normal_text.text(first) != normal_text.text(second)

    positions = [
        (into, index)
        for into, index in tree.positions(boot, is_watched)
        if index + 1 < len(into) and tree.are_ordered(into, index) and ordered(*into[index : index + 2])
    ]
    if not positions:
        return None
    into, index = random.choice(positions)
    step = into[index]
    tree.swap(into, index)
    return step


def move(boot: Request, random: Random) -> Step | None:
    """Move a block below another step of its service."""
    position = pick(boot, random, lambda step: is_call(step) and len(step.children) > 1)
    if position is None:
        return None
    step = position[0].pop(position[1])
    homes = [
        home
        for home in boot.walk()
        if home.service == step.service and home.children is not position[0] and is_call(home)
    ]
    if not homes:
        return None
    tree.insert(boot, random.choice(homes).children, 0, step)
    return step


def rename(boot: Request, random: Random) -> Step | None:
    """Rename a function."""

    def change(step: Step) -> None:
        step.attributes["function"] = "new_" + step.text("function")

    return change_step(boot, random, is_call, change)


def wrap(boot: Request, random: Random) -> Step | None:
    """Wrap a step in a new function."""
    position = pick(boot, random, is_call)
    if position is None:
        return None
    step = position[0][position[1]]
    around = replace(step, id=step.id + "w", attributes=step.attributes | {"function": "never_seen"}, children=[step])
    around.error = None
    position[0][position[1]] = around
    return around


def mode(boot: Request, random: Random) -> Step | None:
    """Turn a call into a cast, or a cast into a call."""

    def change(step: Step) -> None:
        turned = "call" if step.text("mode") == "cast" else "cast"
        for end in (step, *(child for child in step.children if child.kind == "rpc")):
            end.attributes["mode"] = turned

    return change_step(boot, random, is_message, change)


def table(boot: Request, random: Random) -> Step | None:
    """Let a statement read or write another table."""

    def change(step: Step) -> None:
        step.attributes |= {"tables": ["other_table"], "fingerprint": "111111111111"}

    return change_step(boot, random, is_statement, change)


def join(boot: Request, random: Random) -> Step | None:
    """Let a statement read one more table."""

    def change(step: Step) -> None:
        tables = step.attributes["tables"]
        assert isinstance(tables, list), "chosen by this"
        step.attributes |= {"tables": [*tables, "other_table"], "fingerprint": "222222222222"}

    return change_step(boot, random, lambda step: is_statement(step) and step.text("verb") == "SELECT", change)


def statement(boot: Request, random: Random) -> Step | None:
    """Replace a statement by another one on the same tables."""
    return change_step(boot, random, is_statement, lambda step: step.attributes.update(fingerprint="333333333333"))


def service(boot: Request, random: Random) -> Step | None:
    """Let another service run the step."""

    def change(step: Step) -> None:
        other = "conductor" if step.service != "conductor" else "scheduler"
        for inner in list(tree.own(step)):
            inner.service = other

    return change_step(boot, random, is_watched, change)


def version(boot: Request, random: Random) -> Step | None:
    """Change the version of a method."""
    return change_step(boot, random, is_message, lambda step: step.attributes.update(version="9.9"))


def objects(boot: Request, random: Random) -> Step | None:
    """Change the version of an object in the arguments."""

    def fits(step: Step) -> bool:
        return is_message(step) and "Instance 2." in str(step.attributes.get("arguments"))

    return change_step(boot, random, fits, lambda step: step.attributes.update(arguments={"instance": "Instance 9.9"}))


def status(boot: Request, random: Random) -> Step | None:
    """Change the status of an answer."""

    def change(step: Step) -> None:
        for end in (step, *(child for child in step.children if child.kind == "http")):
            end.attributes["status"] = 409

    return change_step(boot, random, is_request, change)


def query(boot: Request, random: Random) -> Step | None:
    """Add a parameter to a request's query."""

    def change(step: Step) -> None:
        path = step.text("path")
        step.attributes["path"] = f"{path}{'&' if '?' in path else '?'}required=COMPUTE_NEW"

    return change_step(boot, random, is_request, change)


def error(boot: Request, random: Random) -> Step | None:
    """Let a step fail."""

    def change(step: Step) -> None:
        step.error = "NeverSeen: it went wrong"

    return change_step(boot, random, lambda step: is_watched(step) and step.numbered and step.error is None, change)


def retry(boot: Request, random: Random) -> Step | None:
    """Let a message or request fail once and be sent again."""
    position = pick(
        boot, random, lambda step: (is_message(step) or is_request(step)) and step.error is None and not step.opens
    )
    if position is None:
        return None
    failed = replace(copy.deepcopy(position[0][position[1]]), children=[], error="MessagingTimeout: no answer")
    failed.end = failed.start + tree.SHORT
    tree.insert(boot, position[0], position[1], failed)
    return failed


def state(boot: Request, random: Random) -> Step | None:
    """Change an instance's state."""

    def change(step: Step) -> None:
        step.attributes["changes"] = {"task_state": [None, "never_seen"]}

    return change_step(boot, random, lambda step: step.kind == "state", change)


def slow(boot: Request, random: Random) -> Step | None:
    """Let a short step take two seconds longer; for long steps the policy only warns, since a machine may be busy."""
    position = pick(
        boot, random, lambda step: is_watched(step) and step.numbered and 0 <= (step.duration or -1) < _SHORT
    )
    if position is None:
        return None
    step = position[0][position[1]]
    tree.stretch(boot, step, 2_000_000_000)
    return step


#: In nanoseconds.
_SHORT = 60_000_000

#: Each mutation with the correct classes of change.
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
