"""Steps of a recorded boot that a mutation may take, chosen by seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from examples.ci import tree
from tracer.model import Request, Step
from tracer.notation import normal_text
from tracer.notation.parse import is_library

#: Changes the boot, which is a copy, and says at which step; None if the boot has nothing that can change so.
Mutation = Callable[[Request, Random], Step | None]


def real(step: Step) -> bool:
    """A step that the diff is to watch: no talk, no library's own."""
    said = step.name.startswith("sqlalchemy.pool:") or is_library(normal_text.text(step))
    return step.kind not in ("log", "ask") and not said


def calls(step: Step) -> bool:
    """A function call that the diff is to watch."""
    return step.kind == "call" and bool(step.text("function")) and real(step)


def sql(step: Step) -> bool:
    """A statement of a service's own."""
    return step.kind == "sql" and real(step) and bool(step.attributes.get("tables"))


def sent(step: Step) -> bool:
    """A message, as its sender has it."""
    return step.kind == "rpc" and step.text("side") == "client" and step.text("mode") in ("call", "cast")


def asked(step: Step) -> bool:
    """A request, as its sender has it."""
    return step.kind == "http" and step.text("side") == "client"


def pick(boot: Request, random: Random, fits: Callable[[Step], bool]) -> tree.Place | None:
    """One of the places whose step fits."""
    found = tree.places(boot, fits)
    return random.choice(found) if found else None


def changed(boot: Request, random: Random, fits: Callable[[Step], bool], change: Callable[[Step], None]) -> Step | None:
    """One of the steps that fit, changed."""
    if (place := pick(boot, random, fits)) is None:
        return None
    step = place[0][place[1]]
    change(step)
    return step
