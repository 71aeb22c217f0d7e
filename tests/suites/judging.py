"""The judgement of a suite: both sides run, differing tests repeated, the others counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.suites import comparing, running
from tests.suites.outcomes import Run
from tests.suites.table import Suite


@dataclass
class Difference:
    """A test's outcomes in all runs, first run first, and the failing side's text."""

    test: str
    plain: list[str]
    hooked: list[str]
    text: str
    verdict: str = "differs"
    reason: str = ""


@dataclass
class Result:
    """A suite's result; ``afterwards`` has the differences after the suite has ended, by kind."""

    suite: str
    extent: str
    tests: int
    ok: int
    differences: list[Difference] = field(default_factory=list)
    afterwards: dict[str, list[str]] = field(default_factory=dict)
    memory: tuple[int, int] = (0, 0)
    seconds: tuple[float, float] = (0.0, 0.0)

    def count(self, verdict: str) -> int:
        """Count the differences of this verdict."""
        return sum(difference.verdict == verdict for difference in self.differences)

    @property
    def is_same(self) -> bool:
        """Return whether the hooks changed nothing: tests ran, and no difference is due to the hooks."""
        return self.tests > 0 and not self.count("differs") and not self.afterwards


def judge(suite: Suite, extent: str, hooks: str, repeats: int, folder: Path) -> Result:
    """Run and compare the suite's ``slice`` or ``whole``, in a folder for the reports."""
    names = suite.slice if extent == "slice" else suite.whole
    runs = running.run(suite, names, folder / "first", hooks)
    plain, hooked = runs["plain"], runs["hooked"]
    result = Result(
        suite.name, extent, len(plain.outcomes), sum(outcome == "ok" for outcome in plain.outcomes.values())
    )
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
    """Repeat the classes in which tests differed, plain and hooked, and set the differences' verdicts."""
    again = tuple(sorted({group(suite, names, difference.test) for difference in differences}))
    for number in range(times if again else 0):
        runs = running.run(suite, again, folder / f"repeat-{number}", hooks)
        for difference in differences:
            difference.plain.append(runs["plain"].outcomes.get(difference.test, comparing.ABSENT))
            difference.hooked.append(runs["hooked"].outcomes.get(difference.test, comparing.ABSENT))
    for difference in differences:
        difference.reason = comparing.known(difference.test, suite.flaky)
        difference.verdict = "flaky" if difference.reason else comparing.verdict(difference.plain, difference.hooked)


def group(suite: Suite, names: tuple[str, ...], test: str) -> str:
    """Return a test's class or module, or the first selected name if none covers the test."""
    if suite.driver == "pytest":
        return test.partition("[")[0].rpartition("::")[0] or test
    inner = (
        test.partition(" (")[2].rstrip(")") or test.partition("(")[0].rpartition(".")[0]
    )  # setUpClass (module.Class)
    return inner if any(f"{inner}.".startswith(f"{name.partition('.')[0]}.") for name in names) else names[0]
