"""Marks: the beginnings of a request's phases."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.model import Step


@dataclass(frozen=True)
class Mark:
    """The beginning of a phase, in nanoseconds, and the step that shows it."""

    time: int
    name: str
    service: str
    step: Step
