"""``bootseq tap``: copies of the RPC messages that pass RabbitMQ, into a capture."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click
from click.core import ParameterSource

from tracer import durations
from tracer.commands import printing
from tracer.commands.paths import PATH
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
    help="Take the URL, and TLS, from a service's own file: /etc/nova/nova.conf.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=PATH, required=True, metavar="CAPTURE",
    help="Folder to record into: CAPTURE/messages.jsonl.",
)  # fmt: skip
@click.option("--for", "duration", metavar="TIME", help="End after it: 30s, 10m, 2h. Without it: at Ctrl-C.")
@click.option(
    "--rabbitmqctl", metavar="COMMAND",
    help="How rabbitmqctl is called here, such as 'docker exec rabbitmq rabbitmqctl' or 'ssh broker sudo rabbitmqctl'.",
)  # fmt: skip
@click.option(
    "--management", envvar="BOOTSEQ_TAP_MANAGEMENT", metavar="URL",
    help="Switch by the management plugin instead: http://HOST:15672, with USER:PASSWORD@ if it is not --url's, then "
    "better in $BOOTSEQ_TAP_MANAGEMENT.",
)  # fmt: skip
@click.option("--no-switch", is_flag=True, help="Leave tracing as it is; somebody else has switched it on.")
@click.option("--cafile", metavar="FILE", help="The authority that signed the broker's certificate (amqps, https).")
@click.option("--insecure", is_flag=True, help="Do not verify the broker's certificate.")
@click.option("--cap", type=click.IntRange(min=1), default=2048, show_default=True, metavar="MB",
              help="End when messages.jsonl is so large.")  # fmt: skip
def tap(
    url: str | None, config: Path | None, output: Path, duration: str | None, rabbitmqctl: str | None,
    management: str | None, no_switch: bool, cafile: str | None, insecure: bool, cap: int,
) -> None:  # fmt: skip
    """Write copies of the RPC messages that pass RabbitMQ, secrets masked, into CAPTURE/messages.jsonl.

    The copies come from the broker's firehose. Where its tracing is off, it is switched on, by rabbitmqctl (as root or
    rabbitmq on the broker's machine) or by the management plugin, and off again at the end, also when this command is
    killed or stands still for a minute; if another tap takes copies then, after that one. The queue that copies wait in
    is this command's alone, bounded, and goes with it.

    Of several hosts in the URL the first that answers is taken, and when that one dies the next. A broker that goes
    away is waited for, five minutes at most; what was missed is told.

    \b
    Examples:
      bootseq tap --from-config /etc/nova/nova.conf -o cap --for 10m
      bootseq tap --url amqp://openstack:PASSWORD@controller/ --rabbitmqctl 'docker exec rabbitmq rabbitmqctl' -o cap
    """
    from tracer.tap.message_file import MessageFile
    from tracer.tap.session import TapSession

    seconds = durations.seconds(duration) if duration else None
    address = _address(url, config, cafile, insecure)
    way = None if no_switch else _way(address, rabbitmqctl, management, cafile, not insecure)
    if capture.is_capture(output):
        capture.own(output).close()
    else:
        capture.make(output, points=call_points.load([]), ask=["ask"], echo=False)
    with progress() as doing, MessageFile(output, cap << 20) as messages:
        try:
            session = TapSession(address, messages, lambda said: _say(said, doing), doing)
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
                _tell(messages, of_tracing)


def _address(url: str | None, config: Path | None, cafile: str | None, insecure: bool) -> BrokerAddress:
    from tracer.tap import broker_url

    if config is not None and click.get_current_context().get_parameter_source("url") is ParameterSource.COMMANDLINE:
        raise TracerError("--url or --from-config, not both")
    if config is not None:
        found = broker_url.read_config(config)
    elif url:
        found = broker_url.parse(url, "--url")
    else:
        raise TracerError("which broker? Say --url amqp://… or --from-config /etc/nova/nova.conf")
    if found.tls is None:
        return found
    return replace(found, tls=replace(found.tls, cafile=cafile or found.tls.cafile, verify=not insecure))


def _way(
    address: BrokerAddress, rabbitmqctl: str | None, management: str | None, cafile: str | None, verify: bool
) -> dict[str, Any]:
    """How tracing is switched, as the keeper is told of it."""
    if management:
        return {"way": "management", "how": _management(address, management) | {"cafile": cafile, "verify": verify}}
    if rabbitmqctl:
        return {"way": "rabbitmqctl", "how": {"command": shlex.split(rabbitmqctl), "vhost": address.vhost}}
    found = shutil.which("rabbitmqctl") or shutil.which("rabbitmqctl", path=_FOLDERS)
    if found is None:
        raise TracerError(f"no rabbitmqctl here to switch tracing on with; {_how_else(address)}")
    return {"way": "rabbitmqctl", "how": {"command": [found], "vhost": address.vhost}}


def _management(address: BrokerAddress, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    place = address.nodes[0]
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TracerError("--management: not a URL; write it as http://HOST:15672")
    user = unquote(parts.username) if parts.username else place.user
    password = unquote(parts.password or "") if parts.username else place.password
    return {
        "url": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", "user": user, "password": password,
        "vhost": address.vhost,
    }  # fmt: skip


def _switch_on(session: TapSession, address: BrokerAddress, way: dict[str, Any] | None, doing: Progress) -> None:
    vhost = address.vhost
    name = session.firehose.name
    if way is None:
        _say(f"{name}: taking copies, if tracing of vhost {vhost} is on; Ctrl-C ends it", doing)
        return
    doing("switching tracing on")
    client = session.switch_on(way | {"queue": session.firehose.queue, "vhost": vhost})
    if client.error:
        raise TracerError(f"{name}: tracing cannot be switched on: {client.error}; {_how_else(address)}")
    if client.on:
        _say(f"{name}: tracing of vhost {vhost} switched on; taking copies, Ctrl-C ends it", doing)
    else:
        whose = "for another tap, and goes off with it" if client.others else "already, and is left on at the end"
        _say(f"warning: tracing of vhost {vhost} was on {whose}", doing)
        _say(f"{name}: taking copies, Ctrl-C ends it", doing)


def _how_else(address: BrokerAddress) -> str:
    return (
        "name another way: --rabbitmqctl 'ssh BROKER sudo rabbitmqctl' or --management http://BROKER:15672; or let the "
        f"broker's administrator do it (rabbitmqctl trace_on -p {shlex.quote(address.vhost)}, later trace_off) and say "
        "--no-switch"
    )


def _tell(messages: MessageFile, of_tracing: str) -> None:
    kinds = ", ".join(f"{count} {_DONE.get(kind, kind)}" for kind, count in messages.count.items())
    printing.say(f"{messages.path}: {plural(messages.total, 'message')} ({kinds})")
    if of_tracing:
        printing.note(of_tracing)


_DONE = {"publish": "published", "deliver": "delivered"}


def _say(said: str, doing: Progress) -> None:
    doing.done()
    printing.note(said)
