"""The tap on a cluster of two real RabbitMQs: copies of what passes either, and one of them dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rabbits import CTL, PASSWORD, Rabbit, joined, publish, running
from tests.support.taps import Tap
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def test_a_cluster(tmp_path: Path) -> None:
    """A URL of three places: nobody listens at the first, the second is taken, and the third once that has died."""
    with running(tmp_path / "first") as first, joined(first, tmp_path / "second") as second:
        account = f"openstack:{PASSWORD}@"
        places = ",".join(f"{account}127.0.0.1:{port}" for port in (1, port_of(first), port_of(second)))
        one = Tap(first.variables, tmp_path / "cap", "--url", f"amqp://{places}/", "--rabbitmqctl", CTL)
        one.wait_for("switched on")
        assert [traces(first, each) for each in (first, second)] == [True, True]
        for each in (first, second):
            publish(each, 3, 10)
        wait_until(lambda: one.count() >= 6)
        assert [message["node"] for message in one.messages()].count(second.node) == 3
        first.kill()
        one.wait_for(f"reconnected to amqp://***@127.0.0.1:{port_of(second)}/%2F; tracing is unchanged")
        publish(second, 3, 10)
        wait_until(lambda: one.count() >= 9)
        assert one.end() == 0
        assert "tracing of vhost / is off again" in one.stderr
        assert not traces(first, second)


def port_of(rabbit: Rabbit) -> int:
    return rabbit.plan.port("rabbitmq")


def traces(first: Rabbit, node: Rabbit) -> bool:
    """Tracing is each node's own; the first one's variables have the cookie."""
    return any(each["tracing"] for each in first.ask("-n", node.node, "list_vhosts", "name", "tracing"))
