"""Confinement of tests to their own processes: they list and enter no other process of the machine.

Attached processes are registered in a folder of the test's own, which a variable names.

``python -m tests.support.confinement ROOT …`` is the command line, which sees ROOT and the processes started by it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tracer.attach import processes, runtime_folder
from tracer.attach.injection import interpreter
from tracer.attach.processes import Process

#: The environment variable with that folder.
HOME = "BOOTSEQ_TEST_REGISTRY"


def below(pid: int, root: int) -> bool:
    """Return whether ``root`` is the process itself or one of its ancestors."""
    while pid not in (root, 0):
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            return False
    return pid == root


def confine(root: int, put: Callable[[Any, str, Any], object] = setattr) -> None:
    """Hide all processes but ``root`` and its descendants from now on."""
    everything, find = processes.everything, interpreter.find

    def descendants() -> Iterator[Process]:
        return (process for process in everything() if below(process.pid, root))

    def entered(pid: int) -> interpreter.Interpreter:
        assert below(pid, root), f"a test would have entered process {pid}, which is not its own"
        return find(pid)

    home = Path(os.environ[HOME])
    put(runtime_folder, "path", lambda: home)
    put(processes, "everything", descendants)
    put(interpreter, "find", entered)


if __name__ == "__main__":
    from tracer.cli import main

    confine(int(sys.argv.pop(1)))
    main()
