"""The wording of merged boots: number and names, counts, outcomes."""

from __future__ import annotations

from diagrams.text import plural, shorten
from diagrams.words.steps import LABEL, NOTE, TITLE
from tracer.model import Merged, MergedStep
from tracer.notation.marks import WORTH_TIMING

#: The maximum number of boots of a branch that are named, of those that do not take it, and of a name's characters.
_NAMED, _BUT, _NAME = 3, 2, 24


def heading(merged: Merged) -> tuple[str, str]:
    """Return the title with the number of boots and their outcomes, and the boots' names."""
    outcomes = [outcome.partition(":")[0] for outcome in merged.outcomes]
    ended = ", ".join(f"{outcomes.count(ending)} {ending}" for ending in dict.fromkeys(outcomes))
    release = f", Nova {merged.versions['nova']}" if "nova" in merged.versions else ""
    title = f"{merged.operation}: {plural(len(outcomes), 'boot')} merged, {ended}{release}"
    return shorten(title, NOTE), shorten(", ".join(merged.names), NOTE)


def guard(boots: frozenset[int], merged: Merged) -> str:
    """Return a guard, the boots and what only they requested: ``1 of 12 boots: vm3, request has key_name``."""
    share = f"{len(boots)} of {plural(len(merged.names), 'boot')}{_which(boots, merged)}"
    condition = merged.conditions.get(boots)
    return f"{share}, {shorten(condition, LABEL)}" if condition else share


def _which(boots: frozenset[int], merged: Merged) -> str:
    others = [number for number in range(len(merged.names)) if number not in boots]
    if len(boots) <= _NAMED:
        return f": {_listed(sorted(boots), merged)}"
    return f": all but {_listed(others, merged)}" if 0 < len(others) <= _BUT else ""


def _listed(boots: list[int], merged: Merged) -> str:
    return ", ".join(shorten(merged.names[number], _NAME) for number in boots)


def failures(step: MergedStep, merged: Merged) -> list[str]:
    """Return a step's errors, each with its boots unless all boots with the step failed with it."""
    texts = []
    for error in dict.fromkeys(step.errors.values()):
        boots = frozenset(boot for boot, own_error in step.errors.items() if own_error == error)
        where = "" if boots == step.boots else f" [{guard(boots, merged)}]"
        texts.append(f"! {shorten(error, TITLE)}{where}")
    return texts


def usual_time(step: MergedStep) -> int | None:
    """Return the median in nanoseconds, None if it is too short to mention."""
    return step.durations[1] if step.durations and step.durations[1] >= WORTH_TIMING else None
