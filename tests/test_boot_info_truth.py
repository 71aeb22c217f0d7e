"""Boots of a real Nova that logs at INFO: their logs alone against what the hooks recorded of the same boots."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

import pytest

from examples.embedded import EmbeddedCloud, EmbeddedError
from tests.support.log_traces import trace
from tracer.model import Request

pytestmark = pytest.mark.slow

#: Boots in their order, and the notification that ends each; the last one is over the quota.
ENDS = {
    "active": "instance.create.end",
    "once": "instance.create.end",
    "always": "compute_task.build_instances.error",
    "image": "instance.create.error",
    "port": "compute_task.build_instances.error",
    "volume": "instance.create.error",
    "host": "compute_task.build_instances.error",
}


@dataclass(frozen=True)
class Boots:
    """The boots of one cloud by their names: as the hooks recorded them, and by the logs alone."""

    hooked: dict[str, Request]
    logged: dict[str, Request]


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Boots:
    folder = tmp_path_factory.mktemp("info")
    state, capture = folder / "state", folder / "capture"
    with EmbeddedCloud("34", state, capture, debug=False, faults=True, quota=len(ENDS) + 1) as cloud:
        ids = {name: boot(cloud, name, end) for name, end in ENDS.items()}
        ids["deleted"] = delete_during_build(cloud)
        with pytest.raises(EmbeddedError, match="Quota exceeded"):
            cloud.start_boot(["quota"])
    hooked = {request.server: request for request in trace(capture).boots}
    by_id = {request.request_id: request for request in trace(*sorted((state / "logs").glob("*.log"))).boots}
    ids["quota"] = hooked["quota"].request_id
    return Boots(hooked, {name: by_id[id_] for name, id_ in ids.items()})


def boot(cloud: EmbeddedCloud, name: str, end: str) -> str:
    """Boot a server that meets the fault of its name, wait for its end, and return the request's id."""
    flavor = "huge" if name == "host" else "m1.tiny"
    (pending,) = cloud.start_boot([name], flavor=flavor, metadata={"fault": name}, new_volume=name == "volume")
    pending.wait_for(end, timeout=240)
    return pending.request_id


def delete_during_build(cloud: EmbeddedCloud) -> str:
    """Boot a server and delete it while it is spawned; return the id of the boot's request."""
    (pending,) = cloud.start_boot(["deleted"], metadata={"fault": "slow"})
    pending.wait_for("spawn", timeout=240)
    connection = http.client.HTTPConnection("127.0.0.1", cloud.ports["nova-api"], timeout=60)
    connection.request("DELETE", f"/v2.1/servers/{pending.uuid}", headers={"X-Auth-Token": "admin"})
    assert connection.getresponse().status == 204
    connection.close()
    pending.wait_for("instance.delete.end", timeout=240)
    return pending.request_id
