"""Wheels of Nova, built from source trees and stored in the cache under a digest of the tree."""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

from examples.ci.resolution import trees
from examples.ci.resolution.index import pythons
from examples.embedded.building import cache, locked, uv


@dataclass(frozen=True)
class Wheel:
    """A built wheel: its file, its version, and the date of its commit, "" if unknown."""

    path: Path
    version: str
    date: str

    def pythons(self) -> tuple[str, tuple[str, ...]]:
        """Return its Requires-Python, and the Pythons in its classifiers."""
        return pythons(self._metadata())

    def requirements(self) -> tuple[str, ...]:
        """Return the requirements of Nova itself, without extras."""
        lines = message_from_string(self._metadata()).get_all("Requires-Dist", [])
        return tuple(sorted(str(line) for line in lines if "extra ==" not in str(line)))

    def _metadata(self) -> str:
        with zipfile.ZipFile(self.path) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return archive.read(name).decode()


def wheel(path: Path, revision: str = "") -> Wheel:
    """Return the wheel of a source tree; ``revision`` is a commit of a checkout, "" its files as they are."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        trees.copy(path, revision, tree)
        version = trees.version(path, revision, tree)
        store = cache() / "wheels" / f"nova-{version}-{trees.digest(tree)}"
        store.parent.mkdir(exist_ok=True)
        with locked(store.with_name(f"{store.name}.lock")):
            if not list(store.glob("*.whl")):
                _build(tree, version, store)
    (built,) = store.glob("*.whl")
    return Wheel(built, version, trees.date(path, revision))


def _build(tree: Path, version: str, store: Path) -> None:
    """Build by pbr, which packages the files that git knows: in a repository of their own."""
    for arguments in (("init", "--quiet"), ("add", "--all", "--force"), ("commit", "--quiet", "-m", "Source")):
        trees.git(tree, *arguments)
    switches = {"PBR_VERSION": version, "SKIP_GENERATE_AUTHORS": "1", "SKIP_WRITE_GIT_CHANGELOG": "1"}
    uv("build", "--wheel", "--out-dir", str(store), str(tree), variables=switches)
