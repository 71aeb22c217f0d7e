"""The interpreter's own primitives, where eventlet has replaced them by green ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_primitives_in_a_green_process_are_native() -> None:
    """Loaded late, as on attach, when ``os`` and ``_thread`` already contain eventlet's."""
    program = (
        "import eventlet; eventlet.monkey_patch(); import _thread, os; from patches import unpatched\n"
        "assert unpatched.get_ident is not _thread.get_ident\n"
        "assert unpatched.open is not os.open and unpatched.write is not os.write\n"
        "idents = [eventlet.spawn(unpatched.get_ident).wait() for _ in range(2)]\n"
        "assert idents[0] == idents[1] == unpatched.get_ident()\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
