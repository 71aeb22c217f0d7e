"""The check of a boot against a spec: a result for each assertion, with the steps that decide it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tracer.model import Request, Step, lanes
from tracer.model.assertions import Assertion, Checked, Order, Outcome, Result, Spec
from tracer.spec import keys
from tracer.spec.counts import quantities


def check(spec: Spec, boot: Request) -> Checked:
    """Return the results of all assertions of the spec for one boot."""
    known = _Keyed(boot)
    amounts = quantities(boot)
    return Checked(boot, amounts, tuple(_result(assertion, boot, known, amounts) for assertion in spec.assertions))


class _Keyed:
    """The steps of a boot by key, in the order in which they began."""

    def __init__(self, boot: Request) -> None:
        self._by_key: dict[str, list[Step]] = defaultdict(list)
        for step in sorted(boot.walk(), key=lambda step: step.start):
            for key in keys.of(step):
                self._by_key[key].append(step)

    def steps(self, glob: str, service: str = "") -> tuple[Step, ...]:
        """Return the steps whose keys match a glob, of one service, or a project's services, unless it is ""."""
        steps = [step for key in self._matching(glob) for step in self._by_key[key]]
        unique = dict.fromkeys(step for step in steps if service in ("", step.service, lanes.family(step.service)))
        return tuple(sorted(unique, key=lambda step: step.start))

    def _matching(self, glob: str) -> Iterator[str]:
        if not any(sign in glob for sign in "*?["):
            yield from (key for key in (glob,) if key in self._by_key)
        else:
            yield from (key for key in self._by_key if fnmatchcase(key, glob))


def _result(assertion: Assertion, boot: Request, known: _Keyed, amounts: dict[str, int]) -> Result:
    if isinstance(assertion, Outcome):
        return Result(assertion, boot.outcome.partition(":")[0] in assertion.words, boot.outcome)
    if isinstance(assertion, Order):
        return _order(assertion, known)
    steps = known.steps(assertion.key, assertion.service)
    return Result(assertion, assertion.count.holds(len(steps), amounts), str(len(steps)), steps)


def _order(assertion: Order, known: _Keyed) -> Result:
    """Compare the first steps of the globs; a missing step fails the order."""
    firsts = [next(iter(known.steps(key)), None) for key in assertion.keys]
    steps = tuple(step for step in firsts if step is not None)
    missing = [key for key, step in zip(assertion.keys, firsts, strict=True) if step is None]
    if missing:
        return Result(assertion, holds=False, observed=f"no {missing[0]}", steps=steps)
    observed = [key for _, key in sorted(zip(steps, assertion.keys, strict=True), key=lambda pair: pair[0].start)]
    return Result(assertion, observed == list(assertion.keys), " before ".join(observed), steps)
