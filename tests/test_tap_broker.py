"""The tap against a real RabbitMQ: what it records, what it leaves behind, what a flood and a dead broker do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import kombu
import pytest

from tests.support.rabbits import CTL, PASSWORD, Rabbit, publish, running
from tests.support.taps import BOOTSEQ, PATIENCE, Tap
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    with running(tmp_path_factory.mktemp("rabbit")) as one:
        yield one


def start(rabbit: Rabbit, capture: Path) -> Tap:
    """By the management API, which is quicker than rabbitmqctl."""
    return Tap(rabbit.variables, capture, "--url", rabbit.url(), "--management", rabbit.management_url)


def tap(rabbit: Rabbit, *options: str, capture: Path) -> subprocess.CompletedProcess[str]:
    command = [BOOTSEQ, "tap", "-o", str(capture), *options]
    done = subprocess.run(command, env=rabbit.variables, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert PASSWORD not in done.stderr
    return done


@contextmanager
def conversation(rabbit: Rabbit) -> Iterator[Callable[[], None]]:
    """Two that talk when told to."""
    program = str(Path(__file__).with_name("support") / "rpc_program.py")
    command = [sys.executable, "-W", "ignore", program, rabbit.url().replace("amqp:", "rabbit:")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"

        def talk() -> None:
            print("talk", file=process.stdin, flush=True)
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"

        yield talk
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_a_conversation_is_recorded_and_nothing_left_behind(rabbit: Rabbit, tmp_path: Path) -> None:
    """A call with its reply, a cast and a fanout: each published and delivered, tied by their ids, secrets masked."""
    with conversation(rabbit) as talk:
        before = rabbit.state()
        one = Tap(rabbit.variables, tmp_path / "cap", "--url", rabbit.url(), "--rabbitmqctl", CTL)
        one.wait_for("switched on")
        assert rabbit.traces()
        talk()
        time.sleep(0.5)
        assert one.end() == 0
        assert rabbit.state() == before
    assert "tracing of vhost / is off again" in one.stderr
    assert "SECRET" not in one.file.read_text()
    assert (one.file.stat().st_mode & 0o777, one.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    seen: dict[str, list[str]] = {}
    for message in one.messages():
        inner = message["payload"]["oslo.message"]
        seen.setdefault(inner["_unique_id"], []).append(message["trace_key"].partition(".")[0])
    assert sorted(map(sorted, seen.values())) == [["deliver", "publish"]] * 4
    names = [each["payload"]["oslo.message"].get("method", "reply") for each in one.messages()]
    assert {name: names.count(name) for name in names} == {"build": 2, "note": 4, "reply": 2}


def test_killed_it_leaves_nothing_behind(rabbit: Rabbit, tmp_path: Path) -> None:
    before = rabbit.state()
    one = Tap(rabbit.variables, tmp_path / "cap", "--url", rabbit.url(), "--rabbitmqctl", CTL)
    one.wait_for("switched on")
    publish(rabbit, 10, 100)
    wait_until(lambda: one.count() >= 10)
    assert one.end(signal.SIGKILL) == -signal.SIGKILL
    assert "the tap died; tracing of vhost / is off again" in one.stderr
    assert rabbit.state() == before
    assert len(one.messages()) >= 10


def test_where_a_message_was_and_that_it_came_again(rabbit: Rabbit, tmp_path: Path) -> None:
    one = start(rabbit, tmp_path / "cap")
    one.wait_for("switched on")
    with kombu.Connection(rabbit.url(), transport="pyamqp") as connection:
        queue = connection.SimpleQueue("mine", queue_opts={"auto_delete": True, "durable": False})
        queue.put({"method": "note"})
        queue.get(timeout=PATIENCE).requeue()
        queue.get(timeout=PATIENCE).ack()
        queue.close()
    wait_until(lambda: one.count() >= 3)
    assert one.end() == 0
    sent, *taken = one.messages()
    assert (sent["trace_key"], sent["exchange"], sent["routing_keys"]) == ("publish.mine", "mine", ["mine"])
    assert (sent["routed_queues"], sent["user"]) == (["mine"], "openstack")
    assert [(each["trace_key"], each["redelivered"]) for each in taken] == [("deliver.mine", 0), ("deliver.mine", 1)]


def test_a_flood_while_it_sleeps(rabbit: Rabbit, tmp_path: Path) -> None:
    """100,000 messages; the broker keeps the last of them, within bounds, and the tap says so when it wakes."""
    before = rabbit.state()
    one = start(rabbit, tmp_path / "cap")
    one.wait_for("switched on")
    base = memory(rabbit)
    os.kill(one.pid, signal.SIGSTOP)
    try:
        publish(rabbit, 100_000, 1000)
        queues = {each["name"]: each for each in rabbit.ask("list_queues", "name", "messages", "message_bytes")}
        grown = memory(rabbit) - base
    finally:
        os.kill(one.pid, signal.SIGCONT)
    (ours,) = [each for name, each in queues.items() if name.startswith("bootseq-tap-")] or [None]
    if ours is not None:  # else the broker has closed the connection of who took nothing for 15 s
        assert ours["messages"] <= 10_000
        assert ours["message_bytes"] <= 64 << 20
    assert grown < 150 << 20
    wait_until(lambda: "drops the oldest" in one.stderr or "are missing" in one.stderr)
    assert one.end() == 0
    assert rabbit.state() == before


def test_tracing_that_was_on_is_left_on(rabbit: Rabbit, tmp_path: Path) -> None:
    rabbit.ctl("trace_on")
    try:
        done = tap(rabbit, "--url", rabbit.url(), "--rabbitmqctl", CTL, "--for", "1s", capture=tmp_path / "cap")
        assert done.returncode == 0
        assert "was on already, and stays on at the end" in done.stderr
        assert rabbit.traces()
    finally:
        rabbit.ctl("trace_off")


def test_by_management_over_tls(rabbit: Rabbit, tmp_path: Path) -> None:
    """As a service's own file has it, with the authority named there."""
    config = tmp_path / "nova.conf"
    config.write_text(
        f"[DEFAULT]\ntransport_url = {rabbit.tls_url.replace('amqps:', 'rabbit:')}\n"
        f"[oslo_messaging_rabbit]\nssl = true\nssl_ca_file = {rabbit.certificate}\n"
    )
    before = rabbit.ask("list_vhosts", "name", "description", "tags", "default_queue_type", "tracing")
    options = ("--management", rabbit.management_url)
    one = Tap(rabbit.variables, tmp_path / "cap", "--from-config", str(config), *options)
    one.wait_for("switched on")
    assert rabbit.traces()
    publish(rabbit, 3, 10)
    wait_until(lambda: one.count() >= 3)
    assert one.end(signal.SIGTERM) == 0
    assert rabbit.ask("list_vhosts", "name", "description", "tags", "default_queue_type", "tracing") == before


