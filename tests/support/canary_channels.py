# ruff: noqa: E501 - a log line a line
"""The channels by which secrets arrive, each driven as a service drives it, and the outputs that could show them."""

from __future__ import annotations

import contextlib
import html
import importlib
import json
import logging
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from diagrams import RENDERERS
from patches import ask_eval, libvirt, values
from tests.support.canary_texts import Canary
from tests.support.recording import recording, standing_in
from tests.support.web import Server
from tracer.tap import message_file

BOOTSEQ = str(Path(sys.executable).with_name("bootseq"))
_REQUEST = "req-11111111-1111-1111-1111-111111111111"
Channel = Callable[[Path, list[Canary]], bytes]


def _capture(folder: Path, *hooks: str) -> Any:
    return recording(folder / "cap", *hooks, cap=1 << 28)


def _segments(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / "cap").rglob("*") if path.is_file())


@contextlib.contextmanager
def _logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("nova.canary")
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers, logger.level, logger.propagate = before


def log_message(folder: Path, canaries: list[Canary]) -> bytes:
    """A record whose text holds the secret."""
    with _capture(folder, "logs"), _logger() as logger:
        for canary in canaries:
            logger.debug(canary.text.replace("%", "%%") % ())
    return _segments(folder)


def log_argument(folder: Path, canaries: list[Canary]) -> bytes:
    """A record whose argument is the text: by position, by name, and within a list."""
    with _capture(folder, "logs"), _logger() as logger:
        for canary in canaries:
            logger.debug("message: %s", canary.text)
            logger.debug("message: %(text)s", {"text": canary.text})
            logger.debug("message: %s", [canary.text])
    return _segments(folder)


def exception(folder: Path, canaries: list[Canary]) -> bytes:
    """An error that is logged with its traceback."""
    with _capture(folder, "logs"), _logger() as logger:
        for canary in canaries:
            try:
                raise ValueError(canary.text)
            except ValueError:
                logger.exception("failed")
    return _segments(folder)


@contextlib.contextmanager
def _database(folder: Path) -> Iterator[tuple[Any, Any]]:
    import sqlalchemy as sa

    with _capture(folder, "sql"):
        engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE users (id int, extra text, password text, payload text)")
            yield connection, sa.text
        engine.dispose()


def sql_parameter(folder: Path, canaries: list[Canary]) -> bytes:
    """Bound to a column of secrets, by name and by position; the text bound to an ordinary one."""
    with _database(folder) as (connection, text):
        for canary in canaries:
            connection.execute(text("UPDATE users SET extra = :e"), {"e": canary.text})
            connection.execute(text("UPDATE users SET password = :e"), {"e": canary.secret})
            connection.exec_driver_sql("INSERT INTO users (id, password) VALUES (?, ?)", (1, canary.secret))
            connection.exec_driver_sql("SELECT id FROM users WHERE id = ? AND password = ?", (1, canary.secret))
    return _segments(folder)


def sql_literal(folder: Path, canaries: list[Canary]) -> bytes:
    """Written into the statement: the text as an ordinary literal, the secret as a column's value."""
    with _database(folder) as (connection, _):
        for canary in canaries:
            quoted = canary.text.replace("'", "''")
            connection.exec_driver_sql(f"SELECT '{quoted}'")
            for statement in (
                f"UPDATE users SET password = '{canary.secret}'",
                f"INSERT INTO users (id, extra, password) VALUES (1, 'x', '{canary.secret}')",
                f"INSERT INTO users VALUES (1, 'x', '{canary.secret}', '')",
                f"SELECT id FROM users /* password={canary.secret} */ WHERE password <> 'it''s {canary.secret}'",
            ):
                connection.exec_driver_sql(statement)
    return _segments(folder)


def rpc(folder: Path, canaries: list[Canary]) -> bytes:
    """Arguments, contexts and failures of calls over oslo.messaging's own driver for tests."""
    from tests.test_patches_rpc import Cloud

    cloud = Cloud("fake://")
    try:
        with _capture(folder, "rpc"):
            for canary in canaries:
                context = {"request_id": "req-1", "auth_token": canary.secret, "service_catalog": [canary.text]}
                text, pair = canary.text, ("password", canary.secret)
                cloud.client.call(
                    context, "build", text=text, many=[text], deep={"a": {"b": text}}, pair=pair,
                    admin_password=canary.secret, injected_files=[["/x", canary.secret]],
                    bdm={"connection_info": {"auth_password": canary.secret}},
                )  # fmt: skip
    finally:
        cloud.stop()
    return _segments(folder)


