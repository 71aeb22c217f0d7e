"""A source tree of Nova: a checkout, dirty or at a revision, or an sdist, packed or unpacked."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from examples.embedded.errors import EmbeddedError

#: Nothing of the user's or the checkout's configuration is run, and commits of ours have a fixed author and date.
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "bootseq", "GIT_AUTHOR_EMAIL": "", "GIT_COMMITTER_NAME": "bootseq", "GIT_COMMITTER_EMAIL": "",
    "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
}  # fmt: skip
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*")
_RELEASED = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def git(path: Path, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    """Return the output of git in a folder, "" for another allowed exit code than 0."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | _ENVIRONMENT
    command = ["git", *_SAFE, "-C", str(path), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, env=environment)
    if done.returncode not in allowed:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise EmbeddedError(f"{path}: git {arguments[0]}: {reason}")
    return "" if done.returncode else done.stdout.decode(errors="surrogateescape")


def is_checkout(path: Path) -> bool:
    """Return whether a folder is the top of a git checkout."""
    return (path / ".git").exists()


def commit(path: Path, revision: str) -> str:
    """Return the id of a revision's commit; a name that begins with a dash would be an option."""
    name = f"{revision}^{{commit}}"
    commit_id = git(path, "rev-parse", "--verify", "--quiet", "--end-of-options", name, allowed=(0, 1)).strip()
    if not commit_id:
        raise EmbeddedError(f"{path} has no revision {revision!r}")
    return commit_id


def is_dirty(path: Path) -> bool:
    """Return whether a checkout has changes that are not committed, ignored files apart."""
    return bool(git(path, "status", "--porcelain"))


def copy(path: Path, revision: str, into: Path) -> None:
    """Copy a source tree; ``revision`` is a commit of a checkout, "" its files as they are, without ignored ones."""
    if revision:
        into.mkdir()
        archive = into.with_suffix(".tar")
        git(path, "archive", "--output", str(archive), revision)
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
    elif path.is_file():
        _unpack(path, into)
    elif is_checkout(path):
        copy_files(path, into)
    else:
        shutil.copytree(path, into, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".tox", ".venv"))
    if not (into / "nova" / "__init__.py").is_file():
        raise EmbeddedError(f"{path} is no source of Nova: it has no nova/__init__.py")


def _unpack(path: Path, into: Path) -> None:
    try:
        with tarfile.open(path) as archive:
            archive.extractall(into, filter="data")
    except tarfile.TarError as error:
        raise EmbeddedError(f"{path} is no folder and no sdist: {error}") from None
    (top,) = into.iterdir() if len(list(into.iterdir())) == 1 else (into,)
    top.rename(into.with_name("top"))
    if top != into:
        into.rmdir()
    into.with_name("top").rename(into)


def copy_files(path: Path, into: Path) -> None:
    """Copy a checkout's files as they are, without ignored ones."""
    names = git(path, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, names.split("\0")):
        if (path / name).is_symlink() or (path / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path / name, into / name, follow_symlinks=False)


def digest(tree: Path) -> str:
    """Return a digest of a copied tree's names and contents."""
    result = hashlib.sha256()
    for path in sorted(path for path in tree.rglob("*") if path.is_file() and ".git" not in path.parts):
        result.update(f"{path.relative_to(tree)}\0".encode(errors="surrogateescape"))
        result.update(hashlib.sha256(path.read_bytes()).digest())
    return result.hexdigest()[:12]


def version(path: Path, revision: str, tree: Path) -> str:
    """Return the version of a source tree: an sdist's own, or of a checkout's nearest tag and the commits after it."""
    if (tree / "PKG-INFO").is_file():
        match = re.search(r"^Version: (\S+)$", (tree / "PKG-INFO").read_text(errors="replace"), re.MULTILINE)
        if match:
            return match[1]
    arguments = ("describe", "--tags", "--long", "--match", "[0-9]*", revision or "HEAD")
    described = git(path, *arguments, allowed=(0, 128)).strip() if is_checkout(path) else ""
    if not described:
        raise EmbeddedError(f"{path} has neither PKG-INFO nor a tag of a version: fetch its tags")
    tag, number, _ = described.rsplit("-", 2)
    match = _RELEASED.fullmatch(tag)
    if number == "0":
        return tag
    return f"{match[1]}.{match[2]}.{int(match[3]) + 1}.dev{number}" if match else f"{tag}.dev{number}"


def is_released(version_text: str) -> bool:
    """Return whether a version is of a series that was released: no candidate, nor what follows one."""
    return _RELEASED.match(version_text) is not None and "rc" not in version_text and ".0b" not in version_text


def date(path: Path, revision: str) -> str:
    """Return the date of a checkout's commit, ISO; "" for another source tree."""
    return git(path, "log", "-1", "--format=%cI", revision or "HEAD").strip() if is_checkout(path) else ""
