"""Two sides of a suite side by side: which tests differ, whether they do so again, and what is different afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from tests.suites.outcomes import Run

ABSENT = "did not run"
#: When garbage is collected and when a thread ends is not the hooks' choice.
BY_CHANCE = frozenset(("descriptors", "threads", "memory", "warnings"))
#: A suite may take so much more memory under the hooks: the hooks' own, and the noise of two runs.
MEMORY_MIB, MEMORY_SHARE = 32, 1.25


def differing(plain: Run, hooked: Run) -> dict[str, tuple[str, str]]:
    """test -> its outcome on both sides, where these are two."""
    names = [*plain.outcomes, *(name for name in hooked.outcomes if name not in plain.outcomes)]
    pairs = {name: (plain.outcomes.get(name, ABSENT), hooked.outcomes.get(name, ABSENT)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def verdict(plain: list[str], hooked: list[str]) -> str:
    """``flaky`` where plain runs differ among themselves, ``once`` where no repetition differed, else ``differs``.

    Both lists begin with the first run.
    """
    if len(set(plain)) > 1:
        return "flaky"
    repeated = set(hooked[1:])
    return "once" if repeated and repeated == set(plain) else "differs"


def known(name: str, flaky: dict[str, str]) -> str:
    """The reason why a test is known to be flaky, else nothing."""
    return next((reason for pattern, reason in flaky.items() if fnmatchcase(name, pattern)), "")


def afterwards(plain: Run, hooked: Run) -> dict[str, list[str]]:
    """What differs when the suite has ended, by kind, a line each."""
    before, after = plain.state, hooked.state
    if not before or not after:
        return {"process": [f"ended before its report: {plain.exit} plain, {hooked.exit} hooked"]}
    found = {
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
    return {kind: lines for kind, lines in found.items() if lines}


def steady(first: dict[str, list[str]], second: dict[str, list[str]]) -> dict[str, list[str]]:
    """What differs afterwards in the first run and, of the kinds that chance has a part in, in the second too."""
    found = {
        kind: [line for line in lines if kind not in BY_CHANCE or kind == "memory" or line in second.get(kind, [])]
        for kind, lines in first.items()
        if kind != "memory" or "memory" in second
    }
    return {kind: lines for kind, lines in found.items() if lines}


def _counted(plain: Iterable[str], hooked: Iterable[str]) -> list[str]:
    before, after = Counter(plain), Counter(hooked)
    more = [f"+{count} {each}" for each, count in sorted((after - before).items())]
    return more + [f"-{count} {each}" for each, count in sorted((before - after).items())]


def _memory(plain: int, hooked: int) -> list[str]:
    return [f"{plain} MiB plain, {hooked} hooked"] if hooked > plain * MEMORY_SHARE + MEMORY_MIB else []


def _looks(plain: dict[str, dict[str, object]], hooked: dict[str, dict[str, object]]) -> Iterator[str]:
    """Of what both sides have imported. No wrapper shows the own parameters of a decorated function and those that it
    stands for: the latter have to be the same there.
    """
    for name in sorted(plain.keys() & hooked.keys()):
        for view in ("look",) if plain[name]["decorated"] else ("look", "own"):
            if plain[name][view] != hooked[name][view]:
                yield f"{name}: {plain[name][view]} -> {hooked[name][view]}"
