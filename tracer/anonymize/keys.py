"""Keys whose values are names: of JSON, Python's representations, SQL parameters, options, tables and headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_KINDS = {
    "host": """
        host hosts host_name node nodes nodename node_name hypervisor_hostname compute_host source_compute
        dest_compute source_node dest_node source_host dest_host launched_on host_id chassis force_hosts force_nodes
        ignore_hosts transport_host my_hostname server_host rabbit_host peer_host host_fqdn fqdn
    """,
    "hostname": "hostname",
    "server": "display_name server_name vm_name instance_name dns_name",
    "user": "user user_name username user_id login remote_user owner_name os_username",
    "project": "project project_name project_id tenant tenant_name tenant_id owner os_project_name os_tenant_name",
    "domain": "domain_name user_domain project_domain user_domain_name project_domain_name user_domain_id domain_id",
    "flavor": "flavor_name flavorid flavorref flavor_id instance_type original_name flavor",
    "image": "image_name imageref image",
    "network": "network_name network_label label net_name physical_network network subnet_name",
    "volume": "volume_name snapshot_name backup_name",
    "keypair": "key_name keypair_name keypair",
    "zone": "availability_zone zone zone_name availability_zones availability_zone_hints",
    "aggregate": "aggregate_name",
    "region": "region region_name region_id os_region_name",
    "backend": "volume_backend_name backend_name pool_name",
    "reservation": "reservation_id",
    "text": "display_description",
    "tag": "tags server_tags",
}
KIND_OF_KEY = {key: kind for kind, keys in _KINDS.items() for key in keys.split()}
#: Keys of a message's or a queue's destination, ``compute.HOST``.
TOPICS = frozenset(("topic", "topics", "queue", "routing_key", "routing_keys", "trace_key", "exchange", "publisher_id"))
#: The kind of a ``name`` by the key that its object is under.
_OBJECTS = {
    "server": "server", "instance": "server", "image": "image", "flavor": "flavor", "network": "network",
    "subnet": "network", "port": "network", "router": "network", "security_group": "network", "volume": "volume",
    "snapshot": "volume", "keypair": "keypair", "aggregate": "aggregate", "project": "project", "tenant": "project",
    "user": "user", "domain": "domain", "region": "region", "hypervisor": "host", "access": "user",
}  # fmt: skip
_CONTEXT = ("_context_", "os_", "x_", "instance_", "nova:")
_NUMBERS = re.compile(r"(?:_{1,2}[0-9]{1,4}){1,2}\Z")


@lru_cache(maxsize=1 << 14)
def kind_of(key: str) -> str:
    """Return the kind of the name that a key's value is; ``topic`` and ``object`` for others that hold names, or ""."""
    if key.startswith("nova_object."):
        return ""
    key = _NUMBERS.sub("", key.lower().replace("-", "_").rpartition(":")[2].rpartition(".")[2])
    if key in ("name", "alias"):
        return "object" if key == "name" else ""
    if key == "backend":
        return "host"
    while key:
        if key in KIND_OF_KEY:
            return KIND_OF_KEY[key]
        if key in TOPICS:
            return "topic"
        key = key.partition("_")[2]
    return ""


def kind_of_object(parents: Sequence[str]) -> str:
    """Return the kind of an object's ``name`` by the keys that it is under, the nearest last."""
    for parent in reversed(parents):
        word = parent.lower().replace("-", "_")
        kind = _OBJECTS.get(word) or _OBJECTS.get(word.removesuffix("s"))
        if kind:
            return kind
    return "name"
