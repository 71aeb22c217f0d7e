"""The cloud's two Python environments: the one of a Nova, and that of all the rest."""

from pathlib import Path

from examples.embedded.building import built

HERE = Path(__file__).resolve().parent
PYTHON = "3.11"


def lock_file(name: str) -> Path:
    """Of "services" (Keystone, Glance, Placement, Neutron and the client) or of "nova-34"."""
    return HERE / "locks" / f"{name}.txt"


def environment(name: str) -> Path:
    """Its bin folder."""
    return built(f"cloud-{name}", lock_file(name), "--python", PYTHON)
