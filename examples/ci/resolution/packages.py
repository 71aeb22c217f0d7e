"""Sets of packages, resolved by uv and stored in the cache under a digest of what determines them."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.embedded.building import cache, uv
from examples.embedded.release import HERE

#: What the embedded cloud and Nova's own fixtures need in addition to Nova.
TESTS = HERE / "locks" / "tests.in"
#: Earlier versions of kombu have no folder for the queues of their filesystem transport; the date of this one's upload.
_KOMBU, _KOMBU_DATE = "kombu>=5.3.1", "2023-06-16T00:00:00Z"


@dataclass(frozen=True)
class Wish:
    """The determinants of a set of packages.

    ``cutoff`` is the time as of which packages are chosen, apart from those in ``exempt``; "" is now. ``preferred`` are
    lines ``name==version``, from which uv departs only where the requirements force it; ``constraints`` must be met.
    """

    requirements: tuple[str, ...]
    python: str
    cutoff: str = ""
    exempt: tuple[str, ...] = ()
    constraints: str = ""
    preferred: str = ""

    def digest(self) -> str:
        """Return a digest of the wish, and of the requirements of the embedded cloud."""
        return hashlib.sha256(repr((self, _KOMBU, TESTS.read_text())).encode()).hexdigest()[:12]


def resolved(name: str, wish: Wish) -> Path:
    """Return the lock file of a wish in the cache; uv resolves it if it is not there."""
    folder = cache() / "resolved"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{wish.digest()}.txt"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=folder) as work:
            text = _header(name, wish) + _compile(wish, Path(work))
            partial = Path(work, path.name)
            partial.write_text(text)
            os.replace(partial, path)
    return path


def _header(name: str, wish: Wish) -> str:
    as_of = f", packages as of {wish.cutoff}" if wish.cutoff else ""
    return f"# Nova {name} on Python {wish.python}{as_of}\n"


def _compile(wish: Wish, work: Path) -> str:
    output = work / "packages.txt"
    output.write_text(wish.preferred)
    options = ["--quiet", "--no-header", "--no-annotate", "--python-version", wish.python, "-o", str(output)]
    if wish.cutoff:
        options += ["--exclude-newer", wish.cutoff]
        options += [f"--exclude-newer-package={name}={_LATER}" for name in wish.exempt]
        options += [f"--exclude-newer-package=kombu={max(wish.cutoff, _KOMBU_DATE)}"]
    if wish.constraints:
        constraints = work / "constraints.txt"
        constraints.write_text(wish.constraints)
        options += ["--constraints", str(constraints)]
    uv("pip", "compile", *options, str(TESTS), "-", text="\n".join([*wish.requirements, _KOMBU]) + "\n")
    return output.read_text()


#: A date after every upload.
_LATER = "2999-01-01"


def versions(lock: str) -> dict[str, str]:
    """Return the version of each package of a lock file's text."""
    pins = (line.split("#")[0].split(";")[0].strip().partition("==") for line in lock.splitlines())
    return {canonical(name): version for name, equals, version in pins if equals}


def without(lock: str, names: Sequence[str]) -> str:
    """Return the lines ``name==version`` of a lock file's or a constraints file's text, without some packages."""
    dropped = {canonical(name) for name in names}
    lines = (line for line in lock.splitlines() if line.strip() and not line.startswith("#"))
    return "".join(f"{line}\n" for line in lines if canonical(re.split(r"[=<>!~;\[ ]", line)[0]) not in dropped)


def canonical(name: str) -> str:
    """Return the name of a distribution in the index's spelling: oslo-messaging of oslo.messaging."""
    return re.sub(r"[-_.]+", "-", name).lower()


def moved(old: str, new: str, apart: Sequence[str] = ()) -> list[str]:
    """Return the packages that differ between two lock files' texts, ``kombu 5.2.4 → 5.3.1``, apart from some."""
    before, after = versions(old), versions(new)
    names = sorted((before.keys() | after.keys()) - {canonical(name) for name in apart})
    return [
        f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in names
        if before.get(name) != after.get(name)
    ]
