"""Who switches tracing on, and off again whatever becomes of the tap: with a rabbitmqctl of the tests' own."""

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
#: A tap that starts the watchdog, says so, and waits.
TAP = """
import json, sys, time
from tracer.tap.watchdog_client import WatchdogClient
client = WatchdogClient(json.loads(sys.argv[1]))
print(client.nodes, flush=True)
time.sleep(60)
"""


class Broker:
    """What the command is told of, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.say(queues=[OURS], nodes={"running_nodes": ["rabbit@a"]})

    def say(self, **said: Any) -> None:
        for name, value in said.items():
            (self.folder / name).write_text(json.dumps(value))

    def fail(self, command: str, node: str = "") -> None:
        (self.folder / f"fails.{command}.{node}").touch()

    def heal(self, command: str, node: str = "") -> None:
        (self.folder / f"fails.{command}.{node}").unlink()

    def traces(self, node: str = "") -> bool:
        return (self.folder / f"on.{node}").exists()

    def asked(self, command: str) -> int:
        path = self.folder / "asked"
        return path.read_text().count(f"{command} ") if path.exists() else 0

    def asked_beyond(self, command: str, times: int) -> bool:
        return self.asked(command) > times


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    monkeypatch.setenv("FAKE", str(tmp_path))
    return Broker(tmp_path)


def test_on_and_off(broker: Broker) -> None:
    client = WatchdogClient(REQUEST)
    assert (client.nodes, client.error) == (["rabbit@a"], None)
    assert broker.traces()
    client.renew()
    assert client.end() == "tracing of vhost / is off again"
    assert not broker.traces()
    assert client.end() == ""


def test_what_was_on_stays_on(broker: Broker) -> None:
    (broker.folder / "on.").touch()
    client = WatchdogClient(REQUEST)
    assert not client.on
    assert client.error is None
    assert client.end() == ""
    assert broker.traces()
    assert broker.asked("trace_off") == 0


def test_another_broker_is_left_alone(broker: Broker) -> None:
    """A rabbitmqctl of this machine, while the URL is of another one."""
    broker.say(queues=[{"name": "conductor", "exclusive": False}, THEIRS | {"exclusive": False}])
    client = WatchdogClient(REQUEST)
    assert client.error == "it is connected to a different broker or vhost than the URL names"
    assert broker.asked("trace_on") == 0


@pytest.mark.parametrize("command", ["list_queues", "cluster_status", "list_vhosts", "trace_on"])
def test_what_fails_is_told(broker: Broker, command: str) -> None:
    broker.fail(command)
    error = WatchdogClient(REQUEST).error
    assert error == f"{COMMAND}: Error: unable to perform an operation on node"


@pytest.mark.parametrize("said", ["", "Error", "[]", "{}", '["x"]', "null"])
def test_nonsense_is_told(broker: Broker, said: str) -> None:
    """Of a rabbitmqctl that is none, or of a version that says it otherwise."""
    for name in ("queues", "nodes"):
        (broker.folder / name).write_text(said)
        assert WatchdogClient(REQUEST).error
    assert broker.asked("trace_on") == 0


def test_no_such_command() -> None:
    client = WatchdogClient(REQUEST | {"how": {"command": ["/nonexistent/rabbitmqctl"], "vhost": "/"}})
    assert client.error == "/nonexistent/rabbitmqctl: No such file or directory"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_off_when_the_tap_dies(broker: Broker, number: signal.Signals) -> None:
    tap = subprocess.Popen(
        [sys.executable, "-c", TAP, json.dumps(REQUEST)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert tap.stdout is not None
    assert tap.stdout.readline() == "['rabbit@a']\n"
    assert broker.traces()
    os.kill(tap.pid, number)
    _, said = tap.communicate(timeout=20)  # its end is the watchdog's too, which has the same stderr
    assert said == "bootseq: the tap died; tracing of vhost / is off again\n"
    assert not broker.traces()


def test_off_when_the_tap_dies_while_it_is_switched_on(broker: Broker) -> None:
    """The one process that switches on also switches off: never the wrong way round."""
    for _ in range(5):
        tap = subprocess.Popen([sys.executable, "-c", TAP, json.dumps(REQUEST)], stdout=subprocess.DEVNULL)
        seen = partial(broker.asked_beyond, "cluster_status", broker.asked("cluster_status"))
        wait_until(seen, 10)
        tap.kill()
        tap.wait()
        wait_until(lambda: not watchdogs(), 10)
        assert not broker.traces()


def watchdogs() -> list[str]:
    """The processes that watch over a switch of this test."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                b"tracer.tap.watchdog" in (folder / "cmdline").read_bytes()
                and os.environ["FAKE"].encode() in (folder / "environ").read_bytes()
            ):
                found.append(folder.name)
        except OSError:
            continue
    return found


