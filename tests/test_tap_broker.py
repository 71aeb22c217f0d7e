"""The tap on a real RabbitMQ: its recording, its cleanup, floods and dead brokers."""

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
    with running(tmp_path_factory.mktemp("rabbit")) as broker:
        yield broker


def start(rabbit: Rabbit, capture: Path) -> Tap:
    """Start a tap that uses the management API, which is faster than rabbitmqctl."""
    return Tap(rabbit.variables, capture, "--url", rabbit.url(), "--management", rabbit.management_url)


def run_tap(rabbit: Rabbit, *options: str, capture: Path) -> subprocess.CompletedProcess[str]:
    command = [BOOTSEQ, "tap", "-o", str(capture), *options]
    done = subprocess.run(command, env=rabbit.variables, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert PASSWORD not in done.stderr
    return done


@contextmanager
def rpc_exchange(rabbit: Rabbit) -> Iterator[Callable[[], None]]:
    """Yield a function that makes a client and a server exchange messages."""
    program = str(Path(__file__).with_name("support") / "rpc_program.py")
    command = [sys.executable, "-W", "ignore", program, rabbit.url().replace("amqp:", "rabbit:")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"

        def exchange() -> None:
            print("talk", file=process.stdin, flush=True)
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"

        yield exchange
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_an_exchange_is_recorded_and_the_broker_is_left_unchanged(rabbit: Rabbit, tmp_path: Path) -> None:
    """A call with its reply, a cast and a fanout: published and delivered, linked by ids, secrets masked."""
    with rpc_exchange(rabbit) as exchange:
        before = rabbit.state()
        tap = Tap(rabbit.variables, tmp_path / "cap", "--url", rabbit.url(), "--rabbitmqctl", CTL)
        tap.wait_for("switched on")
        assert rabbit.traces()
        exchange()
        time.sleep(0.5)
        assert tap.end() == 0
        assert rabbit.state() == before
    assert "tracing of vhost / is off again" in tap.stderr
    assert "SECRET" not in tap.file.read_text()
    assert (tap.file.stat().st_mode & 0o777, tap.file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    directions: dict[str, list[str]] = {}
    for message in tap.messages():
        inner = message["payload"]["oslo.message"]
        directions.setdefault(inner["_unique_id"], []).append(message["trace_key"].partition(".")[0])
    assert sorted(map(sorted, directions.values())) == [["deliver", "publish"]] * 4
    names = [message_["payload"]["oslo.message"].get("method", "reply") for message_ in tap.messages()]
    assert {name: names.count(name) for name in names} == {"build": 2, "note": 4, "reply": 2}


def test_a_killed_tap_leaves_the_broker_unchanged(rabbit: Rabbit, tmp_path: Path) -> None:
    before = rabbit.state()
    tap = Tap(rabbit.variables, tmp_path / "cap", "--url", rabbit.url(), "--rabbitmqctl", CTL)
    tap.wait_for("switched on")
    publish(rabbit, 10, 100)
    wait_until(lambda: tap.count() >= 10)
    assert tap.end(signal.SIGKILL) == -signal.SIGKILL
    assert "the tap died; tracing of vhost / is off again" in tap.stderr
    assert rabbit.state() == before
    assert len(tap.messages()) >= 10


def test_a_copy_has_the_route_of_its_message_and_its_redelivery(rabbit: Rabbit, tmp_path: Path) -> None:
    tap = start(rabbit, tmp_path / "cap")
    tap.wait_for("switched on")
    with kombu.Connection(rabbit.url(), transport="pyamqp") as connection:
        queue = connection.SimpleQueue("mine", queue_opts={"auto_delete": True, "durable": False})
        queue.put({"method": "note"})
        queue.get(timeout=PATIENCE).requeue()
        queue.get(timeout=PATIENCE).ack()
        queue.close()
    wait_until(lambda: tap.count() >= 3)
    assert tap.end() == 0
    sent, *deliveries = tap.messages()
    assert (sent["trace_key"], sent["exchange"], sent["routing_keys"]) == ("publish.mine", "mine", ["mine"])
    assert (sent["routed_queues"], sent["user"]) == (["mine"], "openstack")
    assert [(copy["trace_key"], copy["redelivered"]) for copy in deliveries] == [
        ("deliver.mine", 0),
        ("deliver.mine", 1),
    ]


def test_a_flood_while_the_tap_is_stopped_is_bounded(rabbit: Rabbit, tmp_path: Path) -> None:
    """100,000 messages: the broker keeps the last of them, within bounds, and the tap reports the loss."""
    before = rabbit.state()
    tap = start(rabbit, tmp_path / "cap")
    tap.wait_for("switched on")
    base = memory(rabbit)
    os.kill(tap.pid, signal.SIGSTOP)
    try:
        publish(rabbit, 100_000, 1000)
        queues = {row["name"]: row for row in rabbit.ask("list_queues", "name", "messages", "message_bytes")}
        grown = memory(rabbit) - base
    finally:
        os.kill(tap.pid, signal.SIGCONT)
    (ours,) = [row for name, row in queues.items() if name.startswith("bootseq-tap-")] or [None]
    if ours is not None:  # else the broker has closed the connection of a consumer that was idle for 15 s
        assert ours["messages"] <= 10_000
        assert ours["message_bytes"] <= 64 << 20
    assert grown < 150 << 20
    wait_until(lambda: "drops the oldest" in tap.stderr or "are missing" in tap.stderr)
    assert tap.end() == 0
    assert rabbit.state() == before


def test_tracing_that_was_on_stays_on(rabbit: Rabbit, tmp_path: Path) -> None:
    rabbit.ctl("trace_on")
    try:
        done = run_tap(rabbit, "--url", rabbit.url(), "--rabbitmqctl", CTL, "--for", "1s", capture=tmp_path / "cap")
        assert done.returncode == 0
        assert "was on already, and stays on at the end" in done.stderr
        assert rabbit.traces()
    finally:
        rabbit.ctl("trace_off")


def test_a_tap_by_the_management_api_over_tls(rabbit: Rabbit, tmp_path: Path) -> None:
    """With URL and certificate authority from a service's own configuration file."""
    config = tmp_path / "nova.conf"
    config.write_text(
        f"[DEFAULT]\ntransport_url = {rabbit.tls_url.replace('amqps:', 'rabbit:')}\n"
        f"[oslo_messaging_rabbit]\nssl = true\nssl_ca_file = {rabbit.certificate}\n"
    )
    before = rabbit.ask("list_vhosts", "name", "description", "tags", "default_queue_type", "tracing")
    options = ("--management", rabbit.management_url)
    tap = Tap(rabbit.variables, tmp_path / "cap", "--from-config", str(config), *options)
    tap.wait_for("switched on")
    assert rabbit.traces()
    publish(rabbit, 3, 10)
    wait_until(lambda: tap.count() >= 3)
    assert tap.end(signal.SIGTERM) == 0
    assert rabbit.ask("list_vhosts", "name", "description", "tags", "default_queue_type", "tracing") == before


def test_an_untrusted_certificate_is_refused_with_a_hint(rabbit: Rabbit, tmp_path: Path) -> None:
    options = ("--no-switch", "--for", "1")

    def tapped(url: str, *more: str) -> subprocess.CompletedProcess[str]:
        return run_tap(rabbit, "--url", url, *options, *more, capture=tmp_path / "cap")

    assert_refused(tapped(rabbit.tls_url), "certificate is not trusted", "--cafile")
    other = rabbit.tls_url.replace("@localhost", "@127.0.0.1")
    assert_refused(tapped(other, "--cafile", str(rabbit.certificate)), "is for another name", "127.0.0.1")
    assert_refused(tapped(rabbit.tls_url.replace("amqps:", "amqp:")), "if this is the TLS port, use amqps://")
    assert_refused(tapped(rabbit.url().replace("amqp:", "amqps:")), "TLS handshake failed")
    assert tapped(rabbit.tls_url, "--insecure").returncode == 0


def test_a_vhost_with_a_slash_is_tapped_alone(rabbit: Rabbit, tmp_path: Path) -> None:
    """Its name is written as it is or with %2F; another vhost is not tapped."""
    rabbit.ctl("add_vhost", "a/b")
    rabbit.ctl("set_permissions", "-p", "a/b", "openstack", ".*", ".*", ".*")
    tap = Tap(
        rabbit.variables, tmp_path / "cap", "--url", rabbit.url(vhost="a%2Fb"), "--management", rabbit.management_url
    )
    tap.wait_for("tracing of vhost a/b switched on")
    assert {row["name"]: row["tracing"] for row in rabbit.ask("list_vhosts", "name", "tracing")}["a/b"]
    publish(rabbit, 3, 10)
    publish(rabbit, 2, 10, vhost="a/b")
    wait_until(lambda: tap.count() >= 2)
    assert tap.end() == 0
    assert {message["vhost"] for message in tap.messages()} == {"a/b"}
    assert not rabbit.traces()
    rabbit.ctl("delete_vhost", "a/b")


def test_a_failure_to_start_is_reported_in_one_line(rabbit: Rabbit, tmp_path: Path) -> None:
    """And tracing is not switched on."""
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
    for options, reason in cases:
        ways = () if len(options) > 2 else ("--rabbitmqctl", CTL)
        assert_refused(run_tap(rabbit, *options, *ways, capture=tmp_path / "cap"), reason)
    assert not rabbit.traces()


def test_a_broker_that_restarts_is_tapped_again(tmp_path: Path) -> None:
    """The tap switches tracing, which a restart ends, on again, and reports the time that it missed."""
    with running(tmp_path / "broker") as rabbit:
        before = rabbit.state()
        tap = start(rabbit, tmp_path / "cap")
        tap.wait_for("switched on")
        publish(rabbit, 3, 10)
        wait_until(lambda: tap.count() >= 3)
        with rabbit.away():
            tap.wait_for("the broker is gone or closed the connection")
        tap.wait_for("tracing was off and is on again; messages from")
        publish(rabbit, 4, 10)
        wait_until(lambda: tap.count() >= 7)
        assert tap.end() == 0
        assert "tracing of vhost / is off again" in tap.stderr
        assert rabbit.state() == before


def test_a_tap_may_end_while_the_broker_is_down(rabbit: Rabbit, tmp_path: Path) -> None:
    """The recording stays; tracing, which survives in the node's memory, is switched off later."""
    tap = start(rabbit, tmp_path / "cap")
    tap.wait_for("switched on")
    publish(rabbit, 3, 10)
    wait_until(lambda: tap.count() >= 3)
    try:
        rabbit.ctl("stop_app")  # tracing survives in the node's memory
        tap.wait_for("trying again")
        os.kill(tap.pid, signal.SIGINT)
        tap.wait_for("could not be switched off yet")
    finally:
        rabbit.ctl("start_app")
    assert tap.ended() == 0
    wait_until(lambda: not rabbit.traces())
    assert tap.count() >= 3


def test_a_connection_closed_by_an_administrator_is_opened_again(rabbit: Rabbit, tmp_path: Path) -> None:
    """The broker still traces, and tracing stays on."""
    tap = start(rabbit, tmp_path / "cap")
    tap.wait_for("switched on")
    rabbit.ctl("close_all_connections", "enough")
    tap.wait_for("tracing is unchanged; messages from")
    publish(rabbit, 3, 10)
    wait_until(lambda: tap.count() >= 3)
    assert tap.end() == 0
    assert not rabbit.traces()


def test_of_two_taps_the_last_switches_tracing_off(rabbit: Rabbit, tmp_path: Path) -> None:
    """The second goes on receiving copies after the first has ended."""
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


def assert_refused(done: subprocess.CompletedProcess[str], *texts: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("bootseq: ")
    assert done.stderr.count("\n") == 1
    for text in texts:
        assert text in done.stderr


def memory(rabbit: Rabbit) -> int:
    """Return the bytes of memory that the broker has allocated."""
    return int(rabbit.ask("status")["memory"]["total"]["allocated"])
