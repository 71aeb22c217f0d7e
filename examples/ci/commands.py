"""The bootseq commands that this example runs."""

from __future__ import annotations

import subprocess
import sys

#: The exit code of "bootseq diff" for an undecided comparison.
CANNOT_TELL = 2


class CommandError(Exception):
    """A failed bootseq command, which has printed the reason."""


def run(*arguments: str) -> None:
    """Run a command that must succeed; its output is written to stderr, since stdout is for the report."""
    if code := _bootseq(arguments, silent=True):
        raise CommandError(f"bootseq {arguments[0]} ended with code {code}")


def verdict(*arguments: str, silent: bool = False) -> int:
    """Run ``bootseq diff`` and return its exit code: 0, 1, or 2 for anything else."""
    code = _bootseq(("diff", *arguments), silent)
    return code if code in (0, 1) else CANNOT_TELL


def _bootseq(arguments: tuple[str, ...], silent: bool) -> int:
    command = [sys.executable, "-m", "tracer", *arguments]
    sys.stdout.flush()
    return subprocess.run(command, check=False, stdout=sys.stderr if silent else None).returncode
