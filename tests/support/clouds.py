"""A real cloud in tests: its commands, bootseq's beside it, and the processes and mounts that it leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.cloud.plan import load_plan
from examples.cloud.shell import client_variables

ROOT = Path(__file__).resolve().parents[2]
#: The marks of a module of tests that need one.
REAL = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif("CLOUD_RELEASES" not in os.environ, reason="a real cloud: CLOUD_RELEASES='34 32', as root"),
]


def cloud(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.cloud", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


def bootseq(state: Path, *arguments: str) -> str:
    """Run a command of bootseq with the client's environment, and return its output."""
    plan = load_plan(state)
    command = [sys.executable, "-m", "tracer", *arguments]
    variables = os.environ | client_variables(plan)
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def report(text: str) -> None:
    """Print a result for the user of `make test-cloud`."""
    sys.stdout.write(f"{text}\n")


def running(state: Path) -> list[str]:
    """Return the command lines of processes that name the cloud's folder or run in it."""
    commands = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(state) in os.readlink(entry / "cwd") or str(state) in (entry / "cmdline").read_text():
                    commands.append((entry / "cmdline").read_text().replace("\0", " "))
            except (OSError, UnicodeDecodeError):
                continue
    return commands


def mounted(state: Path) -> list[str]:
    """Return what is mounted below the cloud's folder."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if line.split()[4].startswith(f"{state}/")]
