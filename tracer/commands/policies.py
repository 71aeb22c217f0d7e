"""Policy files: bootseq's own and the ones on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import tracer.diff.policy
from tracer import limits
from tracer.diff.policy.parser import MAX_SIZE, read
from tracer.diff.policy.rules import DEFAULT, Policy

#: The default policy.
DEFAULTS = Path(tracer.diff.policy.__file__).with_name("policy.yaml")


def load(paths: Sequence[Path]) -> Policy:
    """Return the defaults, overridden by each of ``paths`` in turn."""
    policy = _defaults()
    for path in paths:
        own, on_top = read(limits.text(path, MAX_SIZE * 4), str(path))
        policy = own.upon(policy) if on_top else own
    return policy


@cache
def _defaults() -> Policy:
    return read(limits.text(DEFAULTS), DEFAULT)[0]
