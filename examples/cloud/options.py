"""The options of `up` that add parts to the cloud, and the composition of all parts of a plan."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from examples.cloud.ceph import Ceph
from examples.cloud.cinder import Cinder
from examples.cloud.environments import environment
from examples.cloud.guest import Guest
from examples.cloud.networks import NETWORKS
from examples.cloud.nfs import Nfs
from examples.cloud.parts import BASE, COMPUTE, DAEMONS, SCHEMAS, Part, Service
from examples.cloud.plan import PORTS, Plan

# The parts of each choice; the option and the plan's field have the same name.
VOLUMES: Mapping[str, tuple[Part, ...]] = {"none": (), "ceph": (Ceph(), Cinder()), "nfs": (Nfs(), Cinder())}
GUEST: Mapping[bool, tuple[Part, ...]] = {False: (), True: (Guest(),)}
OPTIONS: Mapping[str, Mapping[Any, tuple[Part, ...]]] = {"volumes": VOLUMES, "networks": NETWORKS, "guest": GUEST}


def parts_of(plan: Plan) -> tuple[Part, ...]:
    return tuple(part for option, choices in OPTIONS.items() for part in choices[getattr(plan, option)])


def control_of(plan: Plan) -> tuple[Service, ...]:
    """Return all services but nova-compute, in order of start."""
    return (*BASE, *(service for part in parts_of(plan) for service in part.services))


def services_of(plan: Plan) -> tuple[Service, ...]:
    return (*control_of(plan), COMPUTE)


def daemons_of(plan: Plan) -> tuple[str, ...]:
    """Return the processes that are not OpenStack's, in order of start."""
    return (*DAEMONS, *(name for part in parts_of(plan) for name in part.daemons))


def schemas_of(plan: Plan) -> tuple[str, ...]:
    return (*SCHEMAS, *(name for part in parts_of(plan) for name in part.schemas))


def processes_of(plan: Plan) -> tuple[str, ...]:
    return (*daemons_of(plan), *(service.name for service in services_of(plan)))


def ports_of(plan: Plan) -> dict[str, str]:
    """Return the process that listens on each port in use: a port's name is its process's, or begins with it."""
    owners: dict[str, str] = {}
    for process in sorted(processes_of(plan), key=len):
        owners |= {port: process for port in PORTS if f"{port}-".startswith(f"{process}-")}
    return owners


def environment_names(plan: Plan) -> dict[str, str]:
    """Return the lock file's name of each environment: Nova's depends on the release."""
    names = {service.binaries for service in services_of(plan)}
    return {name: f"nova-{plan.release}" if name == "nova" else name for name in sorted(names)}


def binaries_of(plan: Plan) -> dict[str, Path]:
    """Return the bin folders of the environments, built now if they do not exist."""
    return {name: environment(lock) for name, lock in environment_names(plan).items()}
