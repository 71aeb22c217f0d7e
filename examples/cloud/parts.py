"""The parts of a cloud: the services of every cloud, and the shape of what an option of `up` adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.cloud.plan import COMPUTE_HOST, Plan
from examples.cloud.rest import Client
from examples.embedded.config import Sections

# The bin folders of the environments, by name.
Binaries = Mapping[str, Path]


@dataclass(frozen=True)
class Service:
    """An OpenStack process, with its entries in the other services.

    `binaries` names the environment of its command. An HTTP service has a WSGI `module` and reads its configuration's
    path from `variable`, or from its arguments without one. It uses the schemas whose names start with `database`, and
    consumes from `queue` once it is ready. `account` and `kind` are its user and its type in Keystone. It starts when
    the service `after` is ready.
    """

    name: str
    binaries: str = "services"
    module: str = ""
    variable: str = ""
    database: str = ""
    queue: str = ""
    account: str = ""
    kind: str = ""
    after: str = ""


class Part:
    """An addition to the cloud by an option of `up`; each method does nothing unless a part overrides it.

    `packages` are as in packages.py, `folders` are below the cloud's folder, `daemons` are processes that are not
    OpenStack's, in order of start, `schemas` are database names.
    """

    packages: Mapping[str, str] = {}
    folders: tuple[str, ...] = ()
    daemons: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    schemas: tuple[str, ...] = ()

    def configs(self, plan: Plan, binaries: Binaries) -> dict[str, Sections]:  # noqa: ARG002 - overridden
        """Return the configuration of its own services."""
        return {}

    def extend(self, plan: Plan, service: str, sections: Sections) -> None:
        """Add its options to the configuration of any other service."""

    def prepare(self, plan: Plan) -> None:
        """Prepare the machine before any process starts."""

    def start(self, plan: Plan, binaries: Binaries) -> None:
        """Start its daemons and wait for them; running ones are left alone. libvirt and the broker run already."""

    def fill(self, plan: Plan, binaries: Binaries) -> dict[str, list[list[str]]]:  # noqa: ARG002 - overridden
        """Return the commands that fill its schemas: lists that may run beside each other."""
        return {}

    def wait(self, client: Client) -> None:
        """Wait until its services, which answer already, can be used, and create their content."""

    def clean(self, plan: Plan) -> None:
        """Remove its remains from the machine, once none of the cloud's processes runs."""


COMPUTE = Service("nova-compute", "nova", queue=f"compute.{COMPUTE_HOST}")
# In order of start; Keystone is started before them all, nova-compute after them.
BASE = (
    Service("keystone", module="keystone.wsgi.api", variable="OS_KEYSTONE_CONFIG_DIR", database="keystone"),
    Service(
        "placement",
        module="placement.wsgi.api",
        variable="OS_PLACEMENT_CONFIG_DIR",
        database="placement",
        account="placement",
        kind="placement",
    ),
    Service(
        "glance",
        module="glance.wsgi.api",
        variable="OS_GLANCE_CONFIG_DIR",
        database="glance",
        account="glance",
        kind="image",
    ),
    Service(
        "neutron",
        module="neutron.wsgi.api",
        variable="OS_NEUTRON_CONFIG_FILES",
        database="neutron",
        account="neutron",
        kind="network",
    ),
    Service(
        "nova-api",
        "nova",
        module="nova.wsgi.osapi_compute",
        variable="OS_NOVA_CONFIG_DIR",
        database="nova",
        account="nova",
        kind="compute",
    ),
    Service("nova-conductor", "nova", database="nova", queue="conductor"),
    Service("nova-scheduler", "nova", database="nova", queue="scheduler"),
)
SCHEMAS = ("keystone", "glance", "placement", "neutron", "nova_api", "nova_cell0", "nova_cell1")
DAEMONS = ("epmd", "rabbitmq", "mariadb", "libvirtd")
