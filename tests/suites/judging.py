"""Judges one suite: both sides run, what differs repeated, the rest counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.suites import comparing, running
from tests.suites.outcomes import Run
from tests.suites.table import Suite


@dataclass
class Difference:
    """A test's outcomes in all runs, the first one first, and what the failing side wrote."""

    test: str
    plain: list[str]
    hooked: list[str]
    text: str
    verdict: str = "differs"
    reason: str = ""


@dataclass
class Result:
    """``afterwards`` has what differs when the suite has ended, by kind."""

    suite: str
    extent: str
    tests: int
    ok: int
    differences: list[Difference] = field(default_factory=list)
    afterwards: dict[str, list[str]] = field(default_factory=dict)
    memory: tuple[int, int] = (0, 0)
    seconds: tuple[float, float] = (0.0, 0.0)

    def count(self, verdict: str) -> int:
        """How many differences are of this verdict."""
        return sum(each.verdict == verdict for each in self.differences)

    @property
    def is_same(self) -> bool:
        """Whether the hooks changed nothing: something ran, and no difference is the hooks'."""
        return self.tests > 0 and not self.count("differs") and not self.afterwards


def judge(suite: Suite, extent: str, hooks: str, repeats: int, folder: Path) -> Result:
    """Run and compare the suite's ``slice`` or ``whole``, in a folder that keeps the reports."""
    names = suite.slice if extent == "slice" else suite.whole
    runs = running.run(suite, names, folder / "first", hooks)
    plain, hooked = runs["plain"], runs["hooked"]
    result = Result(suite.name, extent, len(plain.outcomes), sum(each == "ok" for each in plain.outcomes.values()))
    result.differences = list(_differences(plain, hooked))
    result.afterwards = comparing.afterwards(plain, hooked)
    if repeats and comparing.BY_CHANCE & set(result.afterwards):
        again = running.run(suite, names, folder / "again", hooks)
        second = comparing.afterwards(again["plain"], again["hooked"])
        result.afterwards = comparing.steady(result.afterwards, second)
    result.memory = plain.state.get("memory", 0), hooked.state.get("memory", 0)
    result.seconds = plain.seconds, hooked.seconds
    _repeat(suite, names, hooks, result.differences, repeats, folder)
    return result


def _differences(plain: Run, hooked: Run) -> Iterator[Difference]:
    for test, (before, after) in comparing.differing(plain, hooked).items():
        yield Difference(test, [before], [after], hooked.texts.get(test) or plain.texts.get(test, ""))


def _repeat(
    suite: Suite, names: tuple[str, ...], hooks: str, differences: list[Difference], times: int, folder: Path
) -> None:
    """Run the classes in which something differed again, plain and hooked, and say what the differences are."""
    again = tuple(sorted({group(suite, names, each.test) for each in differences}))
    for number in range(times if again else 0):
        runs = running.run(suite, again, folder / f"repeat-{number}", hooks)
        for each in differences:
            each.plain.append(runs["plain"].outcomes.get(each.test, comparing.ABSENT))
            each.hooked.append(runs["hooked"].outcomes.get(each.test, comparing.ABSENT))
    for each in differences:
        each.reason = comparing.known(each.test, suite.flaky)
        each.verdict = "flaky" if each.reason else comparing.verdict(each.plain, each.hooked)


def group(suite: Suite, names: tuple[str, ...], test: str) -> str:
    """The class or the module of a test; what belongs to no selected name is repeated with the first of them."""
    if suite.driver == "pytest":
        return test.partition("[")[0].rpartition("::")[0] or test
    inner = (
        test.partition(" (")[2].rstrip(")") or test.partition("(")[0].rpartition(".")[0]
    )  # setUpClass (module.Class)
    return inner if any(f"{inner}.".startswith(f"{name.partition('.')[0]}.") for name in names) else names[0]
