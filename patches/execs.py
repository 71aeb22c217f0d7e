"""Exec: the program that replaces this process has the hooks from its start, too.

Python runs only the first ``sitecustomize`` on the path, and ours runs the next one. A launcher such as
opentelemetry-instrument puts a folder of its own before ours and execs; so ours is moved to the front at the exec.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Callable, MutableMapping

from . import hooks, patching

execs = hooks.Hook("execs")

_PATH = "PYTHONPATH"


def install(folder: str) -> None:
    """Wrap the two functions of ``os`` that the others call; ``folder`` is the one with our ``sitecustomize``."""
    patching.replace(os, "execv", functools.partial(_make, folder))
    patching.replace(os, "execve", functools.partial(_make_with_environment, folder))


def put_first(environment: MutableMapping[str, str], folder: str) -> None:
    """Move the folder to the front of the path, if it is on it at all."""
    folders = environment.get(_PATH, "").split(os.pathsep)
    if folder in folders[1:]:
        environment[_PATH] = os.pathsep.join([folder] + [other for other in folders if other != folder])


def _make(folder: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def execv(*args: Any) -> Any:
        before = os.environ.get(_PATH)
        execs.guarded(put_first, os.environ, folder)
        try:
            return original(*args)
        finally:  # it has failed: this process continues
            if before is not None and os.environ.get(_PATH) != before:
                os.environ[_PATH] = before

    return execv


def _make_with_environment(folder: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def execve(path: Any, argv: Any, env: Any) -> Any:
        changed = execs.guarded(_with_folder_first, folder, env)
        return original(path, argv, env if changed is None else changed)

    return execve


def _with_folder_first(folder: str, env: Any) -> Any:
    changed = dict(env)
    put_first(changed, folder)
    return changed
