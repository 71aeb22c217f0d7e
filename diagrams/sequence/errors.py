"""The errors of a boot: which of them ended it, and which something handled on the way."""

from __future__ import annotations

from dataclasses import dataclass

from diagrams.sequence.places import Place
from diagrams.text import first_line
from tracer.model import Request, Step

#: Errors that libraries raise to leave a loop.
_SIGNALS = frozenset({"LoopingCallDone", "StopIteration", "GreenletExit", "GeneratorExit"})
_WELL = frozenset({"active", "done", "deleted"})


@dataclass(frozen=True, slots=True)
class Errors:
    """The indexes of failed steps: those whose error was handled, and the ends of the ways of the others."""

    #: The error ended inside something that succeeded, and did not end the boot.
    handled: frozenset[int]
    #: The first and the last step that an error passed through, of the errors that ended the boot if any did.
    ends: frozenset[int]


def errors(boot: Request, all_places: list[Place]) -> Errors:
    """Return the errors of a boot.

    Of a boot that failed with an error that no step shows, only a request that was answered without an error proves
    that one was handled: what a service made of an error afterwards is unknown.
    """
    ending = _ending(boot, all_places)
    surely = boot.outcome in _WELL or bool(ending)
    succeeded = [False] * len(all_places)
    for index, entry in enumerate(all_places):
        above = entry.parent >= 0 and succeeded[entry.parent]
        succeeded[index] = above or (_succeeded(entry.step) and (surely or _answers(entry)))
    failed = {index for index, entry in enumerate(all_places) if entry.step.error is not None}
    handled = {
        index for index in failed - ending if all_places[index].parent >= 0 and succeeded[all_places[index].parent]
    }
    shown = ending or failed - handled
    passed_on = {all_places[index].parent for index in shown}
    ends = {index for index in shown if index not in passed_on or all_places[index].parent not in shown}
    return Errors(frozenset(handled), frozenset(ends))


def is_signal(step: Step) -> bool:
    """Return whether a step's error only leaves a loop."""
    return _class(step) in _SIGNALS


def _class(step: Step) -> str:
    return first_line(step.error or "").partition(":")[0].strip()


def _ending(boot: Request, all_places: list[Place]) -> set[int]:
    """Return the failed steps whose error the outcome names, and those that their errors came through."""
    ending: set[int] = set()
    for index, entry in enumerate(all_places):
        if entry.step.error is None:
            continue
        if entry.parent in ending or (len(name := _class(entry.step)) > 1 and name in boot.outcome):
            ending.add(index)
    return ending


def _succeeded(step: Step) -> bool:
    status = step.text("status")
    return step.end is not None and step.error is None and not (status.isdigit() and int(status) >= 400)


def _answers(entry: Place) -> bool:
    return entry.parent >= 0 and entry.step.is_server and entry.step.kind in ("http", "rpc")