def http(folder: Path, canaries: list[Canary]) -> bytes:
    """An outgoing request: the text in its query and path, the secret in headers, body, user and path of tokens."""
    requests = importlib.import_module("requests")
    server = Server()
    try:
        with _capture(folder, "http"), requests.Session() as session:
            for canary in canaries:
                quoted = urllib.parse.quote(canary.text, safe="")
                headers = {"X-Auth-Token": canary.secret, "Authorization": f"Custom {canary.secret}"}
                session.post(
                    f"{server.url}/x?q={quoted}&token={canary.secret}", headers=headers, data=canary.text.encode()
                )
                session.get(f"{server.url}/x/{quoted}?X-Amz-Signature={canary.secret}")
                session.get(f"{server.url}/v3/auth/tokens/{canary.secret}")
                session.get(server.url.replace("://", f"://u:{canary.secret}@"))
    finally:
        server.stop()
    return _segments(folder)


def http_body(_: Path, canaries: list[Canary]) -> bytes:
    """The body of a request that a service receives, as the hooks record it."""
    bodies = [
        values.tree({"server": {"text": canary.text, "adminPass": canary.secret, "list": [canary.text],
                                "pair": ["password", canary.secret], "metadata": {"key": "db_password",
                                "value": canary.secret}}})
        for canary in canaries
    ]  # fmt: skip
    return repr(bodies).encode()


def command(folder: Path, canaries: list[Canary]) -> bytes:
    """A program's arguments: the text as one of them, and, where it is a command, its words."""
    processutils = importlib.import_module("oslo_concurrency.processutils")
    with _capture(folder, "commands"):
        for canary in canaries:
            words = [word for word in canary.text.split() if "\0" not in word]
            processutils.execute("true", canary.text)
            processutils.execute("true", "--password", canary.secret, f"--os-token={canary.secret}")
            if "'" not in canary.text and '"' not in canary.text and words[0] in _COMMANDS:
                processutils.execute("true", *words)
    return _segments(folder)


_COMMANDS = frozenset(
    """
    iscsiadm mysql mysqldump curl wget sshpass openssl ipmitool snmpget snmpwalk ldapsearch smbclient mount nvme
    rabbitmqctl htpasswd useradd usermod virsh vault keytool redis-cli cinder-rtstool tgtadm openstack nova rbd sudo
    """.split()  # noqa: SIM905 - a list of words
)


def libvirt_xml(folder: Path, canaries: list[Canary]) -> bytes:
    """A domain's definition with a password in it."""

    class virConnect:  # noqa: N801
        def defineXML(self, xml: str) -> Any:  # noqa: N802
            return xml and None

    with standing_in("libvirt", virConnect=virConnect, open=lambda uri: virConnect()), _capture(folder, "libvirt"):
        assert libvirt.libvirt.enabled
        connection = virConnect()
        for canary in canaries:
            graphics = f"<graphics type='vnc' passwd='{canary.secret}'/><secret>{canary.secret}</secret>"
            name = html.escape(canary.text)
            connection.defineXML(f"<domain><name>{name}</name><uuid>u</uuid>{graphics}</domain>")
    return _segments(folder)


def ask(_: Path, canaries: list[Canary]) -> bytes:
    """Values as ask lines show them."""
    shown = [
        ask_eval.shown(value)
        for canary in canaries
        for value in (canary.text, {"text": canary.text, "password": canary.secret}, [("password", canary.secret)])
    ]
    return "\n".join(shown).encode()


def _message(canary: Canary, number: int) -> dict[str, Any]:
    arguments = {
        "text": canary.text, "list": [canary.text], "nested": {"a": {"b": canary.text}}, "admin_password": canary.secret,
        "pair": ["password", canary.secret], "connection_info": json.dumps({"data": {"auth_password": canary.secret}}),
        "setting": {"name": "password", "value": canary.secret},
    }  # fmt: skip
    return {
        "_msg_id": f"m{number}", "_unique_id": f"u{number}", "_context_request_id": _REQUEST, "version": "6.0",
        "_context_auth_token": canary.secret, "method": "build_and_run_instance", "args": arguments,
    }  # fmt: skip


def _envelope(message: dict[str, Any]) -> dict[str, str]:
    return {"oslo.version": "2.0", "oslo.message": json.dumps(message)}


def tap(_: Path, canaries: list[Canary]) -> bytes:
    """Copies of messages, of bodies that are text, and of answers that failed."""
    headers = {"exchange_name": "nova", "routing_keys": ["compute.vm"], "connection": "1"}
    copied = b""
    for number, canary in enumerate(canaries):
        failure = json.dumps({"class": "X", "message": canary.text, "args": [canary.text], "tb": [canary.text]})
        for body in (_envelope(_message(canary, number)), _envelope({"_msg_id": "m", "failure": failure})):
            copied += message_file.encode_line(1795335247.4, "publish.nova", headers, json.dumps(body).encode())
        copied += message_file.encode_line(1795335247.4, "publish.nova", headers, canary.text.encode())
        more = headers | {"properties": {"headers": {"x-auth-token": canary.secret, "text": canary.text}}}
        copied += message_file.encode_line(1795335247.4, "publish.nova", more, b"{}")
    return copied


