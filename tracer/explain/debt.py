"""A debt: something that a service owes to a request that failed without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.explain.explanation import Evidence, Next
from tracer.model import Step


@dataclass(frozen=True)
class Debt:
    """A debt in a sentence, the service and host that owe it ("" where unknown), and the steps and lines that show it.

    ``error`` is the cause as the service itself reports it, "" where it does not.
    """

    text: str
    service: str
    host: str
    steps: Sequence[Step]
    lines: tuple[Evidence, ...] = ()
    checks: tuple[Next, ...] = ()
    error: str = ""
