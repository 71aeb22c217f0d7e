"""Captures of boots in the cache, each under a digest of all that determines it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache as memoized
from pathlib import Path

from examples.embedded.boot import Boot
from examples.embedded.building import cache
from examples.embedded.release import Release

_ROOT = Path(__file__).resolve().parents[2]
#: The code that records: a change of it makes older captures unusable. What reads them may change.
_CODE = ("patches", "tracer/bootstrap", "tracer/recording", "examples/embedded")


def entry(release: Release, settings: object) -> Path:
    """Return the folder for boots of the same packages on the same Python, by the same settings and code of bootseq."""
    facts = (release.content, release.python, settings, _code())
    digest = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return cache() / "recordings" / digest


def fetch(folder: Path, capture: Path) -> list[Boot]:
    """Unpack a stored capture, and return its boots; none without it."""
    if not folder.exists():
        return []
    with tarfile.open(folder / "capture.tar.gz") as archive:
        archive.extractall(capture, filter="data")
    return [Boot(**boot) for boot in json.loads((folder / "boots.json").read_text())]


def put(folder: Path, capture: Path, boots: list[Boot]) -> None:
    """Store a capture under a temporary name, and rename it when it is complete; an older one is replaced."""
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True)
    with tarfile.open(partial / "capture.tar.gz", "w:gz", compresslevel=3) as archive:
        archive.add(capture, ".")
    (partial / "boots.json").write_text(json.dumps([asdict(boot) for boot in boots], indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


@memoized
def _code() -> str:
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(f"{path.relative_to(_ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for folder in _CODE:
        for suffix in ("*.py", "*.yaml"):
            yield from (_ROOT / folder).rglob(suffix)
