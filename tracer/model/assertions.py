"""Specs of boots: assertions, the counts that they expect, and their results for a boot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tracer.model.steps import Request, Step

#: What a count may depend on: ports, volumes and hosts of the boot.
SUBJECTS = ("port", "volume", "host")


@dataclass(frozen=True, slots=True)
class Sum:
    """A number of steps: a fixed one, and further ones per port, volume or host of the boot."""

    fixed: int
    per: tuple[tuple[str, int], ...] = ()

    def value(self, quantities: Mapping[str, int]) -> int:
        """Return the number for a boot with so many ports, volumes and hosts."""
        return self.fixed + sum(number * quantities[subject] for subject, number in self.per)

    def __str__(self) -> str:
        terms = [f"{number} per {subject}" for subject, number in self.per]
        return " + ".join([str(self.fixed), *terms] if self.fixed or not terms else terms)


ZERO = Sum(0)


@dataclass(frozen=True, slots=True)
class Count:
    """The least and the most steps, both included; ``most`` is None for any number."""

    least: Sum
    most: Sum | None

    def limits(self, quantities: Mapping[str, int]) -> tuple[int, int | None]:
        """Return both limits for a boot with so many ports, volumes and hosts."""
        return self.least.value(quantities), None if self.most is None else self.most.value(quantities)

    def holds(self, number: int, quantities: Mapping[str, int]) -> bool:
        """Return whether a boot may have so many steps."""
        least, most = self.limits(quantities)
        return least <= number and (most is None or number <= most)

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        if self.least == self.most:
            return str(self.least) if self.least != ZERO else "none"
        return f"at most {self.most}" if self.least == ZERO else f"{self.least} to {self.most}"


@dataclass(frozen=True)
class Number:
    """The steps whose keys match a glob are of a number, in the whole boot or within one service."""

    key: str
    count: Count
    service: str = ""
    line: int = 0

    def __str__(self) -> str:
        within = f" within {self.service}" if self.service else ""
        return f"{self.key}{within}: {self.count}"


@dataclass(frozen=True)
class Order:
    """The first step of each glob begins before the first step of the next one."""

    keys: tuple[str, ...]
    line: int = 0

    def __str__(self) -> str:
        return " before ".join(self.keys)


@dataclass(frozen=True)
class Outcome:
    """The boot ends with one of some outcomes: active, error, deleted, done, failed."""

    words: tuple[str, ...]
    line: int = 0

    def __str__(self) -> str:
        return f"outcome {' or '.join(self.words)}"


Assertion = Number | Order | Outcome


@dataclass(frozen=True)
class Spec:
    """Assertions on requests of one operation: ``boot``, another's method and path, or "" for any."""

    assertions: tuple[Assertion, ...]
    operation: str = ""
    name: str = ""


@dataclass(frozen=True)
class Result:
    """An assertion on a boot: whether it holds, what was observed, and the steps that it is about, in their order."""

    assertion: Assertion
    holds: bool
    observed: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Checked:
    """The results of a boot, in the order of the spec, and its numbers of ports, volumes and hosts."""

    boot: Request
    quantities: dict[str, int]
    results: tuple[Result, ...]

    @property
    def failures(self) -> list[Result]:
        """The results of assertions that do not hold."""
        return [result for result in self.results if not result.holds]


def expected(number: Number, amounts: dict[str, int]) -> str:
    """Return the count that a boot should have, with its value where it depends on ports, volumes or hosts."""
    if not number.count.least.per and not (number.count.most and number.count.most.per):
        return str(number.count)
    least, most = number.count.limits(amounts)
    limits = f"at least {least}" if most is None else str(least) if least == most else f"{least} to {most}"
    return f"{number.count} = {limits}"
