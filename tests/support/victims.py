"""Small Python services that tests attach to: they evaluate expressions on request, and end with the test."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

#: What every victim runs; it stays on the syntax of 3.8. Its argument selects what its main thread does.
PROGRAM = Path(__file__).with_name("victim_program.py")

#: Ways in which its main thread may wait, in each of which it can be entered.
WAITING = ("sleep", "naps", "lock", "timed-lock", "recv", "select", "epoll", "poll", "join", "signal")
#: Ways in which it may be at work.
WORKING = ("calls", "compute")

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def interpreter(version: str) -> str | None:
    """Return a Python of this version, None where this machine has none."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for path in (*sorted(root.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")):
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(path)
    return None


class Victim:
    """A running victim; ``ask`` has it evaluate an expression in one of its threads."""

    def __init__(
        self, mode: str = "serve", python: str = sys.executable, *before: str, program: Path = PROGRAM, **how: Any
    ):
        command = [*before, python, str(program), mode]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True, **how)
        assert self.process.stdout is not None
        port, pid = self.process.stdout.readline().split()
        #: In its own namespace.
        self.inner_pid = int(pid)
        #: The service's own pid, below those of the programs in ``before``.
        self.pid = self.process.pid
        while children := Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            self.pid = int(children[0])
        self._connection = socket.create_connection(("127.0.0.1", int(port)))
        self._file = self._connection.makefile("rw")

    def ask(self, expression: str) -> Any:
        """Return an expression's value, or the exception it raises as text."""
        self._file.write(expression + "\n")
        self._file.flush()
        return ast.literal_eval(self._file.readline())

    def alive(self) -> bool:
        """Return whether it runs and answers."""
        return self.process.poll() is None and self.ask("6 * 7") == 42

    def __enter__(self) -> Victim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()
        self._connection.close()
        for pid in {self.pid, self.process.pid} if self.process.poll() is None else ():
            os.kill(pid, 9)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a folder that every user of the machine may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="bootseq-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
