"""Nova's releases, and an environment for each."""

from dataclasses import dataclass
from pathlib import Path

from examples.embedded.building import built
from examples.embedded.errors import EmbeddedError

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"


@dataclass(frozen=True)
class Release:
    """`threads` names the kinds that Nova's services can run with; the first is what they run with by default.

    Services in `eventlet_only` run on eventlet whatever is asked for: the release cannot do otherwise.
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
        """What chooses a service's threads in its environment."""
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
    """The Python of the release's environment."""
    options = ("--no-python-downloads", "--python", release.python)
    return built(f"nova-{release.name}", release.lock, *options) / "python"
