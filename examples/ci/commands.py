"""bootseq as this example calls it: the command line, as anyone's script would."""

from __future__ import annotations

import subprocess
import sys

#: "bootseq diff": cannot tell.
CANNOT_TELL = 2


class CommandError(Exception):
    """A command of bootseq's that failed; it has said why."""


def run(*arguments: str) -> None:
    """A command that has to go well; what it says goes to stderr, since stdout is for the report."""
    if code := _bootseq(arguments, silent=True):
        raise CommandError(f"bootseq {arguments[0]} ended with code {code}")


def verdict(*arguments: str, silent: bool = False) -> int:
    """The exit code of ``bootseq diff``: 0, 1, or 2 whatever else happened."""
    code = _bootseq(("diff", *arguments), silent)
    return code if code in (0, 1) else CANNOT_TELL


def _bootseq(arguments: tuple[str, ...], silent: bool) -> int:
    command = [sys.executable, "-m", "tracer", *arguments]
    sys.stdout.flush()
    return subprocess.run(command, check=False, stdout=sys.stderr if silent else None).returncode
