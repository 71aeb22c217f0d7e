"""What bootseq diff would say of two boots under its default policy, for the scripts that count what it says."""

from __future__ import annotations

from datetime import date
from functools import cache

from tracer.commands import policies
from tracer.diff.compare.compare import compare
from tracer.diff.policy.rules import Policy, judge
from tracer.model import Baseline, Change


def judged(old: Baseline, new: Baseline) -> list[Change]:
    """The differences with their severities; both sides are used up."""
    comparison = compare(old, new)
    judge(comparison, _policy(), date.min)
    return list(comparison.changes)


@cache
def _policy() -> Policy:
    return policies.load(())
