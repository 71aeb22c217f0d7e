"""The suites' environment and their unpacked archives, both locked and kept in the cache."""

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


#: What has to be there to run Python's own tests; some builds leave a part of them out.
_TESTS = ("threading", "concurrent_futures", "logging", "subprocess", "socket")


@functools.cache
def python(name: str) -> Path:
    """The Python of the environment that ``locks/NAME.txt`` describes; of no environment where it is called python."""
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
    """The locked archives: name -> requirement with its version and hash."""
    lines = [line for line in SDISTS.read_text().splitlines() if line and not line.startswith("#")]
    return {line.partition("==")[0]: line for line in lines}


def sources(name: str, interpreter: Path) -> Path:
    """The folder of an unpacked archive, compiled: copies of it start as fast as what is installed."""
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
