"""Comparison of a suite's two sides: differing tests, their repetitions, and the state of the processes afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from tests.suites.outcomes import Run

ABSENT = "did not run"
#: These depend on garbage collection and on when threads end, not on the hooks.
BY_CHANCE = frozenset(("descriptors", "threads", "memory", "warnings"))
#: A suite may take so much more memory under the hooks: the hooks' own, and the noise of two runs.
MEMORY_MIB, MEMORY_SHARE = 32, 1.25


def differing(plain: Run, hooked: Run) -> dict[str, tuple[str, str]]:
    """Return the outcomes on both sides by test, where they differ."""
    names = [*plain.outcomes, *(name for name in hooked.outcomes if name not in plain.outcomes)]
    pairs = {name: (plain.outcomes.get(name, ABSENT), hooked.outcomes.get(name, ABSENT)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def verdict(plain: list[str], hooked: list[str]) -> str:
    """Return ``flaky`` if plain runs differ among themselves, ``once`` if no repetition differed, else ``differs``.

    Both lists begin with the first run.
    """
    if len(set(plain)) > 1:
        return "flaky"
    repeated = set(hooked[1:])
    return "once" if repeated and repeated == set(plain) else "differs"


def known(name: str, flaky: dict[str, str]) -> str:
    """Return the reason why a test is known to be flaky, else nothing."""
    return next((reason for pattern, reason in flaky.items() if fnmatchcase(name, pattern)), "")


def afterwards(plain: Run, hooked: Run) -> dict[str, list[str]]:
    """Return the differences after the suite has ended, as lines by kind."""
    before, after = plain.state, hooked.state
    if not before or not after:
        return {"process": [f"ended before its report: {plain.exit} plain, {hooked.exit} hooked"]}
    differences = {
        "descriptors": _counted(before["descriptors"], after["descriptors"]),
        "threads": _counted(before["threads"], after["threads"]),
        "memory": _memory(before["memory"], after["memory"]),
        "attributes": list(_looks(before["attributes"], after["attributes"])),
        "warnings": _counted(plain.warnings, hooked.warnings),
        "output": sorted(set(hooked.output)),
        "hooks off": after["hooks off"],
        "kept": after["kept"],
        "left": after["left"],
        "exit": [] if plain.exit == hooked.exit else [f"{plain.exit} plain, {hooked.exit} hooked"],
    }
    return {kind: lines for kind, lines in differences.items() if lines}


def steady(first: dict[str, list[str]], second: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the first run's differences; of the kinds that depend on chance only those that the second has too."""
    differences = {
        kind: [line for line in lines if kind not in BY_CHANCE or kind == "memory" or line in second.get(kind, [])]
        for kind, lines in first.items()
        if kind != "memory" or "memory" in second
    }
    return {kind: lines for kind, lines in differences.items() if lines}


def _counted(plain: Iterable[str], hooked: Iterable[str]) -> list[str]:
    before, after = Counter(plain), Counter(hooked)
    more = [f"+{count} {item}" for item, count in sorted((after - before).items())]
    return more + [f"-{count} {item}" for item, count in sorted((before - after).items())]


def _memory(plain: int, hooked: int) -> list[str]:
    return [f"{plain} MiB plain, {hooked} hooked"] if hooked > plain * MEMORY_SHARE + MEMORY_MIB else []


def _looks(plain: dict[str, dict[str, object]], hooked: dict[str, dict[str, object]]) -> Iterator[str]:
    """Yield the differing functions that both sides have imported.

    No wrapper can show both a decorated function's own parameters and those of the function that it wraps: there only
    the latter are compared.
    """
    for name in sorted(plain.keys() & hooked.keys()):
        for view in ("look",) if plain[name]["decorated"] else ("look", "own"):
            if plain[name][view] != hooked[name][view]:
                yield f"{name}: {plain[name][view]} -> {hooked[name][view]}"
