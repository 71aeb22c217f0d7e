"""The suites' environment and their unpacked archives, both locked and kept in the cache."""

from __future__ import annotations

import functools
import subprocess
import sys
import tarfile
from pathlib import Path

from examples.embedded.building import built, cache, locked

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
LOCKS = HERE / "locks"
SDISTS = LOCKS / "sdists.txt"


@functools.cache
def python(name: str) -> Path:
    """The Python of the environment that ``locks/NAME.txt`` describes."""
    return built(f"suites-{name}", LOCKS / f"{name}.txt", "--no-python-downloads", "--python", "3.11") / "python"


def requirements() -> dict[str, str]:
    """The locked archives: name -> requirement with its version and hash."""
    lines = [line for line in SDISTS.read_text().splitlines() if line and not line.startswith("#")]
    return {line.partition("==")[0]: line for line in lines}


def sources(name: str) -> Path:
    """The folder of an unpacked archive."""
    requirement = requirements()[name]
    version = requirement.split()[0].partition("==")[2]
    folder = cache() / "sdists" / f"{name}-{version}"
    folder.parent.mkdir(exist_ok=True)
    with locked(folder.parent / f"{name}.lock"):
        if not folder.exists():
            _fetch(name, requirement, folder.parent)
            with tarfile.open(folder.with_name(f"{folder.name}.tar.gz")) as archive:
                archive.extractall(folder.with_suffix(".part"), filter="data")
            (folder.with_suffix(".part") / folder.name).rename(folder)
            folder.with_suffix(".part").rmdir()
    return folder


def _fetch(name: str, requirement: str, into: Path) -> None:
    wanted = into / f"{name}.txt"
    wanted.write_text(requirement + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "--no-binary", name, "-d", str(into), "-r", str(wanted)], check=True)