def test_a_certificate_that_is_not_trusted(rabbit: Rabbit, tmp_path: Path) -> None:
    options = ("--no-switch", "--for", "1")

    def said(url: str, *more: str) -> subprocess.CompletedProcess[str]:
        return tap(rabbit, "--url", url, *options, *more, capture=tmp_path / "cap")

    assert_told(said(rabbit.tls_url), "certificate is not trusted", "--cafile")
    other = rabbit.tls_url.replace("@localhost", "@127.0.0.1")
    assert_told(said(other, "--cafile", str(rabbit.certificate)), "is for another name", "127.0.0.1")
    assert_told(said(rabbit.tls_url.replace("amqps:", "amqp:")), "if this is the TLS port, use amqps://")
    assert_told(said(rabbit.url().replace("amqp:", "amqps:")), "TLS handshake failed")
    assert said(rabbit.tls_url, "--insecure").returncode == 0


def test_a_vhost_with_a_slash(rabbit: Rabbit, tmp_path: Path) -> None:
    """Written as it is or as %2F; another vhost is none of ours."""
    rabbit.ctl("add_vhost", "a/b")
    rabbit.ctl("set_permissions", "-p", "a/b", "openstack", ".*", ".*", ".*")
    one = Tap(
        rabbit.variables, tmp_path / "cap", "--url", rabbit.url(vhost="a%2Fb"), "--management", rabbit.management_url
    )
    one.wait_for("tracing of vhost a/b switched on")
    assert {each["name"]: each["tracing"] for each in rabbit.ask("list_vhosts", "name", "tracing")}["a/b"]
    publish(rabbit, 3, 10)
    publish(rabbit, 2, 10, vhost="a/b")
    wait_until(lambda: one.count() >= 2)
    assert one.end() == 0
    assert {message["vhost"] for message in one.messages()} == {"a/b"}
    assert not rabbit.traces()
    rabbit.ctl("delete_vhost", "a/b")


