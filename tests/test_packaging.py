"""The installed distribution: three packages that no other distribution has, their data, no tests, one command."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("tracer", "patches", "diagrams")
#: Globs of the data files in the wheel.
DATA = (
    "tracer/demo/*",
    "tracer/recording/*.yaml",
    "tracer/diff/policy/*.yaml",
    "tracer/messages/*.yaml",
    "tracer/bootstrap/*.py",
    "diagrams/templates/**/*",
    "diagrams/fonts/*",
)

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the file names in a wheel built from a copy of the tree, including tests and examples."""
    copy = tmp_path_factory.mktemp("tree")
    for folder in (*PACKAGES, "tests", "examples", "docs"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(built)], cwd=copy, check=True, capture_output=True)
    (path,) = built.glob("bootseq-*.whl")
    return set(zipfile.ZipFile(path).namelist())


def folders_with_modules() -> set[str]:
    """Return the import packages of the tree: folders with an ``__init__.py``."""
    inits = [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    return {".".join(path.parent.relative_to(ROOT).parts) for path in inits}


def test_every_package_is_listed(project: dict[str, Any]) -> None:
    assert set(project["tool"]["setuptools"]["packages"]) == folders_with_modules()


@pytest.mark.parametrize("name", PACKAGES)
def test_import_names_are_ours_alone(name: str) -> None:
    """The package index has a ``diagrams`` too; installing both breaks both."""
    assert set(importlib.metadata.packages_distributions().get(name, ["bootseq"])) == {"bootseq"}
    located = subprocess.run(
        [sys.executable, "-P", "-c", f"import {name}; print({name}.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(located.stdout.strip()) == ROOT / name / "__init__.py"


def test_wheel_holds_the_packages_and_their_data(wheel: set[str]) -> None:
    modules = {path for package in folders_with_modules() for path in (ROOT / package.replace(".", "/")).glob("*.py")}
    data = {path for pattern in DATA for path in ROOT.glob(pattern) if path.is_file()}
    expected = {str(path.relative_to(ROOT)) for path in modules | data}
    assert {name for name in wheel if ".dist-info/" not in name and ".data/" not in name} == expected


def test_wheel_holds_the_bootstrap(wheel: set[str]) -> None:
    assert "tracer/bootstrap/sitecustomize.py" in wheel


def test_wheel_has_every_file_of_the_packages(wheel: set[str]) -> None:
    """A new kind of data file needs a line in package-data and in DATA."""
    tree = {path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    names = {str(path.relative_to(ROOT)) for path in tree if "__pycache__" not in path.parts}
    assert names - wheel == set()


def test_licence_is_in_the_wheel(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith("licenses/LICENSE")] != []


def test_version_is_the_distribution_s() -> None:
    command = Path(sys.executable).with_name("bootseq")
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    assert shown == f"bootseq, version {importlib.metadata.version('bootseq')}\n"


def test_the_committed_manual_equals_the_help(tmp_path: Path) -> None:
    """``make manual`` writes the man pages and the shell completions."""
    command = [sys.executable, str(ROOT / ".ci" / "manual"), str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    committed = {path: (ROOT / "docs" / path).read_bytes() for path in written if (ROOT / "docs" / path).exists()}
    assert committed == written
