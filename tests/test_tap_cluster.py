"""The tap on a cluster of two real RabbitMQs: copies from both nodes, and the death of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rabbits import CTL, PASSWORD, Rabbit, joined, publish, running
from tests.support.taps import Tap
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def test_a_tap_survives_the_death_of_a_node(tmp_path: Path) -> None:
    """A URL of three hosts: the first is closed, the second is used, and after its death the third."""
    with running(tmp_path / "first") as first, joined(first, tmp_path / "second") as second:
        account = f"openstack:{PASSWORD}@"
        hosts = ",".join(f"{account}127.0.0.1:{port}" for port in (1, port_of(first), port_of(second)))
        tap = Tap(first.variables, tmp_path / "cap", "--url", f"amqp://{hosts}/", "--rabbitmqctl", CTL)
        tap.wait_for("switched on")
        assert [traces(first, node) for node in (first, second)] == [True, True]
        for node in (first, second):
            publish(node, 3, 10)
        wait_until(lambda: tap.count() >= 6)
        assert [message["node"] for message in tap.messages()].count(second.node) == 3
        first.kill()
        tap.wait_for(f"reconnected to amqp://***@127.0.0.1:{port_of(second)}/%2F; tracing is unchanged")
        publish(second, 3, 10)
        wait_until(lambda: tap.count() >= 9)
        assert tap.end() == 0
        assert "tracing of vhost / is off again" in tap.stderr
        assert not traces(first, second)


def port_of(rabbit: Rabbit) -> int:
    return rabbit.plan.port("rabbitmq")


def traces(first: Rabbit, node: Rabbit) -> bool:
    """Return whether a node traces; the first node's environment has the cookie for both."""
    return any(row["tracing"] for row in first.ask("-n", node.node, "list_vhosts", "name", "tracing"))
