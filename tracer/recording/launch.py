"""The start of a command with hooks: its environment, and the exec that replaces this process."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from tracer.errors import TracerError

BOOTSTRAP = Path(__file__).parents[1] / "bootstrap"


def environment(base: dict[str, str], capture: Path) -> dict[str, str]:
    """Return ``base`` with the variables by which each Python started under it, and its children, load the hooks."""
    # An empty entry stays: it means the working directory. An empty variable means no entry.
    inherited = base.get("PYTHONPATH") or str(BOOTSTRAP)
    folders = [str(BOOTSTRAP), *(folder for folder in inherited.split(os.pathsep) if folder != str(BOOTSTRAP))]
    return base | {
        "PYTHONPATH": os.pathsep.join(folders),
        "BOOTSEQ_CAPTURE": str(capture.resolve()),
        "BOOTSEQ_PATCHES": str(_patches_folder()),
    }


def _patches_folder() -> Path:
    """Return the folder of the hooks, without importing them: they never run in this process."""
    spec = find_spec("patches")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def check(command: list[str]) -> None:
    """Raise TracerError if the command does not exist or is not executable."""
    if shutil.which(command[0]) is None:
        exists = os.path.exists(command[0]) and os.path.dirname(command[0])
        raise TracerError(f"{command[0]}: " + ("not an executable file" if exists else "no such command"))


def become(command: list[str], capture: Path) -> NoReturn:
    """Replace this process by ``command`` with hooks; it keeps the process id, which supervisors and pid files hold."""
    try:
        os.execvpe(command[0], command, environment(dict(os.environ), capture))
    except OSError as error:
        raise TracerError(f"{command[0]}: cannot be started: {error.strerror}") from None