def test_what_is_wrong_is_told_in_one_line(rabbit: Rabbit, tmp_path: Path) -> None:
    """And nothing is switched."""
    rabbit.ctl("add_user", "poor", "p00r")
    rabbit.ctl("set_permissions", "poor", "^$", "^$", "^$")
    rabbit.ctl("add_user", "half", "p00r")
    rabbit.ctl("set_permissions", "half", "bootseq-tap-.*", "bootseq-tap-.*", "bootseq-tap-.*")
    cases = [
        (("--url", rabbit.url(password="wrong")), "wrong name or password"),
        (("--url", rabbit.url(vhost="nosuch")), "vhost nosuch does not exist"),
        (("--url", "amqp://u:p@127.0.0.1:1/"), "cannot connect: Connection refused"),
        (("--url", rabbit.url("half", "p00r")), "read the exchange amq.rabbitmq.trace"),
        (("--url", rabbit.url("poor", "p00r")), "user poor lacks permissions that the tap needs"),
        (("--url", rabbit.url(), "--rabbitmqctl", "false"), "cannot switch tracing on: false: exit code 1"),
        (
            ("--url", rabbit.url(), "--management", rabbit.management_url.replace("//", "//poor:p00r@")),
            "permission denied",
        ),
    ]
    for options, said in cases:
        ways = () if len(options) > 2 else ("--rabbitmqctl", CTL)
        assert_told(tap(rabbit, *options, *ways, capture=tmp_path / "cap"), said)
    assert not rabbit.traces()


def test_a_broker_that_goes_away(tmp_path: Path) -> None:
    """Once it is back the tap goes on: with tracing, which a restart ends, and a line that says what was missed."""
    with running(tmp_path / "broker") as rabbit:
        before = rabbit.state()
        one = start(rabbit, tmp_path / "cap")
        one.wait_for("switched on")
        publish(rabbit, 3, 10)
        wait_until(lambda: one.count() >= 3)
        with rabbit.away():
            one.wait_for("the broker is gone or closed the connection")
        one.wait_for("tracing was off and is on again; messages from")
        publish(rabbit, 4, 10)
        wait_until(lambda: one.count() >= 7)
        assert one.end() == 0
        assert "tracing of vhost / is off again" in one.stderr
        assert rabbit.state() == before


def test_it_may_end_while_the_broker_is_away(rabbit: Rabbit, tmp_path: Path) -> None:
    """What was recorded stays; tracing, which the node's memory keeps, is off once it is back."""
    one = start(rabbit, tmp_path / "cap")
    one.wait_for("switched on")
    publish(rabbit, 3, 10)
    wait_until(lambda: one.count() >= 3)
    try:
        rabbit.ctl("stop_app")  # tracing comes back with it: the node's memory keeps it
        one.wait_for("trying again")
        os.kill(one.pid, signal.SIGINT)
        one.wait_for("could not be switched off yet")
    finally:
        rabbit.ctl("start_app")
    assert one.ended() == 0
    wait_until(lambda: not rabbit.traces())
    assert one.count() >= 3


def test_a_connection_that_an_administrator_closes(rabbit: Rabbit, tmp_path: Path) -> None:
    """The broker still traces: it stays on."""
    one = start(rabbit, tmp_path / "cap")
    one.wait_for("switched on")
    rabbit.ctl("close_all_connections", "enough")
    one.wait_for("tracing is unchanged; messages from")
    publish(rabbit, 3, 10)
    wait_until(lambda: one.count() >= 3)
    assert one.end() == 0
    assert not rabbit.traces()


def test_two_taps(rabbit: Rabbit, tmp_path: Path) -> None:
    """Tracing is on until the last has ended, whichever that is; the second goes on getting copies."""
    first = start(rabbit, tmp_path / "first")
    first.wait_for("switched on")
    second = start(rabbit, tmp_path / "second")
    second.wait_for("was on for another tap, which switches it off")
    assert first.end() == 0
    (number,) = re.findall(r"another tap takes copies: process (\d+)", first.stderr)
    publish(rabbit, 3, 10)
    wait_until(lambda: second.count() >= 3)
    assert second.end() == 0
    wait_until(lambda: not Path("/proc", number).exists())
    assert not rabbit.traces()


def assert_told(done: subprocess.CompletedProcess[str], *said: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("bootseq: ")
    assert done.stderr.count("\n") == 1
    for each in said:
        assert each in done.stderr


def memory(rabbit: Rabbit) -> int:
    """Bytes in use by the broker."""
    return int(rabbit.ask("status")["memory"]["total"]["allocated"])
