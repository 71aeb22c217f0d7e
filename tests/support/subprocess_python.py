"""A runner of code in a fresh interpreter: code that monkey-patches, forks, dies, or needs modules not yet imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_BEFORE = """
import sys
sys.path.insert(0, {root!r})
"""
_AFTER = """
import json
print()
print(json.dumps(answer))
"""


def elsewhere(code: str, *arguments: object, python: str = sys.executable, seconds: float = 60, **environ: str) -> Any:
    """Run ``code`` and return its variable ``answer``; ``arguments`` are its ``sys.argv``."""
    text = _BEFORE.format(root=str(ROOT)) + textwrap.dedent(code) + _AFTER
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_"))}
    done = subprocess.run(
        [python, "-W", "ignore", "-B", "-c", text, *map(str, arguments)],
        env=environment | environ, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.rpartition("\n\n")[2])
