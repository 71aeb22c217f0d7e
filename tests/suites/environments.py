"""The suites' environments and unpacked archives, both locked and stored in the cache."""

from __future__ import annotations

import functools
import subprocess
import sys
import tarfile
from pathlib import Path

from examples.embedded.building import built, cache, locked
from tests.suites.table import SuitesError

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
LOCKS = HERE / "locks"
SDISTS = LOCKS / "sdists.txt"


#: Modules of Python's own tests that must be installed; some builds omit a part of them.
_TESTS = ("threading", "concurrent_futures", "logging", "subprocess", "socket")


@functools.cache
def python(name: str) -> Path:
    """Return the Python of the environment of ``locks/NAME.txt``; ``python`` is one without an environment."""
    if name == "python":
        return _python_with_tests()
    return built(f"suites-{name}", LOCKS / f"{name}.txt", "--no-python-downloads", "--python", "3.11") / "python"


def _python_with_tests() -> Path:
    code = f"import importlib.util as u; assert all(u.find_spec('test.test_' + name) for name in {_TESTS})"
    for path in (Path(sys.base_prefix, "bin", "python3"), Path("/usr/bin/python3.11"), Path("/usr/bin/python3")):
        if path.exists() and not subprocess.run([path, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode:
            return path
    raise SuitesError(
        "no Python here has all of its own tests: on Debian or Ubuntu apt-get install libpython3-testsuite"
    )


def requirements() -> dict[str, str]:
    """Return the locked archives' requirements, with version and hash, by name."""
    lines = [line for line in SDISTS.read_text().splitlines() if line and not line.startswith("#")]
    return {line.partition("==")[0]: line for line in lines}


def sources(name: str, interpreter: Path) -> Path:
    """Return the folder of an unpacked archive, compiled, so that copies start as fast as an installed package."""
    requirement = requirements()[name]
    version = requirement.split()[0].partition("==")[2]
    folder = cache() / "sdists" / f"{name}-{version}"
    folder.parent.mkdir(exist_ok=True)
    with locked(folder.parent / f"{name}.lock"):
        if not folder.exists():
            _fetch(name, requirement, folder.parent)
            with tarfile.open(folder.with_name(f"{folder.name}.tar.gz")) as archive:
                archive.extractall(folder.with_name(f"{folder.name}.part"), filter="data")
            unpacked = folder.with_name(f"{folder.name}.part") / folder.name
            subprocess.run([interpreter, "-m", "compileall", "-q", unpacked], stdout=subprocess.DEVNULL, check=False)
            unpacked.rename(folder)
            unpacked.parent.rmdir()
    return folder


def _fetch(name: str, requirement: str, into: Path) -> None:
    wanted = into / f"{name}.txt"
    wanted.write_text(requirement + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "--no-binary", name, "-d", str(into), "-r", str(wanted)], check=True)