def test_switched_off_by_the_watchdog_alone(broker: Broker) -> None:
    """A signal stops the watchdog, as at a shutdown: the tap notices, and ends."""
    client = WatchdogClient(REQUEST)
    os.kill(client._process.pid, signal.SIGTERM)
    client._process.wait(GRACE_SECONDS)
    assert not broker.traces()
    with pytest.raises(TracerError, match="was switched off meanwhile"):
        client.renew()
    assert client.end() == "tracing of vhost / is off again"


@pytest.mark.parametrize("works", [True, False])
def test_a_dead_watchdog_s_work_is_done(broker: Broker, works: bool) -> None:
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


def test_silence_is_death(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setattr(watchdog, "LEASE", 0.2)
    one = watchdog.Pipe(threading.Event())
    saved = os.dup(0)
    os.dup2(read, 0)
    try:
        os.write(write, b'"a"\n\n\n"b"\n')
        assert [one.line(), one.line()] == ['"a"', '"b"']
        assert (one.line(), one.why) == ("", "the tap gave no sign of life for 0 s")
        os.close(write)
        other = watchdog.Pipe(threading.Event())
        assert (other.line(), other.why) == ("", "")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read)


def test_looked_after_again(broker: Broker) -> None:
    """After a restart of the broker tracing is off, and our queue another one."""
    client = WatchdogClient(REQUEST)
    (broker.folder / "on.").unlink()
    broker.say(queues=[OURS | {"name": "bootseq-tap-3"}])
    assert client.switch_on_again("bootseq-tap-3")
    assert broker.traces()
    assert not client.switch_on_again("bootseq-tap-3")
    assert client.end() == "tracing of vhost / is off again"
    assert not broker.traces()


def test_what_was_on_may_go_off_with_the_broker(broker: Broker) -> None:
    """Somebody else had switched it on, and a restart off: then we do, and off again."""
    (broker.folder / "on.").touch()
    client = WatchdogClient(REQUEST)
    (broker.folder / "on.").unlink()
    assert not client.on
    assert client.switch_on_again("bootseq-tap-1")
    assert client.on
    assert client.end() == "tracing of vhost / is off again"
    assert not broker.traces()


def test_a_broker_that_is_not_there_yet_is_asked_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_PAUSE", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    broker.fail("list_queues")
    threading.Timer(0.2, broker.heal, ("list_queues",)).start()
    assert watchdog._serve_queue(used, "bootseq-tap-1", [], 10) == ["rabbit@a"]
    assert broker.traces()


