"""The differences that bootseq diff reports between two boots under its default policy."""

from __future__ import annotations

from datetime import date
from functools import cache

from tracer.commands import inputs
from tracer.diff.compare.compare import compare
from tracer.diff.policy.rules import Policy
from tracer.diff.policy.rules import judge as apply_policy
from tracer.model import Baseline, Change


def judge(old: Baseline, new: Baseline) -> list[Change]:
    """Return the differences with their severities. Modifies both sides."""
    comparison = compare(old, new)
    apply_policy(comparison, _policy(), date.min)
    return list(comparison.changes)


@cache
def _policy() -> Policy:
    return inputs.load_policy(())
