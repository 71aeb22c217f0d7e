"""A git checkout, read only: functions in texts at a revision, and the commits that changed them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tracer.errors import TracerError
from tracer.model.comparison import Commit
from tracer.text import printable

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Function:
    """A function's qualified name and its first and last line, decorators included, counted from 1."""

    name: str
    first: int
    last: int


def function_at(text: str, line: int) -> Function | None:
    """Return the innermost function that contains a line; None without one, or for a text that is not Python."""
    matching = [function for function in _functions(text) if function.first <= line <= function.last]
    return max(matching, key=lambda function: function.first, default=None)


def function_named(text: str, name: str) -> Function | None:
    """Return the last function of this qualified name, ``API.create``: the one that the module ends up with."""
    matching = [function for function in _functions(text) if function.name == name]
    return matching[-1] if matching else None


def _functions(text: str) -> list[Function]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of invalid escapes in the text
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return list(_below(tree, ""))


def _below(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Definition):
            name = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                yield Function(name, first, child.end_lineno or child.lineno)
            yield from _below(child, f"{name}.")
        else:
            yield from _below(child, prefix)


#: Nothing that a checkout's own configuration names is run.
_SAFE = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "log.showSignature=false", "protocol.allow=never")
#: … nor converters of texts, which attributes choose.
_LOG = ("log", "--no-textconv", "--no-ext-diff", "--format=%x00%h%x01%s%x01%b")
_SECONDS = 300
#: Texts of modules that are kept: a change and its callers are often in a few files.
_TEXTS = 256
_CHANGE_ID = re.compile(r"^Change-Id: (I[0-9a-f]{8,40})\s*$", re.MULTILINE)
_OPTION = re.compile(r"([\w.-]+)=(.+?)(?::([^:]+?)\.\.([^:]+))?")
_FORM = "expected PACKAGE=CHECKOUT or PACKAGE=CHECKOUT:OLD..NEW"


@dataclass(frozen=True)
class Checkout:
    """The source of a package under git, and the revisions that the old and the new boot ran."""

    package: str
    path: Path
    old: str
    new: str

    def text(self, path: str, revision: str) -> str:
        """Return a file's text at a revision, "" if it has none."""
        return _text(self.path, path, revision)

    def function(self, path: str, line: int) -> tuple[Function, str] | None:
        """Return the function at a line of the new revision's file, else of the old one's, and the revision."""
        for revision in (self.new, self.old):
            function = function_at(self.text(path, revision), line)
            if function is not None:
                return function, revision
        return None

    def named(self, path: str, name: str) -> tuple[Function, str] | None:
        """Return the function of a name in the new revision's file, else in the old one's, and the revision."""
        for revision in (self.new, self.old):
            function = function_named(self.text(path, revision), name)
            if function is not None:
                return function, revision
        return None

    def commits(self, path: str, function: Function, revision: str) -> list[Commit]:
        """Return the commits of the range that changed a function, the newest first; renamed files are followed."""
        between = f"{self.old}..{self.new}"
        if revision == self.new:
            lines = f"-L{function.first},{function.last}:{path}"
            return list(_commits(_git(self.path, *_LOG, "-s", lines, between)))
        # The new revision lacks it: the commits that added or removed its definition.
        definition = rf"^[[:space:]]*(async )?def {re.escape(function.name.rpartition('.')[2])}\("
        return list(_commits(_git(self.path, *_LOG, f"-G{definition}", between, "--", path)))


def checkout(option: str, versions: tuple[str, str] | None = None) -> Checkout:
    """Return the checkout that an option names; without a range, of the tags of both sides' ``versions``."""
    match = _OPTION.fullmatch(option)
    if match is None:
        raise TracerError(f"--source {option}: {_FORM}")
    package, folder, old, new = match.groups()
    if old is None:
        if versions is None:
            raise TracerError(f"--source {option}: no release of {package} is recorded; add a range: {_FORM}")
        old, new = versions
    path = Path(folder)
    return Checkout(package, path, *(_revision(path, name, option) for name in (old, new)))


def _revision(path: Path, name: str, option: str) -> str:
    """Return a commit's id; a name that begins with a dash would be an option."""
    if name and not name.startswith("-"):
        commit = _git(
            path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", allowed=(0, 1)
        )
        if commit.strip():
            return commit.strip()
    raise TracerError(f"--source {option}: {path} has no revision {name!r}; fetch its tags, or name a range: {_FORM}")


@lru_cache(maxsize=_TEXTS)
def _text(checkout_path: Path, path: str, revision: str) -> str:
    return _git(checkout_path, "show", "--no-textconv", f"{revision}:{path}", allowed=(0, 128))


def _commits(output: str) -> Iterator[Commit]:
    for entry in output.split("\0")[1:]:
        commit_id, subject, body = (*entry.split("\1"), "", "")[:3]
        match = _CHANGE_ID.search(body)
        yield Commit(commit_id, printable(subject), match[1] if match else "")


def _settings() -> Iterator[str]:
    for setting in _SAFE:
        yield from ("-c", setting)


def _git(path: Path, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    """Return the output of git; "" for another allowed exit code than 0."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            ["git", "--no-pager", "-C", str(path), *_settings(), *arguments], env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise TracerError("git is not installed; --source needs it") from None
    except subprocess.TimeoutExpired:
        raise TracerError(f"{path}: git {arguments[0]} took more than {_SECONDS} s") from None
    if done.returncode not in allowed:
        error = printable(done.stderr.decode("utf-8", "replace").strip().partition("\n")[0])
        raise TracerError(f"{path}: git {arguments[0]}: {error or f'exit code {done.returncode}'}")
    return "" if done.returncode else done.stdout.decode("utf-8", "replace")
