"""The files that policies stand in: bootseq's own, and those that people name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import tracer.diff.policy
from tracer import limits
from tracer.diff.policy.parser import MAX_SIZE, read
from tracer.diff.policy.rules import DEFAULT, Policy

#: What holds where no policy says otherwise.
DEFAULTS = Path(tracer.diff.policy.__file__).with_name("policy.yaml")


def load(paths: Sequence[Path]) -> Policy:
    """The defaults with ``paths`` on top of them, the last one uppermost."""
    policy = _defaults()
    for path in paths:
        own, on_top = read(limits.text(path, MAX_SIZE * 4), str(path))
        policy = own.upon(policy) if on_top else own
    return policy


@cache
def _defaults() -> Policy:
    return read(limits.text(DEFAULTS), DEFAULT)[0]
