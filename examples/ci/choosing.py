"""The choice, by seed, of a recorded boot's steps for mutations."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from examples.ci import tree
from tracer.model import Request, Step
from tracer.notation import normal_text
from tracer.notation.parse import is_library

#: Changes a copy of a boot and returns the changed step; None if the boot has no step for this change.
Mutation = Callable[[Request, Random], Step | None]


def is_watched(step: Step) -> bool:
    """Return whether the diff must detect changes of the step: no log line, and not a library's own step."""
    library = step.name.startswith("sqlalchemy.pool:") or is_library(normal_text.text(step))
    return step.kind not in ("log", "ask") and not library


def is_call(step: Step) -> bool:
    """Return whether the step is a function call whose changes the diff must detect."""
    return step.kind == "call" and bool(step.text("function")) and is_watched(step)


def is_statement(step: Step) -> bool:
    """Return whether the step is a service's own statement."""
    return step.kind == "sql" and is_watched(step) and bool(step.attributes.get("tables"))


def is_message(step: Step) -> bool:
    """Return whether the step is the sending of a message."""
    return step.kind == "rpc" and step.text("side") == "client" and step.text("mode") in ("call", "cast")


def is_request(step: Step) -> bool:
    """Return whether the step is the sending of a request."""
    return step.kind == "http" and step.text("side") == "client"


def pick(boot: Request, random: Random, fits: Callable[[Step], bool]) -> tree.Position | None:
    """Return the position of a random step that fits, None if there is none."""
    positions = tree.positions(boot, fits)
    return random.choice(positions) if positions else None


def change_step(
    boot: Request, random: Random, fits: Callable[[Step], bool], change: Callable[[Step], None]
) -> Step | None:
    """Change a random step that fits; return it."""
    if (position := pick(boot, random, fits)) is None:
        return None
    step = position[0][position[1]]
    change(step)
    return step
