"""The watchdog: it switches tracing on, and off again however the tap ends; with a fake rabbitmqctl."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GRACE_SECONDS
from tests.support.waiting import wait_until
from tracer.errors import TracerError
from tracer.tap import watchdog
from tracer.tap.tracing_switch import Rabbitmqctl, SwitchError
from tracer.tap.watchdog_client import WatchdogClient

COMMAND = str(Path(__file__).with_name("support") / "fake_rabbitmqctl")
REQUEST = {
    "way": "rabbitmqctl", "how": {"command": [COMMAND], "vhost": "/"}, "queue": "bootseq-tap-1", "vhost": "/",
}  # fmt: skip
OURS = {"name": "bootseq-tap-1", "exclusive": True}
THEIRS = {"name": "bootseq-tap-2", "exclusive": True}
#: A tap that starts the watchdog, prints the nodes, and waits.
TAP = """
import json, sys, time
from tracer.tap.watchdog_client import WatchdogClient
client = WatchdogClient(json.loads(sys.argv[1]))
print(client.nodes, flush=True)
time.sleep(60)
"""


class Broker:
    """The fake broker: the answers of the fake rabbitmqctl, and its recorded calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configure(queues=[OURS], nodes={"running_nodes": ["rabbit@a"]})

    def configure(self, **answers: Any) -> None:
        for name, value in answers.items():
            (self.folder / name).write_text(json.dumps(value))

    def fail(self, command: str, node: str = "") -> None:
        (self.folder / f"fails.{command}.{node}").touch()

    def heal(self, command: str, node: str = "") -> None:
        (self.folder / f"fails.{command}.{node}").unlink()

    def traces(self, node: str = "") -> bool:
        return (self.folder / f"on.{node}").exists()

    def calls(self, command: str) -> int:
        path = self.folder / "asked"
        return path.read_text().count(f"{command} ") if path.exists() else 0

    def was_called_more_often(self, command: str, times: int) -> bool:
        return self.calls(command) > times


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    monkeypatch.setenv("FAKE", str(tmp_path))
    return Broker(tmp_path)


def test_tracing_is_switched_on_and_off(broker: Broker) -> None:
    client = WatchdogClient(REQUEST)
    assert (client.nodes, client.error) == (["rabbit@a"], None)
    assert broker.traces()
    client.renew()
    assert client.end() == "tracing of vhost / is off again"
    assert not broker.traces()
    assert client.end() == ""


def test_tracing_that_was_on_stays_on(broker: Broker) -> None:
    (broker.folder / "on.").touch()
    client = WatchdogClient(REQUEST)
    assert not client.on
    assert client.error is None
    assert client.end() == ""
    assert broker.traces()
    assert broker.calls("trace_off") == 0


def test_another_broker_is_refused(broker: Broker) -> None:
    """rabbitmqctl belongs to this machine, the URL to another."""
    broker.configure(queues=[{"name": "conductor", "exclusive": False}, THEIRS | {"exclusive": False}])
    client = WatchdogClient(REQUEST)
    assert client.error == "it is connected to a different broker or vhost than the URL names"
    assert broker.calls("trace_on") == 0


@pytest.mark.parametrize("command", ["list_queues", "cluster_status", "list_vhosts", "trace_on"])
def test_a_failing_command_is_reported(broker: Broker, command: str) -> None:
    broker.fail(command)
    error = WatchdogClient(REQUEST).error
    assert error == f"{COMMAND}: Error: unable to perform an operation on node"


@pytest.mark.parametrize("answer", ["", "Error", "[]", "{}", '["x"]', "null"])
def test_an_invalid_answer_is_reported(broker: Broker, answer: str) -> None:
    """From another program, or from a version with another format."""
    for name in ("queues", "nodes"):
        (broker.folder / name).write_text(answer)
        assert WatchdogClient(REQUEST).error
    assert broker.calls("trace_on") == 0


