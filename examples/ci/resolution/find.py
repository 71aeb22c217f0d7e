"""Releases of Nova by version, by source tree, or with one library moved."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from examples.ci.resolution import index, packages, pythons, trees
from examples.ci.resolution.packages import Wish
from examples.ci.resolution.wheels import Wheel, wheel
from examples.embedded.errors import EmbeddedError
from examples.embedded.release import RELEASES, Release, series_of, threads_of

#: Nova 26 was released with Placement 8.
_PLACEMENT_BEHIND = 18
_OWN = ("nova", "openstack-placement")
_VERSION = re.compile(r"\d+(\.\d+)*\S*")
_CHANGE = re.compile(r"([\w.-]+?)==([\w.]+?)\.\.([\w.]+)")


@dataclass(frozen=True)
class Choice:
    """The choices for all releases of a comparison: a version of Placement, and the text of a constraints file."""

    placement: str = ""
    constraints: str = ""


def find(name: str, choice: Choice, revision: str = "") -> Release:
    """Return a release: ``34`` or ``33.0.2`` from the index, else the checkout or sdist at a path.

    Releases with a lock file in the repository have its packages unless something else is chosen.
    """
    path = Path(name)
    if path.exists() and (path.is_file() or (path / "nova").is_dir()):
        return _of_tree(path.resolve(), revision, choice)
    if not _VERSION.fullmatch(name):
        raise EmbeddedError(f"{name} is neither a version of Nova nor the path of a checkout or sdist")
    if choice == Choice():
        for locked in RELEASES.values():
            if name in (locked.name, packages.versions(locked.lock.read_text())["nova"]):
                return locked
    return _of_version(name if "." in name else index.newest(f"nova=={name}.*"), choice)


def _of_version(version: str, choice: Choice) -> Release:
    """Resolve a version as of the day on which its series was released, as OpenStack's own constraints do."""
    facts = index.facts("nova", version)
    python, interpreter = pythons.choose(f"Nova {version}", facts.requires_python, facts.classified)
    series = series_of(version)
    cutoff = "" if choice.constraints else index.facts("nova", f"{series}.0.0").cutoff
    wish = Wish((f"nova=={version}", _placement(series, choice)), python, cutoff, _OWN, _constraints(choice))
    lock = packages.resolved(version, wish)
    return Release(version, interpreter, *threads_of(series), lock=lock)


def _of_tree(path: Path, revision: str, choice: Choice) -> Release:
    """Resolve a source tree: of a released series with its packages, of a later one as of its commit's date."""
    source = wheel(path, revision)
    series = series_of(source.version)
    released = trees.is_released(source.version)
    if released and choice == Choice() and str(series) in RELEASES:
        return _over(RELEASES[str(series)], source)
    python, interpreter = pythons.choose(str(path), *source.pythons())
    cutoff = "" if choice.constraints else _cutoff(path, source, series, released)
    placement = _placement(series, choice) if released else "openstack-placement"
    wish = Wish((*source.requirements(), placement), python, cutoff, _OWN, _constraints(choice))
    lock = packages.resolved(source.version, wish)
    return Release(source.version, interpreter, *threads_of(series), lock=lock, wheel=source.path)


def _over(locked: Release, source: Wheel) -> Release:
    """Return a tree's release over a locked one: the tree's requirements may have moved some of the packages."""
    text = locked.lock.read_text()
    wish = Wish((*source.requirements(), _pin(text, "openstack-placement")), locked.python, preferred=text)
    lock = packages.resolved(source.version, wish)
    if not packages.moved(text, lock.read_text(), _OWN[:1]):
        lock = locked.lock
    return replace(locked, name=source.version, lock=lock, wheel=source.path)


def _cutoff(path: Path, source: Wheel, series: int, released: bool) -> str:
    if released:
        return index.facts("nova", f"{series}.0.0").cutoff
    if not source.date:
        raise EmbeddedError(f"{path} has version {source.version} and no date: pass --constraints")
    return source.date


def _placement(series: int, choice: Choice) -> str:
    return f"openstack-placement=={choice.placement or f'{series - _PLACEMENT_BEHIND}.*'}"


def _constraints(choice: Choice) -> str:
    """Return the constraints on libraries only; the filesystem transport of the embedded cloud needs its own kombu."""
    return packages.without(choice.constraints, [*_OWN, "kombu"])


def _pin(lock: str, name: str) -> str:
    return f"{name}=={packages.versions(lock)[name]}"


def change(base: Release, text: str) -> tuple[Release, Release]:
    """Return a release with the old and with the new version of a library: ``oslo.messaging==16.1.0..18.3.1``.

    Its other packages stay, unless a version of the library excludes them.
    """
    match = _CHANGE.fullmatch(text)
    if match is None:
        raise EmbeddedError(f"{text} is no change of a library: expected NAME==OLD..NEW")
    name, *versions = match.groups()
    if packages.canonical(name) in _OWN:
        raise EmbeddedError(f"{name} is no library: compare releases with --old and --new")
    old, new = (_with(base, name, version) for version in versions)
    return old, new


def _with(base: Release, name: str, version: str) -> Release:
    lock = base.lock.read_text()
    own = Wheel(base.wheel, base.name, "").requirements() if base.wheel else (_pin(lock, "nova"),)
    wish = Wish(
        (*own, _pin(lock, "openstack-placement"), f"{name}=={version}"), pythons.version(base.python),
        preferred=packages.without(lock, [name]),
    )  # fmt: skip
    label = f"{base.name}-{name}-{version}"
    resolved = packages.resolved(label, wish)
    moved = packages.moved(lock, resolved.read_text())
    return replace(base, name=label, lock=resolved if moved else base.lock)
