"""The wheel and the sdist, built from the committed files and installed by uv and pipx into an empty home."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from diagrams import SUFFIXES
from tracer import __version__

ROOT = Path(__file__).parent.parent
VERSION = __version__
UV = Path(sys.executable).with_name("uv")
#: An interpreter without any of our packages.
PYTHON = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
CAPTURE = ROOT / "tests" / "data" / "nova34-boot.tar.gz"
PICTURES = tuple(f".{suffix}" for suffix in SUFFIXES)
#: Files of the documentation by their folders below an environment's share/.
MANUAL = {
    "man/man1": sorted((ROOT / "docs/man").glob("*.1")),
    "bash-completion/completions": [ROOT / "docs/completions/bootseq"],
    "zsh/site-functions": [ROOT / "docs/completions/_bootseq"],
    "fish/vendor_completions.d": [ROOT / "docs/completions/bootseq.fish"],
}
#: Variables by which uv and pip reach their package index here.
NETWORK = {name: text for name, text in os.environ.items() if name.startswith(("SSL_CERT", "PIP_", "UV_INDEX"))} | {
    name: text for name, text in os.environ.items() if name.lower().endswith("_proxy")
}

pytestmark = pytest.mark.slow


def committed(*folders: str) -> set[str]:
    """Return the paths of the committed files, below these folders or all."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, check=True, capture_output=True, text=True)
    return {path for path in listed.stdout.split("\0") if (ROOT / path).is_file()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build as ``make dist`` does, from a copy of the committed files; return the folder of wheel and sdist."""
    tree, folder = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for path in committed():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tree / path)
    command: list[str | Path] = [
        UV,
        "build",
        "--quiet",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        folder,
    ]
    subprocess.run(command, cwd=tree, check=True)
    return folder


def wheel(dist: Path) -> Path:
    return dist / f"bootseq-{VERSION}-py3-none-any.whl"


def sdist(dist: Path) -> Path:
    return dist / f"bootseq-{VERSION}.tar.gz"


def test_dist_is_one_wheel_and_one_sdist(dist: Path) -> None:
    assert {path for path in dist.iterdir() if path.name != ".gitignore"} == {wheel(dist), sdist(dist)}


def test_wheel_has_every_committed_file_of_the_packages(dist: Path) -> None:
    names = set(zipfile.ZipFile(wheel(dist)).namelist())
    assert {name for name in names if ".dist-info/" not in name and ".data/" not in name} == committed(
        "patches", "tracer", "diagrams"
    )
    share = f"bootseq-{VERSION}.data/data/share"
    assert {f"{share}/{folder}/{path.name}" for folder, paths in MANUAL.items() for path in paths} <= names


def test_sdist_has_every_file_that_builds_the_wheel(dist: Path) -> None:
    with tarfile.open(sdist(dist)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = committed("patches", "tracer", "diagrams", "docs/man", "docs/completions")
    assert needed | {"pyproject.toml", "README.md", "LICENSE"} <= names


@dataclass(frozen=True)
class Home:
    """The empty home of a user, who installs there."""

    path: Path

    def run(self, *command: object, environment: Mapping[str, str] = {}) -> str:
        """Run a command in the home with no environment but this; return its output."""
        own = {"HOME": str(self.path), "PATH": f"{self.path}/.local/bin:/usr/bin:/bin", **environment}
        done = subprocess.run(
            list(map(str, command)), cwd=self.path, env=own, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bootseq(self, folder: Path, *arguments: object) -> str:
        """Run the installed command in a folder; return its output."""
        command = ["env", "-i", "-C", folder, f"HOME={self.path}", self.path / ".local/bin/bootseq", *arguments]
        return self.run(*command)


def by_uv(home: Home, file: Path) -> Path:
    """Install a file with uv; return the tool's environment."""
    constraints = ["--constraints", ROOT / "constraints.txt", "--no-python-downloads"]
    home.run(UV, "tool", "install", "--quiet", "--python", PYTHON, *constraints, file, environment=NETWORK)
    return home.path / ".local/share/uv/tools/bootseq"


def by_pipx(home: Home, file: Path) -> Path:
    """Install a file with pipx, which uv fetches; return the tool's environment."""
    options = ["--python", PYTHON, "--pip-args", f"--constraint {ROOT / 'constraints.txt'}"]
    home.run(UV, "tool", "run", "--quiet", "--python", PYTHON, "pipx", "install", *options, file, environment=NETWORK)
    assert (home.path / ".local/share/man/man1/bootseq.1").is_file(), "pipx links man pages"
    return home.path / ".local/share/pipx/venvs/bootseq"


@pytest.mark.parametrize(
    ("install", "built"), [(by_uv, wheel), (by_uv, sdist), (by_pipx, wheel)], ids=["uv-wheel", "uv-sdist", "pipx-wheel"]
)
def test_installs_into_an_empty_home_and_works(install, built, dist: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    home = Home(tmp_path / "home")
    home.path.mkdir()
    environment = install(home, built(dist))
    check_manual(environment / "share")
    folder = tmp_path / "folder"
    folder.mkdir()
    check_commands(home, folder)


def check_manual(share: Path) -> None:
    """Check that the man pages and completions are the repository's."""
    for target, paths in MANUAL.items():
        for path in paths:
            assert (share / target / path.name).read_bytes() == path.read_bytes()


def check_commands(home: Home, folder: Path) -> None:
    """Check that commands, from the capture of a real boot to its pictures, run with nothing but what was installed."""
    assert VERSION in home.bootseq(folder, "--version")
    assert "bootseq record" in home.bootseq(folder, "record", "--help")
    assert home.bootseq(folder, "--help").startswith("Usage: bootseq")
    assert list(folder.iterdir()) == []
    with tarfile.open(CAPTURE) as archive:
        archive.extractall(folder / "capture", filter="data")
    home.bootseq(folder, "ingest", "-o", "boot.trace.jsonl.gz", "capture")
    (boot,) = json.loads(home.bootseq(folder, "list", "boot.trace.jsonl.gz", "--json"))
    assert boot["outcome"] == "active"
    assert boot["server"] in home.bootseq(folder, "list", "boot.trace.jsonl.gz")
    assert "\n1-1. " in home.bootseq(folder, "show", "boot.trace.jsonl.gz")
    for suffix in PICTURES:
        home.bootseq(folder, "draw", "boot.trace.jsonl.gz", "-o", f"boot{suffix}")
        assert (folder / f"boot{suffix}").stat().st_size > 1000
    home.bootseq(folder, "diff", "boot.trace.jsonl.gz", "boot.trace.jsonl.gz")
    home.bootseq(folder, "run", "-o", "recorded", "--", PYTHON, "-c", "import sqlite3")
