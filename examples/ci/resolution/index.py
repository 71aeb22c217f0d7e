"""The package index's facts about a version: when it was uploaded, and the Pythons that it supports."""

from __future__ import annotations

import json
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path

from examples.embedded.building import cache, uv
from examples.embedded.errors import EmbeddedError

#: The target of queries about versions: releases exclude old Pythons, not new ones.
_PYTHON = "3.14"
#: An OpenStack release's projects are uploaded within hours.
_DAY = timedelta(days=1)
_CLASSIFIER = "Programming Language :: Python :: "


@dataclass(frozen=True)
class Facts:
    """A version of a distribution: its upload as ISO time, and the Pythons of its requirement and its classifiers."""

    name: str
    version: str
    uploaded: str
    requires_python: str
    classified: tuple[str, ...]

    @property
    def cutoff(self) -> str:
        """Return the time, in UTC, as of which packages are resolved for it."""
        return (datetime.fromisoformat(self.uploaded) + _DAY).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def newest(requirement: str) -> str:
    """Return the newest version that fulfils a requirement."""
    return _upload(requirement)[0]


def facts(name: str, version: str) -> Facts:
    """Return the facts about a version, which never change: they are stored in the cache."""
    path = cache() / "index" / f"{name}-{version}.json"
    if path.exists():
        stored = json.loads(path.read_text())
        return Facts(**stored | {"classified": tuple(stored["classified"])})
    _, uploaded = _upload(f"{name}=={version}")
    result = Facts(name, version, uploaded, *pythons(_metadata(name, version)))
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(result), indent=1))
    return result


def pythons(metadata: str) -> tuple[str, tuple[str, ...]]:
    """Return the Requires-Python of the text of a METADATA file, and the versions in its classifiers."""
    message = message_from_string(metadata)
    classifiers = [str(value) for value in message.get_all("Classifier", [])]
    versions = [text.removeprefix(_CLASSIFIER) for text in classifiers if text.startswith(f"{_CLASSIFIER}3.")]
    return str(message.get("Requires-Python", "")), tuple(versions)


def _upload(requirement: str) -> tuple[str, str]:
    """Return the newest version that fulfils a requirement, and its upload's time."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder, "pylock.newest.toml")
        options = ["--no-deps", "--quiet", "--format", "pylock.toml", "--python-version", _PYTHON, "-o", str(lock)]
        uv("pip", "compile", *options, "-", text=f"{requirement}\n")
        # PEP 751: uv's lock with the files of the only package.
        (package,) = tomllib.loads(lock.read_text())["packages"]
    files = [*package.get("wheels", ()), package.get("sdist", {})]
    times = [file["upload-time"] for file in files if "upload-time" in file]
    if not times:
        raise EmbeddedError(f"the index does not report when {requirement} was uploaded; pass --constraints")
    return package["version"], min(times).isoformat()


def _metadata(name: str, version: str) -> str:
    """Return the METADATA of a version, whose wheel then is in uv's cache."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--quiet", "--target", folder, "--python-version", _PYTHON]
        uv("pip", "install", *options, f"{name}=={version}")
        (path,) = Path(folder).glob("*.dist-info/METADATA")
        return path.read_text()
