"""The errors of a boot: which of them ended it, and which something handled on the way."""

from __future__ import annotations

from diagrams.sequence.places import Place
from diagrams.text import first_line
from tracer.model import Request, Step

#: Errors that libraries raise to leave a loop.
_SIGNALS = frozenset({"LoopingCallDone", "StopIteration", "GreenletExit", "GeneratorExit"})
_WELL = frozenset({"active", "done", "deleted"})


def handled(boot: Request, all_places: list[Place]) -> set[int]:
    """Return the indexes of failed steps whose error ended inside something that succeeded, and did not end the boot.

    Of a boot that failed with an error that no step shows, only a request that was answered without an error proves
    that: what a service made of an error afterwards is unknown.
    """
    ending = _ending(boot, all_places)
    surely = boot.outcome in _WELL or bool(ending)
    succeeded = [False] * len(all_places)
    for index, entry in enumerate(all_places):
        above = entry.parent >= 0 and succeeded[entry.parent]
        succeeded[index] = above or (_succeeded(entry.step) and (surely or _answers(entry)))
    return {
        index
        for index, entry in enumerate(all_places)
        if entry.step.error is not None and entry.parent >= 0 and succeeded[entry.parent] and index not in ending
    }


def ends(boot: Request, all_places: list[Place], handled: set[int]) -> set[int]:
    """Return the first and the last step that each error passed through, of those that ended the boot if any did."""
    ending = _ending(boot, all_places)
    failed = ending or {index for index, entry in enumerate(all_places) if entry.step.error is not None} - handled
    passed_on = {all_places[index].parent for index in failed}
    return {index for index in failed if index not in passed_on or all_places[index].parent not in failed}


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
