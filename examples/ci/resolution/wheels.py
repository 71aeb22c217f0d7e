"""Wheels of Nova, built from source trees and stored in the cache under a digest of the tree."""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

from examples.ci.resolution import trees
from examples.ci.resolution.index import pythons
from examples.embedded.building import cache, locked, uv

#: Folders of a tree whose texts are in no wheel.
_DOCUMENTS = ("doc", "releasenotes", "api-guide", "api-ref", "README.rst", ".git")


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
    """Return the wheel of a source tree; ``revision`` is a commit of a checkout, "" its files as they are.

    Wheels of trees that differ in the texts of modules only are made of each other: a build takes a minute.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        trees.copy(path, revision, tree)
        version = trees.version(path, revision, tree)
        store = cache() / "wheels" / f"nova-{version}-{_shape(tree)}"
        store.mkdir(parents=True, exist_ok=True)
        result = store / trees.digest(tree) / f"nova-{version}-py3-none-any.whl"
        with locked(store / "lock"):
            if not result.exists():
                others = sorted(store.glob("*/*.whl"))
                result.parent.mkdir(exist_ok=True)
                partial = Path(folder, result.name)
                if others:
                    repack(others[0], tree, partial)
                else:
                    shutil.move(_build(tree, version, Path(folder, "built")), partial)
                shutil.move(partial, result)
    return Wheel(result, version, trees.date(path, revision))


def _shape(tree: Path) -> str:
    """Return a digest of what decides how a tree is packaged: everything outside nova/ but documents, and all names."""
    result = hashlib.sha256()
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        name = path.relative_to(tree)
        if name.parts[0] not in _DOCUMENTS:
            text = b"" if name.parts[0] == "nova" else path.read_bytes()
            result.update(f"{name}\0".encode(errors="surrogateescape") + hashlib.sha256(text).digest())
    return result.hexdigest()[:12]


def repack(other: Path, tree: Path, result: Path) -> None:
    """Write a wheel with the files of another, but those below nova/ as they are in a tree."""
    with (
        zipfile.ZipFile(other) as source,
        zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        record = ""
        for name in source.namelist():
            if name.endswith(".dist-info/RECORD"):
                record = name
                continue
            data = (tree / name).read_bytes() if name.startswith("nova/") else source.read(name)
            target.writestr(name, data)
        target.writestr(record, rewritten(source.read(record).decode(), target))


def rewritten(record: str, wheel_file: zipfile.ZipFile) -> str:
    """Return a RECORD with the digests and sizes of the files in a wheel."""
    lines = []
    for line in record.splitlines():
        name, digest, _ = line.rsplit(",", 2)
        if digest:
            data = wheel_file.read(name)
            encoded = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            line = f"{name},sha256={encoded},{len(data)}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _build(tree: Path, version: str, folder: Path) -> Path:
    """Build by pbr, which packages the files that git knows: in a repository of their own."""
    for arguments in (("init", "--quiet"), ("add", "--all", "--force"), ("commit", "--quiet", "-m", "Source")):
        trees.git(tree, *arguments)
    switches = {"PBR_VERSION": version, "SKIP_GENERATE_AUTHORS": "1", "SKIP_WRITE_GIT_CHANGELOG": "1"}
    uv("build", "--wheel", "--out-dir", str(folder), str(tree), variables=switches)
    (built,) = folder.glob("*.whl")
    return built
