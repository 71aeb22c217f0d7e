"""Nova's releases, and an environment for each."""

import hashlib
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from examples.embedded.building import built, layered
from examples.embedded.errors import EmbeddedError

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
#: The parts of Nova that write the embedded cloud's databases.
SCHEMA = (
    "nova/db/main/migrations/", "nova/db/api/migrations/", "nova/db/migration.py", "nova/db/main/models.py",
    "nova/db/api/models.py", "nova/cmd/manage.py",
)  # fmt: skip


@dataclass(frozen=True)
class Release:
    """A release of Nova; `threads` are the kinds of threads that its services support, the default first.

    Services in `eventlet_only` support eventlet only in this release. `lock` has the versions of all packages, `python`
    is a version or an interpreter. `wheel` is a Nova that is installed over the environment of the lock.
    """

    name: str
    python: str
    threads: tuple[str, ...]
    eventlet_only: tuple[str, ...] = ()
    lock: Path = Path()
    wheel: Path | None = None

    @cached_property
    def content(self) -> str:
        """Return a digest of everything that is installed; equal environments of different wheels have the same."""
        digest = hashlib.sha256(self.lock.read_bytes())
        if self.wheel:
            digest.update(wheel_digest(self.wheel).encode())
        return digest.hexdigest()[:12]

    @cached_property
    def schema(self) -> bytes:
        """Return the contents on which the databases depend: all packages, and the migrations of the wheel."""
        own = wheel_digest(self.wheel, SCHEMA).encode() if self.wheel else b""
        return self.lock.read_bytes() + own

    def check_threads(self, threads: str) -> str:
        if threads not in ("default", *self.threads):
            raise EmbeddedError(f"Nova {self.name} has no {threads} threads: it has {', '.join(self.threads)}")
        return threads

    def variables(self, service: str, threads: str) -> dict[str, str]:
        """Return the environment variables that select a service's threads."""
        if threads == "default" or (threads == "native" and service in self.eventlet_only):
            return {}
        return {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "1" if threads == "native" else "0"}


def series_of(version: str) -> int:
    """Return the series of a version of Nova: 34 of 34.0.0."""
    return int(version.partition(".")[0])


def threads_of(series: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the kinds of threads of a series, the default first, and the services that support eventlet only."""
    if series >= 34:
        return ("native", "eventlet"), ()
    if series >= 32:
        return ("eventlet", "native"), ("nova-compute",)
    return ("eventlet",), ()


def _locked(name: str) -> Release:
    return Release(name, "3.11", *threads_of(series_of(name)), lock=HERE / "locks" / f"nova-{name}.txt")


RELEASES = {name: _locked(name) for name in ("34", "32", "29")}


def find_release(release: str | Release) -> Release:
    """Return the locked release of a name; a release is returned unchanged."""
    if isinstance(release, Release):
        return release
    if release not in RELEASES:
        raise EmbeddedError(f"no release {release} of Nova here: there are {', '.join(RELEASES)}")
    return RELEASES[release]


def environment(release: Release) -> Path:
    """Return the Python of the release's environment."""
    base = built(_environment_name(release), release.lock, "--no-python-downloads", "--python", release.python)
    if release.wheel:
        base = layered(f"nova-{release.name}-{release.content}", base, release.wheel)
    return base / "python"


def _environment_name(release: Release) -> str:
    """Return the name of the environment without the wheel; others than the locked ones are named by their content."""
    locked = next((name for name, other in RELEASES.items() if other.lock == release.lock), None)
    return f"nova-{locked}" if locked else f"nova-{release.lock.stem}"


def wheel_digest(wheel: Path, parts: tuple[str, ...] = ("",)) -> str:
    """Return a digest of a wheel's contents below some paths, without the build's own data: version, date, commit."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            described = ".dist-info/" in name and not name.endswith("/entry_points.txt")
            if name.startswith(parts) and not described:
                digest.update(f"{name}\0".encode() + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()


def clients() -> Path:
    """Return the bin folder with the commands `nova` and `openstack`, of an environment of their own."""
    return built("clients", HERE / "locks" / "clients.txt", "--no-python-downloads", "--python", "3.11")
