"""Faults of a real Nova, and the answers of ``bootseq where``: a few of them, the rest by python -m."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Processes and mounts of its own: ``where`` visits every service of the machine.
NAMESPACES = ("unshare", "-mpf", "--mount-proc", "--kill-child")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for namespaces")
def test_where_names_who_owes_the_next_step() -> None:
    faults = ("scheduler stopped", "port never up", "command hangs")
    command = [*NAMESPACES, sys.executable, "-m", "examples.embedded.faults", *faults]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert "3 of 3 right" in result.stdout, result.stdout + result.stderr
