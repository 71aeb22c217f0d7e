"""RabbitMQ, with its node name, ports and files of its own."""

import socket
from collections.abc import Sequence
from pathlib import Path

from examples.cloud.packages import find_command
from examples.cloud.plan import Plan
from examples.cloud.process import Process

# The wrapper in sbin changes the user.
PROGRAMS = Path("/usr/lib/rabbitmq/bin")
START_TIMEOUT = 300.0


def start_broker(plan: Plan, settings: str = "", plugins: Sequence[str] = ()) -> Process:
    """Start the broker and its port mapper, which would otherwise start by itself and run forever."""
    write_broker_config(plan, settings, plugins)
    mapper = Process(plan, "epmd")
    mapper.start([find_command("epmd"), "-port", str(plan.port("epmd")), "-address", "127.0.0.1"])
    mapper.wait(lambda: _is_open(plan.port("epmd")), START_TIMEOUT)
    process = Process(plan, "rabbitmq")
    process.start([str(PROGRAMS / "rabbitmq-server")], broker_variables(plan))
    return process


def write_broker_config(plan: Plan, settings: str = "", plugins: Sequence[str] = ()) -> None:
    """`settings` are lines of their own for it."""
    folder = plan.state / "rabbitmq"
    for name in ("mnesia", "logs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "rabbitmq.conf").write_text(
        f"default_user = openstack\ndefault_pass = {plan.secret}\n"
        f"listeners.tcp.default = 127.0.0.1:{plan.port('rabbitmq')}\n"
        "log.console = false\nlog.file.level = info\nvm_memory_high_watermark.relative = 0.2\n"
        f"{settings}"
    )
    (folder / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")
    (folder / "rabbitmq-env.conf").write_text("")


def wait_for_broker(plan: Plan) -> None:
    Process(plan, "rabbitmq").wait(lambda: _greets(plan.port("rabbitmq")), START_TIMEOUT)


def broker_variables(plan: Plan) -> dict[str, str]:
    """Return the environment of the server and of rabbitmqctl."""
    folder = plan.state / "rabbitmq"
    return {
        # Holds the cookie that authorises rabbitmqctl.
        "HOME": str(folder),
        "RABBITMQ_NODENAME": "cloud@localhost",
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_DIST_PORT": str(plan.port("rabbitmq-distribution")),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_PORT": str(plan.port("epmd")),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        # A failing rabbitmqctl would leave one in its working folder.
        "ERL_CRASH_DUMP_SECONDS": "0",
    }


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _greets(port: int) -> bool:
    """Return whether it answers a client's first bytes with the first frame of AMQP 0-9-1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
    except OSError:
        return False
