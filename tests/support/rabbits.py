"""A private RabbitMQ on the loopback, started and stopped by the cloud example's scripts."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kombu

from examples.cloud.broker import (
    PROGRAMS,
    broker_variables,
    start_broker,
    wait_for_broker,
    write_broker_config,
)
from examples.cloud.plan import PORTS, Plan
from examples.cloud.process import Process, stop_all

PASSWORD = "s3cr3t-of-the-broker"
CTL = str(PROGRAMS / "rabbitmqctl")
_UUID = re.compile(r"[0-9a-f]{32}$")
#: Ports above the example's own: of the management plugin, and of AMQP over TLS.
MANAGEMENT, TLS = 680, 681
CERTIFICATE = """openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost
 -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"""


@dataclass(frozen=True)
class Rabbit:
    """A running broker."""

    plan: Plan
    node: str = "cloud@localhost"

    def url(self, user: str = "openstack", password: str = PASSWORD, vhost: str = "") -> str:
        return f"amqp://{user}:{password}@127.0.0.1:{self.plan.port('rabbitmq')}/{vhost}"

    @property
    def transport_url(self) -> str:
        """Return the URL as a service's configuration has it."""
        return self.url().replace("amqp:", "rabbit:")

    def served(self) -> list[str]:
        """Return the queues that have consumers."""
        return [queue["name"] for queue in self.ask("list_queues", "name", "consumers") if queue["consumers"]]

    @property
    def tls_url(self) -> str:
        return f"amqps://openstack:{PASSWORD}@localhost:{self.plan.port_base + TLS}/"

    @property
    def certificate(self) -> Path:
        return self.plan.state / "cert.pem"

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.plan.port_base + MANAGEMENT}"

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment that rabbitmqctl needs."""
        return os.environ | broker_variables(self.plan)

    def ctl(self, *arguments: str) -> str:
        command = [CTL, "--quiet", *arguments]
        return subprocess.run(command, env=self.variables, check=True, capture_output=True, text=True).stdout

    def ask(self, *arguments: str) -> Any:
        return json.loads(self.ctl(*arguments, "--formatter", "json"))

    def state(self) -> dict[str, Any]:
        """Return what a tap must leave as it was; a service that reconnects gets a queue with a new name."""
        queues = self.ask("list_queues", "name", "durable", "arguments")
        kinds = {(_UUID.sub("UUID", queue["name"]), queue["durable"], str(queue["arguments"])) for queue in queues}
        return {"queues": sorted(kinds), "tracing": self.ask("list_vhosts", "name", "tracing")}

    def traces(self) -> bool:
        return any(vhost["tracing"] for vhost in self.ask("list_vhosts", "name", "tracing"))

    def kill(self) -> None:
        """Kill the broker, as a crash would."""
        Process(self.plan, "rabbitmq").stop(signal.SIGKILL)
        stop_all([Process(self.plan, "rabbitmq")], 20)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the broker for the block; afterwards it runs again with the same data."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def start(self) -> None:
        """Start the broker with the management plugin, and TLS under a self-signed certificate."""
        plan = self.plan
        settings = (
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {plan.port_base + MANAGEMENT}\n"
            f"listeners.ssl.default = 127.0.0.1:{plan.port_base + TLS}\n"
            f"ssl_options.certfile = {plan.state}/cert.pem\nssl_options.keyfile = {plan.state}/key.pem\n"
            "ssl_options.verify = verify_none\n"
        )
        start_broker(plan, settings, ["rabbitmq_management"])
        wait_for_broker(plan)
        self.ctl("await_startup")


@contextmanager
def running(state: Path) -> Iterator[Rabbit]:
    if not (PROGRAMS / "rabbitmq-server").exists():
        raise AssertionError("no RabbitMQ here to test with; install it: .ci/packages rabbitmq-server")
    plan = Plan(state, "34", _free_base(), "default", echo=False, wrap="", secret=PASSWORD)
    plan.save()
    subprocess.run(CERTIFICATE.split(), cwd=state, check=True, capture_output=True)
    rabbit = Rabbit(plan)
    try:
        rabbit.start()
        yield rabbit
    finally:
        stop_all([Process(plan, "rabbitmq"), Process(plan, "epmd")], 20)


@contextmanager
def joined(first: Rabbit, state: Path) -> Iterator[Rabbit]:
    """Run a second node of the first broker's cluster, with the same accounts."""
    plan = Plan(state, "34", _free_base(), "default", echo=False, wrap="", secret=PASSWORD)
    plan.save()
    for name in ("mnesia", "logs"):
        (state / "rabbitmq" / name).mkdir(parents=True)
    write_broker_config(plan)
    second = Rabbit(plan, "other@localhost")
    # The cookie and the port mapper make them nodes of the same cluster.
    shared = {name: broker_variables(first.plan)[name] for name in ("HOME", "ERL_EPMD_PORT")}
    process = Process(plan, "rabbitmq")
    process.start(
        [str(PROGRAMS / "rabbitmq-server")], broker_variables(plan) | shared | {"RABBITMQ_NODENAME": second.node}
    )
    try:
        wait_for_broker(plan)
        for command in (["await_startup"], ["stop_app"], ["join_cluster", first.node], ["start_app"]):
            first.ctl("-n", second.node, *command)
        yield second
    finally:
        stop_all([process], 20)


def publish(rabbit: Rabbit, count: int, size: int, vhost: str = "") -> None:
    """Publish messages that no queue takes, which pass the firehose too."""
    with kombu.Connection(rabbit.url(vhost=vhost), transport="pyamqp") as connection:
        producer = kombu.Producer(connection.channel())
        for _ in range(count):
            producer.publish({"method": "flood", "args": {"x": "y" * size}}, exchange="amq.topic", routing_key="none")


def _free_base() -> int:
    """Return the base of a thousand ports of which ours are free, below those of the kernel and rabbitmqctl (35672)."""
    offsets = [PORTS[name] for name in ("epmd", "rabbitmq", "rabbitmq-distribution")] + [MANAGEMENT, TLS]
    for base in range(16000, 25000, 1000):
        if all(_is_free(base + offset) for offset in offsets):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
