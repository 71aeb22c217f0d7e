"""Lines that only the build of an instance logs."""

from __future__ import annotations

import re

from tracer.model import Step

_BUILD = re.compile(
    r"Took [\d.]+ seconds to build instance|Instance spawned successfully|Starting instance\.\.\.|Attempting claim|"
    r"Claim successful|Creating image|Failed to schedule|Instance failed to spawn|"
    r"Build of instance .* (aborted|was re-sch)|Exceeded max(imum number of retries|\. scheduling attempts)"
)


def is_of_build(step: Step) -> bool:
    """Return whether a line is one of those."""
    return step.kind == "log" and _BUILD.search(step.text("message")) is not None
