"""Work that a service does every few seconds whether it is asked for anything or not."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tracer.model import Step
from tracer.model.patterns import PERIODIC_LOGGERS, SERVICE_REPORTS

_NAME = re.compile(rf"\bservices$|{SERVICE_REPORTS}|({'|'.join(PERIODIC_LOGGERS)})$")


def is_periodic(step: Step) -> bool:
    """Return whether a step is such work, by its name."""
    return _NAME.search(step.name) is not None


def ids(heads: Iterable[Step]) -> set[str]:
    """Return the request ids under which services log such work."""
    return {head.request_id for head in heads if head.kind == "log" and head.request_id and is_periodic(head)}