def test_a_missing_command_is_reported() -> None:
    client = WatchdogClient(REQUEST | {"how": {"command": ["/nonexistent/rabbitmqctl"], "vhost": "/"}})
    assert client.error == "/nonexistent/rabbitmqctl: No such file or directory"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_tracing_is_off_after_the_death_of_the_tap(broker: Broker, number: signal.Signals) -> None:
    tap = subprocess.Popen(
        [sys.executable, "-c", TAP, json.dumps(REQUEST)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert tap.stdout is not None
    assert tap.stdout.readline() == "['rabbit@a']\n"
    assert broker.traces()
    os.kill(tap.pid, number)
    _, output = tap.communicate(timeout=20)  # it ends when the watchdog ends, which has the same stderr
    assert output == "bootseq: the tap died; tracing of vhost / is off again\n"
    assert not broker.traces()


def test_tracing_is_off_after_a_death_during_the_switching_on(broker: Broker) -> None:
    """One process does both, so the order cannot be reversed."""
    for _ in range(5):
        tap = subprocess.Popen([sys.executable, "-c", TAP, json.dumps(REQUEST)], stdout=subprocess.DEVNULL)
        begun = partial(broker.was_called_more_often, "cluster_status", broker.calls("cluster_status"))
        wait_until(begun, 10)
        tap.kill()
        tap.wait()
        wait_until(lambda: not watchdogs(), 10)
        assert not broker.traces()


def watchdogs() -> list[str]:
    """Return the watchdog processes of this test."""
    names = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                b"tracer.tap.watchdog" in (folder / "cmdline").read_bytes()
                and os.environ["FAKE"].encode() in (folder / "environ").read_bytes()
            ):
                names.append(folder.name)
        except OSError:
            continue
    return names


def test_a_tap_notices_that_the_watchdog_has_switched_off(broker: Broker) -> None:
    """After a signal to the watchdog, as at a shutdown."""
    client = WatchdogClient(REQUEST)
    os.kill(client._process.pid, signal.SIGTERM)
    client._process.wait(GRACE_SECONDS)
    assert not broker.traces()
    with pytest.raises(TracerError, match="was switched off meanwhile"):
        client.renew()
    assert client.end() == "tracing of vhost / is off again"


@pytest.mark.parametrize("works", [True, False])
def test_the_tap_switches_off_after_the_death_of_the_watchdog(broker: Broker, works: bool) -> None:
    client = WatchdogClient(REQUEST)
    os.kill(client._process.pid, signal.SIGKILL)
    client._process.wait()
    with pytest.raises(TracerError, match="ended"):
        client.renew()
    if works:
        assert client.end() == "tracing of vhost / is off again"
    else:
        broker.fail("trace_off")
        assert "may still be on; switch it off: rabbitmqctl trace_off -p /" in client.end(0.1)


def test_a_silent_tap_counts_as_dead(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setattr(watchdog, "LEASE", 0.2)
    pipe = watchdog.Pipe(threading.Event())
    saved = os.dup(0)
    os.dup2(read, 0)
    try:
        os.write(write, b'"a"\n\n\n"b"\n')
        assert [pipe.line(), pipe.line()] == ['"a"', '"b"']
        assert (pipe.line(), pipe.why) == ("", "the tap gave no sign of life for 0 s")
        os.close(write)
        closed = watchdog.Pipe(threading.Event())
        assert (closed.line(), closed.why) == ("", "")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read)


def test_tracing_is_switched_on_again_after_a_restart_of_the_broker(broker: Broker) -> None:
    """Tracing is off then, and the tap has another queue."""
    client = WatchdogClient(REQUEST)
    (broker.folder / "on.").unlink()
    broker.configure(queues=[OURS | {"name": "bootseq-tap-3"}])
    assert client.switch_on_again("bootseq-tap-3")
    assert broker.traces()
    assert not client.switch_on_again("bootseq-tap-3")
    assert client.end() == "tracing of vhost / is off again"
    assert not broker.traces()


def test_tracing_that_was_on_before_a_restart_is_switched_on_and_off(broker: Broker) -> None:
    """Another user had switched it on, and the restart has switched it off."""
    (broker.folder / "on.").touch()
    client = WatchdogClient(REQUEST)
    (broker.folder / "on.").unlink()
    assert not client.on
    assert client.switch_on_again("bootseq-tap-1")
    assert client.on
    assert client.end() == "tracing of vhost / is off again"
    assert not broker.traces()


def test_a_broker_that_is_not_ready_is_tried_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_PAUSE", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    broker.fail("list_queues")
    threading.Timer(0.2, broker.heal, ("list_queues",)).start()
    assert watchdog._serve_queue(used, "bootseq-tap-1", [], 10) == ["rabbit@a"]
    assert broker.traces()


def test_tracing_stays_on_while_another_tap_runs(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_LOOK", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.configure(queues=[THEIRS, OURS])
    ending = threading.Thread(target=watchdog.end, args=(used, nodes, "bootseq-tap-1", {"bootseq-tap-2"}))
    ending.start()
    known = broker.calls("list_queues")
    wait_until(lambda: broker.calls("list_queues") > known + 2, 10)
    assert broker.traces()
    broker.configure(queues=[OURS])
    ending.join(GRACE_SECONDS)
    assert not broker.traces()


def test_tracing_is_switched_on_again_for_a_tap_that_starts_meanwhile(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It started while tracing was still on, and relies on it."""
    monkeypatch.setattr(watchdog, "_LOOK", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.configure(queues=[], late=[THEIRS])
    ending = threading.Thread(target=watchdog.end, args=(used, nodes, "bootseq-tap-1", set[str]()))
    ending.start()
    wait_until(lambda: broker.calls("trace_off") == 1, 10)
    wait_until(lambda: broker.calls("trace_on") == 2, 10)
    wait_until(broker.traces, 10)
    broker.configure(queues=[])
    ending.join(GRACE_SECONDS)
    assert not broker.traces()


def test_a_tap_may_end_while_another_runs(broker: Broker) -> None:
    """Its watchdog waits for the other; a signal makes it switch off at once."""
    client = WatchdogClient(REQUEST)
    broker.configure(queues=[THEIRS])
    message = client.end()
    assert message.startswith("another tap takes copies: process ")
    assert broker.traces()
    os.kill(client._process.pid, signal.SIGTERM)
    client._process.wait(GRACE_SECONDS)
    assert not broker.traces()


def test_tracing_is_switched_on_every_node_of_a_cluster(broker: Broker) -> None:
    """Tracing is a setting of every node; where it was on, it stays on."""
    broker.configure(nodes={"running_nodes": ["rabbit@a", "rabbit@b", "rabbit@c"]})
    (broker.folder / "on.rabbit@b").touch()
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    assert nodes == ["rabbit@a", "rabbit@c"]
    assert all(broker.traces(node) for node in ("rabbit@a", "rabbit@b", "rabbit@c"))
    assert watchdog.switch_off(used, nodes, 0)
    assert [broker.traces(node) for node in ("rabbit@a", "rabbit@b", "rabbit@c")] == [False, True, False]


def test_a_failure_on_one_node_switches_the_others_off(broker: Broker) -> None:
    broker.configure(nodes={"running_nodes": ["rabbit@a", "rabbit@b"]})
    broker.fail("trace_on", "rabbit@b")
    with pytest.raises(SwitchError):
        watchdog.switch_on(Rabbitmqctl([COMMAND], "/"))
    assert not broker.traces("rabbit@a")


def test_a_stopped_node_is_not_switched_off(broker: Broker) -> None:
    broker.configure(nodes={"running_nodes": ["rabbit@a", "rabbit@b"]})
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.configure(nodes={"running_nodes": ["rabbit@a"]})
    assert watchdog.switch_off(used, nodes, 0)
    assert not broker.traces("rabbit@a")


def test_other_known_nodes_are_used_when_the_first_is_down(broker: Broker) -> None:
    """Only nodes that are known from an earlier call; without them the call fails."""
    alone, used = Rabbitmqctl([COMMAND], "/"), Rabbitmqctl([COMMAND], "/")
    alone.traced()
    broker.configure(nodes={"running_nodes": ["rabbit@a", "rabbit@b"]})
    nodes = watchdog.switch_on(used)
    for command in ("list_queues", "cluster_status"):
        broker.fail(command)
        broker.fail(command, "rabbit@a")
    broker.configure(nodes={"running_nodes": ["rabbit@b"]})
    assert used.taps() == {"bootseq-tap-1"}
    assert used.traced() == {"rabbit@b": True}
    assert watchdog.switch_off(used, nodes, 0)
    assert not broker.traces("rabbit@b")
    with pytest.raises(SwitchError):
        alone.traced()


def test_a_failed_switching_off_is_tried_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_PAUSE", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.fail("trace_off")
    assert not watchdog.switch_off(used, nodes, 0.2)
    assert broker.calls("trace_off") > 1
    threading.Timer(0.2, broker.heal, ("trace_off",)).start()
    assert watchdog.switch_off(used, nodes, 10)
    assert not broker.traces()
