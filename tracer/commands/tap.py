"""``bootseq tap``: copies of the RPC messages that pass RabbitMQ, in a capture."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click
from click.core import ParameterSource

from tracer import times
from tracer.commands import printing
from tracer.commands.options import PATH
from tracer.commands.progress import Progress, progress
from tracer.errors import TracerError
from tracer.recording import call_points, capture
from tracer.text import plural

if TYPE_CHECKING:
    from tracer.tap.broker_url import BrokerAddress
    from tracer.tap.message_file import MessageFile
    from tracer.tap.session import TapSession

_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/lib/rabbitmq/bin"


@click.command()
@click.option(
    "--url", envvar="BOOTSEQ_TAP_URL", metavar="URL",
    help="amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://; better in $BOOTSEQ_TAP_URL, which `ps` does not show.",
)  # fmt: skip
@click.option(
    "--from-config", "config", type=PATH, metavar="FILE",
    help="Read the URL and TLS options from a service's configuration: /etc/nova/nova.conf.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=PATH, required=True, metavar="CAPTURE",
    help="Folder to record into: CAPTURE/messages.jsonl.",
)  # fmt: skip
@click.option("--for", "duration", metavar="TIME", help="End after this time: 30s, 10m, 2h. Default: at Ctrl-C.")
@click.option(
    "--rabbitmqctl", metavar="COMMAND",
    help="Command for rabbitmqctl, such as 'docker exec rabbitmq rabbitmqctl' or 'ssh broker sudo rabbitmqctl'.",
)  # fmt: skip
@click.option(
    "--management", envvar="BOOTSEQ_TAP_MANAGEMENT", metavar="URL",
    help="Switch tracing through the management plugin instead: http://HOST:15672, with USER:PASSWORD@ if it differs "
    "from --url's; then better in $BOOTSEQ_TAP_MANAGEMENT.",
)  # fmt: skip
@click.option("--no-switch", is_flag=True, help="Do not switch tracing; it must be on already.")
@click.option("--cafile", metavar="FILE", help="Certificate authority of the broker's certificate (amqps, https).")
@click.option("--insecure", is_flag=True, help="Do not verify the broker's certificate.")
@click.option("--cap", type=click.IntRange(min=1), default=2048, show_default=True, metavar="MB",
              help="End when messages.jsonl reaches this size.")  # fmt: skip
def tap(
    url: str | None, config: Path | None, output: Path, duration: str | None, rabbitmqctl: str | None,
    management: str | None, no_switch: bool, cafile: str | None, insecure: bool, cap: int,
) -> None:  # fmt: skip
    """Copy the RPC messages that pass RabbitMQ into CAPTURE/messages.jsonl, with secrets masked.

    The copies come from the broker's firehose. If its tracing is off, bootseq switches it on, through rabbitmqctl (as
    root or rabbitmq on the broker's machine) or the management plugin, and off again at the end, also if this command
    is killed or hangs for a minute; if another tap is running then, after that one. The queue of copies belongs to this
    command alone, is bounded, and is deleted with it.

    Of several hosts in the URL the first that answers is used, and the next one if it dies. bootseq waits up to five
    minutes for a broker that has gone away, and reports the interval without copies.

    \b
    Examples:
      bootseq tap --from-config /etc/nova/nova.conf -o cap --for 10m
      bootseq tap --url amqp://openstack:PASSWORD@controller/ --rabbitmqctl 'docker exec rabbitmq rabbitmqctl' -o cap
    """
    from tracer.tap.message_file import MessageFile
    from tracer.tap.session import TapSession

    seconds = times.seconds(duration) if duration else None
    address = _address(url, config, cafile, insecure)
    way = None if no_switch else _way(address, rabbitmqctl, management, cafile, not insecure)
    if capture.is_capture(output):
        capture.own(output).close()
    else:
        capture.make(output, points=call_points.load([]), ask=["ask"], echo=False)
    with progress() as doing, MessageFile(output, cap << 20) as messages:
        try:
            session = TapSession(address, messages, lambda text: _note(text, doing), doing)
        except KeyboardInterrupt:  # before the first message: its end like any other
            return
        begun = False
        try:
            with session.until_signal():
                _switch_on(session, address, way, doing)
                begun = True
                session.run(seconds)
                session.finish()
        finally:
            doing.done()
            of_tracing = session.close()
            if begun:
                _report(messages, of_tracing)


def _address(url: str | None, config: Path | None, cafile: str | None, insecure: bool) -> BrokerAddress:
    from tracer.tap import broker_url

    if config is not None and click.get_current_context().get_parameter_source("url") is ParameterSource.COMMANDLINE:
        raise TracerError("--url cannot be combined with --from-config")
    if config is not None:
        address = broker_url.read_config(config)
    elif url:
        address = broker_url.parse(url, "--url")
    else:
        raise TracerError("no broker given; pass --url amqp://… or --from-config /etc/nova/nova.conf")
    if address.tls is None:
        return address
    return replace(address, tls=replace(address.tls, cafile=cafile or address.tls.cafile, verify=not insecure))


def _way(
    address: BrokerAddress, rabbitmqctl: str | None, management: str | None, cafile: str | None, verify: bool
) -> dict[str, Any]:
    """Return how the watchdog switches tracing."""
    if management:
        return {"way": "management", "how": _management(address, management) | {"cafile": cafile, "verify": verify}}
    if rabbitmqctl:
        return {"way": "rabbitmqctl", "how": {"command": shlex.split(rabbitmqctl), "vhost": address.vhost}}
    program = shutil.which("rabbitmqctl") or shutil.which("rabbitmqctl", path=_FOLDERS)
    if program is None:
        raise TracerError(f"rabbitmqctl not found, which switches tracing on; {_how_else(address)}")
    return {"way": "rabbitmqctl", "how": {"command": [program], "vhost": address.vhost}}


def _management(address: BrokerAddress, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    node = address.nodes[0]
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TracerError("--management: invalid URL; write it as http://HOST:15672")
    user = unquote(parts.username) if parts.username else node.user
    password = unquote(parts.password or "") if parts.username else node.password
    return {
        "url": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", "user": user, "password": password,
        "vhost": address.vhost,
    }  # fmt: skip


def _switch_on(session: TapSession, address: BrokerAddress, way: dict[str, Any] | None, doing: Progress) -> None:
    vhost = address.vhost
    name = session.firehose.name
    if way is None:
        _note(f"{name}: copying messages if tracing of vhost {vhost} is on; stop with Ctrl-C", doing)
        return
    doing("switching tracing on")
    client = session.switch_on(way | {"queue": session.firehose.queue, "vhost": vhost})
    if client.error:
        raise TracerError(f"{name}: cannot switch tracing on: {client.error}; {_how_else(address)}")
    if client.on:
        _note(f"{name}: tracing of vhost {vhost} switched on; copying messages, stop with Ctrl-C", doing)
    else:
        owner = "for another tap, which switches it off" if client.others else "already, and stays on at the end"
        _note(f"warning: tracing of vhost {vhost} was on {owner}", doing)
        _note(f"{name}: copying messages, stop with Ctrl-C", doing)


def _how_else(address: BrokerAddress) -> str:
    return (
        "pass --rabbitmqctl 'ssh BROKER sudo rabbitmqctl' or --management http://BROKER:15672; or ask the broker's "
        f"administrator to run rabbitmqctl trace_on -p {shlex.quote(address.vhost)}, and trace_off later, and pass "
        "--no-switch"
    )


def _report(messages: MessageFile, of_tracing: str) -> None:
    kinds = ", ".join(f"{count} {_DONE.get(kind, kind)}" for kind, count in messages.count.items())
    printing.say(f"{messages.path}: {plural(messages.total, 'message')} ({kinds})")
    if of_tracing:
        printing.note(of_tracing)


_DONE = {"publish": "published", "deliver": "delivered"}


def _note(text: str, doing: Progress) -> None:
    doing.done()
    printing.note(text)
