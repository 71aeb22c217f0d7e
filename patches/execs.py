"""A program that takes this process's place by exec has the hooks in from its start, too.

Python runs the first ``sitecustomize`` on the path alone, and ours runs the next one. A launcher as
opentelemetry-instrument puts a folder of its own before ours and execs; so ours goes to the front again at the exec.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Callable, MutableMapping

from . import hooks, patching

execs = hooks.Hook("execs")

_PATH = "PYTHONPATH"


def install(folder: str) -> None:
    """``folder`` is the one with our ``sitecustomize``. The other functions of ``os`` call one of these two."""
    patching.replace(os, "execv", functools.partial(_make, folder))
    patching.replace(os, "execve", functools.partial(_make_with_environment, folder))


def put_first(environment: MutableMapping[str, str], folder: str) -> None:
    """Have the folder come first on the path, if it is on it at all."""
    folders = environment.get(_PATH, "").split(os.pathsep)
    if folder in folders[1:]:
        environment[_PATH] = os.pathsep.join([folder] + [each for each in folders if each != folder])


def _make(folder: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def execv(*args: Any) -> Any:
        before = os.environ.get(_PATH)
        execs.guarded(put_first, os.environ, folder)
        try:
            return original(*args)
        finally:  # it has failed: this process goes on
            if before is not None and os.environ.get(_PATH) != before:
                os.environ[_PATH] = before

    return execv


def _make_with_environment(folder: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def execve(path: Any, argv: Any, env: Any) -> Any:
        given = execs.guarded(_given, folder, env)
        return original(path, argv, env if given is None else given)

    return execve


def _given(folder: str, env: Any) -> Any:
    given = dict(env)
    put_first(given, folder)
    return given
