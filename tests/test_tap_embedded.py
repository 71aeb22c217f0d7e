"""The tap during real boots: Nova 34 on a real RabbitMQ, with hooks and DEBUG logs."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from examples.embedded import EmbeddedCloud
from tests.support.rabbits import CTL, running
from tests.support.taps import Tap, assert_confirmed, chapters, steps

pytestmark = pytest.mark.slow


def test_three_witnesses_confirm_one_boot(tmp_path: Path) -> None:
    """Copies alone show the boot's chapters; with hooks and logs they confirm it; the broker is unchanged."""
    capture, logs = tmp_path / "cap", tmp_path / "state" / "logs"
    with running(tmp_path / "broker") as rabbit:
        options = ("--from-config", str(tmp_path / "state/etc/nova-compute/nova.conf"), "--rabbitmqctl", CTL)
        with EmbeddedCloud("34", tmp_path / "state", capture=capture, echo=True, broker=rabbit) as cloud:
            cloud.boot("first")  # creates the services' reply queues
            before = rabbit.state()
            for name, number, code in (("vm1", signal.SIGINT, 0), ("vm2", signal.SIGKILL, -signal.SIGKILL)):
                tap = Tap(rabbit.variables, tmp_path / name, *options)
                tap.wait_for("switched on")
                assert cloud.boot(name).state == "active"
                assert tap.end(number) == code
                assert rabbit.state() == before
    alone = steps(tmp_path / "alone.trace.jsonl", "vm2", tmp_path / "vm2")
    assert chapters(alone) == [
        ("API", "schedule_and_build_instances"),
        ("conductor", "schedule_and_build_instances"),
        ("compute", "build_and_run_instance"),
        ("scheduler", "update_instance_info"),
    ]
    hooked = steps(tmp_path / "hooked.trace.jsonl", "vm1", capture)
    merged = steps(tmp_path / "merged.trace.jsonl", "vm1", capture, tmp_path / "vm1", *sorted(logs.glob("*.log")))
    assert_confirmed(merged, hooked)
