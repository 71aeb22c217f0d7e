"""The Python for a release: this one if the release supports it, else the newest supported one that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet

from examples.embedded.building import uv
from examples.embedded.errors import EmbeddedError

#: Those that the hooks support, the newest first.
KNOWN = tuple(f"3.{minor}" for minor in range(14, 7, -1))


def supported(requires: str, classified: Sequence[str]) -> list[str]:
    """Return the Pythons that a distribution supports, the newest first; without classifiers all that it accepts."""
    specifiers = SpecifierSet(requires)
    # The last patch release: some releases exclude the first ones of a Python.
    accepted = [version for version in KNOWN if specifiers.contains(f"{version}.99")]
    return [version for version in accepted if version in classified] or accepted


def choose(name: str, requires: str, classified: Sequence[str]) -> tuple[str, str]:
    """Return the chosen version for a distribution, and the path of its interpreter."""
    versions = supported(requires, classified)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    for version in sorted(versions, key=lambda version: version != own):
        if path := find(version):
            return version, path
    raise EmbeddedError(f"{name} supports Python {', '.join(versions) or requires}, of which none is installed here")


def find(version: str) -> str:
    """Return the path of an interpreter that works, "" without one: this one, of uv's search, or of pyenv."""
    own = Path(sys.base_prefix, "bin", f"python{version}")
    if own.exists():
        return str(own)
    try:
        return uv("python", "find", "--no-python-downloads", "--no-project", "--system", version).strip()
    except EmbeddedError:
        # pyenv's commands on PATH fail for versions that it has installed but not selected.
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        paths = sorted(root.glob(f"versions/{version}.*/bin/python3"))
    return next((str(path) for path in paths if _works(path)), "")


def _works(path: Path) -> bool:
    return subprocess.run([path, "-c", "import venv, ssl, sqlite3"], check=False, capture_output=True).returncode == 0


def version(python: str) -> str:
    """Return the version of an interpreter at a path; a version is returned unchanged."""
    if not Path(python).is_absolute():
        return python
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
