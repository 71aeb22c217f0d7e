"""The cloud's two Python environments: Nova's, and that of all other services."""

from pathlib import Path

from examples.embedded.building import built

HERE = Path(__file__).resolve().parent
PYTHON = "3.11"


def lock_file(name: str) -> Path:
    """Return the bin folder of "services" (Keystone, Glance, Placement, Neutron and the client) or of "nova-34"."""
    return HERE / "locks" / f"{name}.txt"


def environment(name: str) -> Path:
    """Return its bin folder."""
    return built(f"cloud-{name}", lock_file(name), "--python", PYTHON)
