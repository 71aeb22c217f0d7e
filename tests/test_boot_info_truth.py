"""Boots of a real Nova that logs at INFO: their logs alone against what the hooks recorded of the same boots."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass

import pytest

from examples.embedded import EmbeddedCloud, EmbeddedError
from tests.support.log_traces import trace
from tracer.model import Request

pytestmark = pytest.mark.slow

#: Boots in their order, and the notification that ends each.
ENDS = {
    "active": "instance.create.end",
    "once": "instance.create.end",
    "always": "compute_task.build_instances.error",
    "image": "instance.create.error",
    "port": "compute_task.build_instances.error",
    "volume": "instance.create.error",
    "host": "compute_task.build_instances.error",
}
EXHAUSTED = r"error: MaxRetriesExceeded: Exceeded maximum number of retries\. Exhausted all hosts available"
#: What the logs alone say of each.
OUTCOMES = {
    "active": "active",
    "once": "active",
    "always": rf"{EXHAUSTED}.*; first: InternalError: no space left on any node",
    "image": r"error: BuildAbortException: .*Flavor's disk is too small for requested image",
    "port": rf"{EXHAUSTED}.*; first: PortBindingFailed: Binding failed for port",
    "volume": r"error: BuildAbortException: .*did not finish being created .* its status is error",
    "host": r"error: NoValidHost: No valid host was found\.",
    "quota": r"error: HTTP 403, TooManyInstances: Quota exceeded for instances",
    "deleted": "deleted",
}
#: What the hooks' outcome must name too: the reason, by whichever exception they saw it.
REASONS = {
    "always": "no space left on any node", "image": "Flavor's disk is too small", "port": "Binding failed for port",
    "volume": "its status is error", "host": "NoValidHost", "quota": "HTTP 403",
}  # fmt: skip


@dataclass(frozen=True)
class Boots:
    """The boots of one cloud by their names: as the hooks recorded them, and by the logs alone."""

    hooked: dict[str, Request]
    logged: dict[str, Request]


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Boots:
    folder = tmp_path_factory.mktemp("info")
    state, capture = folder / "state", folder / "capture"
    with EmbeddedCloud("34", state, capture, debug=False, faults=True, quota=len(ENDS)) as cloud:
        ids = {"deleted": delete_during_build(cloud)}
        ids |= {name: boot(cloud, name, end) for name, end in ENDS.items()}
        with pytest.raises(EmbeddedError, match="Quota exceeded"):
            cloud.start_boot(["quota"])
    hooked = {request.server: request for request in trace(capture).boots}
    ids["quota"] = hooked["quota"].request_id
    logged = {request.request_id: request for request in trace(*sorted((state / "logs").glob("*.log"))).boots}
    assert len(logged) == len(ids)
    return Boots(hooked, {name: logged[id_] for name, id_ in ids.items()})


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


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_logs_say_how_a_boot_ended_and_why(name: str, boots: Boots) -> None:
    logged, hooked = boots.logged[name], boots.hooked[name]
    assert re.match(OUTCOMES[name], logged.outcome), logged.outcome
    assert REASONS.get(name, "") in hooked.outcome
    assert logged.outcome.partition(":")[0] == hooked.outcome.partition(":")[0]


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_logs_name_the_instance_and_its_host(name: str, boots: Boots) -> None:
    """A claim names the node, of which this host has two."""
    logged, hooked = boots.logged[name], boots.hooked[name]
    assert logged.uuid == hooked.uuid
    assert logged.host.removesuffix("-second") == hooked.host
