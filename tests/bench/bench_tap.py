"""The tap's throughput: messages of a real boot's sizes a CPU second, beside a consumer that only parses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from pathlib import Path

import kombu

from tests.bench.row import Row
from tests.support.log_traces import nova34
from tests.support.rabbits import CTL, Rabbit, running
from tests.support.taps import Tap
from tests.support.waiting import wait_until

MESSAGES = 8_000
_TICKS = os.sysconf("SC_CLK_TCK")
#: Takes the given number of copies, and reports its start and end.
_PEER = """
import json, sys, kombu
left = int(sys.argv[2])
def take(message):
    global left
    json.loads(json.loads(message.body)["oslo.message"])
    left -= 1
with kombu.Connection(sys.argv[1], transport="pyamqp") as connection:
    channel = connection.channel()
    firehose = kombu.Exchange("amq.rabbitmq.trace", "topic", passive=True)
    queue = kombu.Queue("peer", firehose, "publish.#", exclusive=True, channel=channel)
    with kombu.Consumer(channel, [queue], no_ack=True, on_message=take):
        print("ready", flush=True)
        while left:
            connection.drain_events()
        print("done", flush=True)
        sys.stdin.read()
"""


def run() -> Iterable[Row]:
    """Send the same messages to both, one after the other, through a real RabbitMQ; their starts do not count."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder, "broker")) as rabbit:
        bodies = _bodies(nova34(Path(folder)) / "rpc.jsonl")
        peer = _parsed(rabbit, bodies)
        ours = _tapped(rabbit, bodies, Path(folder, "cap"))
        yield Row("kombu and json.loads", MESSAGES / peer, "per CPU s")
        yield Row("bootseq tap: masked, written", MESSAGES / ours, "per CPU s", peer / ours, "that")


def _bodies(copies: Path) -> list[str]:
    """Return the bodies of a boot's and a deletion's messages, as they passed."""
    bodies = []
    for line in copies.read_text().splitlines():
        payload = json.loads(line)["payload"]
        bodies.append(json.dumps(payload | {"oslo.message": json.dumps(payload["oslo.message"])}))
    return bodies


def _parsed(rabbit: Rabbit, bodies: list[str]) -> float:
    rabbit.ctl("trace_on")
    command = [sys.executable, "-c", _PEER, rabbit.url(), str(MESSAGES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        lines = iter(peer.stdout.readline, "")
        assert next(lines) == "ready\n"
        used = _used(peer.pid, rabbit, bodies, lambda: next(lines))
        peer.stdin.close()
    rabbit.ctl("trace_off")
    return used


def _tapped(rabbit: Rabbit, bodies: list[str], capture: Path) -> float:
    tap = Tap(rabbit.variables, capture, "--url", rabbit.url(), "--rabbitmqctl", CTL)
    tap.wait_for("switched on")
    used = _used(tap.pid, rabbit, bodies, lambda: wait_until(lambda: tap.count() >= MESSAGES))
    assert tap.end() == 0
    return used


def _used(pid: int, rabbit: Rabbit, bodies: list[str], taken: Callable[[], object]) -> float:
    """Return the CPU seconds from before the first message until all are taken."""
    before = _cpu(pid)
    with kombu.Connection(rabbit.url(), transport="pyamqp") as connection:
        producer = kombu.Producer(connection.channel())
        for body in islice(cycle(bodies), MESSAGES):
            producer.publish(
                body,
                exchange="amq.topic",
                routing_key="none",
                content_type="application/json",
                content_encoding="utf-8",
            )
    taken()
    return _cpu(pid) - before


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
