"""Debts: what a failed boot waited for, and who owes it: a port that never came up, a volume, an image."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracer.explain import owed_port, owed_volume
from tracer.explain.cause import Failure
from tracer.explain.explanation import Debt, Next, Stage
from tracer.explain.failures import error_of
from tracer.explain.quotations import evidence
from tracer.model import Request, Step, Trace
from tracer.model.patterns import UUID

_NO_IMAGE = re.compile(rf"ImageNotFound\w*: .*?(?P<id>{UUID})|\bImage (?P<uuid>{UUID}) could not be found")
_IMAGE_PATH = re.compile(rf"/images/(?P<id>{UUID})")
#: The API's answer, which does not name the image.
_REFUSED = "Can not find requested image"


@dataclass(frozen=True)
class Owed:
    """The first cause of a failure by who owes what, and commands that show the state of it."""

    cause: Stage
    checks: tuple[Next, ...]


def find(failure: Failure | None, request: Request, trace: Trace) -> Owed | None:
    """Return who owes what a request failed for; None where it failed for something else, or nothing shows it."""
    if failure is None:
        return None
    debt = owed_port.find(failure, request, trace) or owed_volume.find(failure, request) or _image(failure, request)
    if debt is None:
        return None
    unique = {step.address: step for step in (*debt.steps, failure.first)}
    error = debt.error or failure.error
    cause = Stage(debt.text, debt.service, debt.host, error, (*evidence(*unique.values()), *debt.lines))
    return Owed(cause, debt.checks)


def _image(failure: Failure, request: Request) -> Debt | None:
    """Return that Glance owes an image that it does not have."""
    errors = [*(error_of(step) or "" for step in failure.path), request.outcome]
    named = next((match for error in errors if (match := _NO_IMAGE.search(error))), None)
    image = (named["id"] or named["uuid"]) if named is not None else _image_of(failure.first)
    if not image:
        text = "Glance owes the image of the request: the API did not find it; its id is not in the trace."
        return Debt(text, "image", "", [failure.first]) if any(_REFUSED in error for error in errors) else None
    answers = [step for step in request.walk() if _image_of(step) == image]
    lacks = "no data of it" if any(step.text("path").endswith("/file") for step in answers) else "none of this id"
    text = f"Glance owes image {image}: it has {lacks} for the project{', and answered 404' if answers else ''}."
    steps = [*answers[:1], *(step for step in failure.path if image in (error_of(step) or ""))][:3]
    show = Next("What Glance says of the image:", f"openstack image show {image}")
    return Debt(text, "image", "", steps, checks=(show,))


def _image_of(step: Step) -> str:
    """Return the image that a step asked Glance for in vain, "" for other steps."""
    match = _IMAGE_PATH.search(step.text("path"))
    return match["id"] if match and step.kind == "http" and step.text("status") == "404" else ""