def _ingested(folder: Path, source: Path) -> bytes:
    trace = folder / "trace.jsonl"
    subprocess.run([BOOTSEQ, "ingest", "-o", str(trace), str(source)], check=True, capture_output=True)
    return trace.read_bytes()


def copies(folder: Path, canaries: list[Canary]) -> bytes:
    """Copies that another program wrote, in clear text."""
    source = folder / "messages.jsonl"
    with source.open("w") as file:
        for number, canary in enumerate(canaries):
            for key in ("publish.nova", "deliver.compute.vm"):
                copy = {
                    "t": 1795335247.4 + number,
                    "trace_key": key,
                    "exchange": "nova",
                    "routing_keys": ["compute.vm"],
                }
                file.write(json.dumps(copy | {"payload": _envelope(_message(canary, number))}) + "\n")
    return _ingested(folder, source)


def log_lines(canaries: list[Canary]) -> Iterator[str]:
    """A log of nova-api's in which the texts are messages, commands, requests, errors and statements."""
    context = f"[None {_REQUEST} u p - - default default]"
    yield f'2026-11-22 10:00:00.000 7 INFO nova.api.openstack.requestlog {context} 10.0.0.1 "POST /v2.1/servers" status: 202 len: 5 microversion: 2.1 time: 0.5'
    for number, canary in enumerate(canaries):
        head, text = (
            f"2026-11-22 10:00:{number % 60:02}.100 7",
            canary.text.replace("\n", "\n2026 ").replace("\n2026 ", "\n"),
        )
        path = urllib.parse.quote(canary.text, safe="")
        yield f"{head} DEBUG nova.canary {context} {text} f /opt/nova/x.py:7"
        yield f"{head} WARNING nova.untied [-] {text}"
        yield f"{head} ERROR nova.tied {context} failed: ValueError: {text}"
        yield f"{head} ERROR nova.tied Traceback (most recent call last):\n{head} ERROR nova.tied ValueError: {text}"
        yield f"{head} DEBUG oslo_concurrency.processutils {context} Running cmd (subprocess): {text} execute /x/p.py:1"
        yield f'{head} INFO nova.api.openstack.requestlog {context} 10.0.0.1 "GET /v2.1/x?q={path}&token={canary.secret}" status: 200 len: 5 time: 0.1'
        yield f'{head} INFO nova.api.openstack.requestlog {context} 10.0.0.1 "GET /v2.1/os-console-auth-tokens/{canary.secret}" status: 200 len: 5 time: 0.1'
        yield f'{head} DEBUG keystoneauth.session {context} REQ: curl -g -i -X GET http://u:{canary.secret}@h/x/{path} -H "X-Auth-Token: {canary.secret}" f /x/s.py:1'
        yield f"{head} INFO sqlalchemy.engine.Engine {context} UPDATE users SET password=%s, extra='{canary.secret}' WHERE token = %s"
        yield f"{head} INFO sqlalchemy.engine.Engine {context} [generated in 0.1s] ('{canary.secret}', '{canary.secret}')"


def logs(folder: Path, canaries: list[Canary]) -> bytes:
    """A service's log file."""
    source = folder / "nova-api.log"
    source.write_text("\n".join(log_lines(canaries)) + "\n")
    return _ingested(folder, source)


CHANNELS: dict[str, Channel] = {
    "log message": log_message, "log argument": log_argument, "exception": exception, "SQL parameter": sql_parameter,
    "SQL literal": sql_literal, "RPC": rpc, "HTTP out: url, header": http, "HTTP in: body": http_body,
    "command": command, "libvirt XML": libvirt_xml, "ask": ask, "tap copy": tap, "ingest of logs": logs,
    "ingest of copies": copies,
}  # fmt: skip


def outputs(folder: Path, canaries: list[Canary]) -> Iterator[tuple[str, bytes]]:
    """Yield each command's output of a trace of such logs."""
    yield "trace file", logs(folder, canaries)
    trace = str(folder / "trace.jsonl")

    def run(*arguments: str) -> bytes:
        done = subprocess.run([BOOTSEQ, *arguments], capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout + done.stderr

    yield "show", run("show", trace, "1", "--detail", "full")
    yield "show --json", run("show", trace, "1", "--json")
    yield "list", run("list", "--all", trace)
    yield "list --untied", run("list", "--untied", trace)
    yield "list --json", run("list", "--all", "--json", trace)
    for suffix in RENDERERS:
        drawn = folder / f"x.{suffix}"
        run("draw", trace, "1", "-o", str(drawn), "--detail", "full")
        yield suffix, drawn.read_bytes()
    yield "diff report", run("diff", trace, trace, "--partial")


def leaked(output: bytes, canaries: list[Canary]) -> list[Canary]:
    """Return the canaries whose secret is in the output."""
    return [canary for canary in canaries if canary.secret.encode() in output]
