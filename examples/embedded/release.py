"""Nova's releases, and an environment for each."""

from dataclasses import dataclass
from pathlib import Path

from examples.embedded.building import built
from examples.embedded.errors import EmbeddedError

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"


@dataclass(frozen=True)
class Release:
    """A release of Nova; `threads` are the kinds of threads that its services support, the default first.

    Services in `eventlet_only` support eventlet only in this release.
    """

    name: str
    python: str
    threads: tuple[str, ...]
    eventlet_only: tuple[str, ...] = ()

    @property
    def lock(self) -> Path:
        return HERE / "locks" / f"nova-{self.name}.txt"

    def check_threads(self, threads: str) -> str:
        if threads not in ("default", *self.threads):
            raise EmbeddedError(f"Nova {self.name} has no {threads} threads: it has {', '.join(self.threads)}")
        return threads

    def variables(self, service: str, threads: str) -> dict[str, str]:
        """Return the environment variables that select a service's threads."""
        if threads == "default" or (threads == "native" and service in self.eventlet_only):
            return {}
        return {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "1" if threads == "native" else "0"}


RELEASES = {
    "34": Release("34", "3.11", ("native", "eventlet")),
    "32": Release("32", "3.11", ("eventlet", "native"), eventlet_only=("nova-compute",)),
    "29": Release("29", "3.11", ("eventlet",)),
}


def find_release(name: str) -> Release:
    if name not in RELEASES:
        raise EmbeddedError(f"no release {name} of Nova here: there are {', '.join(RELEASES)}")
    return RELEASES[name]


def environment(release: Release) -> Path:
    """Return the Python of the release's environment."""
    options = ("--no-python-downloads", "--python", release.python)
    return built(f"nova-{release.name}", release.lock, *options) / "python"


def clients() -> Path:
    """Return the bin folder with the commands `nova` and `openstack`, of an environment of their own."""
    return built("clients", HERE / "locks" / "clients.txt", "--no-python-downloads", "--python", "3.11")
