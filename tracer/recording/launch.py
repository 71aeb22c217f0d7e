"""Start a command with the hooks in: its environment, and the exec that becomes it."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from tracer.errors import TracerError

BOOTSTRAP = Path(__file__).parents[1] / "bootstrap"


def environment(base: dict[str, str], capture: Path) -> dict[str, str]:
    """``base`` with what makes each Python started under it load the hooks; the processes it starts inherit it."""
    # An empty entry stays: it stands for the working directory. An empty variable stands for nothing.
    inherited = base.get("PYTHONPATH") or str(BOOTSTRAP)
    folders = [str(BOOTSTRAP), *(folder for folder in inherited.split(os.pathsep) if folder != str(BOOTSTRAP))]
    return base | {
        "PYTHONPATH": os.pathsep.join(folders),
        "BOOTSEQ_CAPTURE": str(capture.resolve()),
        "BOOTSEQ_PATCHES": str(_patches_folder()),
    }


def _patches_folder() -> Path:
    """Only its place: the hooks are for other processes and never run in this one."""
    spec = find_spec("patches")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def check(command: list[str]) -> None:
    """A TracerError where there is no such command."""
    if shutil.which(command[0]) is None:
        there = os.path.exists(command[0]) and os.path.dirname(command[0])
        raise TracerError(f"{command[0]}: " + ("not an executable file" if there else "no such command"))


def become(command: list[str], capture: Path) -> NoReturn:
    """Replace this process by ``command``, hooks in; the process id stays, so supervisors and pid files stay true."""
    try:
        os.execvpe(command[0], command, environment(dict(os.environ), capture))
    except OSError as error:
        raise TracerError(f"{command[0]}: cannot be started: {error.strerror}") from None