def test_on_as_long_as_another_tap_is_there(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_LOOK", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.say(queues=[THEIRS, OURS])
    ending = threading.Thread(target=watchdog.end, args=(used, nodes, "bootseq-tap-1", {"bootseq-tap-2"}))
    ending.start()
    known = broker.asked("list_queues")
    wait_until(lambda: broker.asked("list_queues") > known + 2, 10)
    assert broker.traces()
    broker.say(queues=[OURS])
    ending.join(GRACE_SECONDS)
    assert not broker.traces()


def test_a_tap_that_comes_while_it_is_switched_off(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It found tracing on, and relies on it."""
    monkeypatch.setattr(watchdog, "_LOOK", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.say(queues=[], late=[THEIRS])
    ending = threading.Thread(target=watchdog.end, args=(used, nodes, "bootseq-tap-1", set[str]()))
    ending.start()
    wait_until(lambda: broker.asked("trace_off") == 1, 10)
    wait_until(lambda: broker.asked("trace_on") == 2, 10)
    wait_until(broker.traces, 10)
    broker.say(queues=[])
    ending.join(GRACE_SECONDS)
    assert not broker.traces()


def test_a_tap_leaves_while_another_goes_on(broker: Broker) -> None:
    """It does not wait; its watchdog does, and a signal to that one means now."""
    client = WatchdogClient(REQUEST)
    broker.say(queues=[THEIRS])
    said = client.end()
    assert said.startswith("another tap takes copies: process ")
    assert broker.traces()
    os.kill(client._process.pid, signal.SIGTERM)
    client._process.wait(GRACE_SECONDS)
    assert not broker.traces()


def test_every_node_of_a_cluster(broker: Broker) -> None:
    """Tracing is each node's own; one where it was on stays so."""
    broker.say(nodes={"running_nodes": ["rabbit@a", "rabbit@b", "rabbit@c"]})
    (broker.folder / "on.rabbit@b").touch()
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    assert nodes == ["rabbit@a", "rabbit@c"]
    assert all(broker.traces(node) for node in ("rabbit@a", "rabbit@b", "rabbit@c"))
    assert watchdog.switch_off(used, nodes, 0)
    assert [broker.traces(node) for node in ("rabbit@a", "rabbit@b", "rabbit@c")] == [False, True, False]


def test_half_a_cluster_is_none(broker: Broker) -> None:
    broker.say(nodes={"running_nodes": ["rabbit@a", "rabbit@b"]})
    broker.fail("trace_on", "rabbit@b")
    with pytest.raises(SwitchError):
        watchdog.switch_on(Rabbitmqctl([COMMAND], "/"))
    assert not broker.traces("rabbit@a")


def test_a_node_that_ended_traces_no_more(broker: Broker) -> None:
    broker.say(nodes={"running_nodes": ["rabbit@a", "rabbit@b"]})
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.say(nodes={"running_nodes": ["rabbit@a"]})
    assert watchdog.switch_off(used, nodes, 0)
    assert not broker.traces("rabbit@a")


def test_a_node_that_the_command_speaks_to_is_down(broker: Broker) -> None:
    """The others, which were seen before, are asked; one node that was never seen with others is not."""
    alone, used = Rabbitmqctl([COMMAND], "/"), Rabbitmqctl([COMMAND], "/")
    alone.traced()
    broker.say(nodes={"running_nodes": ["rabbit@a", "rabbit@b"]})
    nodes = watchdog.switch_on(used)
    for command in ("list_queues", "cluster_status"):
        broker.fail(command)
        broker.fail(command, "rabbit@a")
    broker.say(nodes={"running_nodes": ["rabbit@b"]})
    assert used.taps() == {"bootseq-tap-1"}
    assert used.traced() == {"rabbit@b": True}
    assert watchdog.switch_off(used, nodes, 0)
    assert not broker.traces("rabbit@b")
    with pytest.raises(SwitchError):
        alone.traced()


def test_tried_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_PAUSE", 0.05)
    used = Rabbitmqctl([COMMAND], "/")
    nodes = watchdog.switch_on(used)
    broker.fail("trace_off")
    assert not watchdog.switch_off(used, nodes, 0.2)
    assert broker.asked("trace_off") > 1
    threading.Timer(0.2, broker.heal, ("trace_off",)).start()
    assert watchdog.switch_off(used, nodes, 10)
    assert not broker.traces()
