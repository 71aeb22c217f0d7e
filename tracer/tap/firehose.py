"""The tap's queue on the broker's firehose: exclusive, bounded, unacknowledged, deleted with the connection."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import amqp.exceptions
import kombu

from patches import masking
from tracer.errors import TracerError
from tracer.files import read
from tracer.tap.broker_url import BrokerAddress, BrokerNode, Tls
from tracer.tap.tracing_switch import PREFIX

EXCHANGE = "amq.rabbitmq.trace"
#: Limits of the queue: beyond either the broker drops the oldest messages.
MAX_MESSAGES = 10_000
MAX_BYTES = 64 << 20
#: Seconds; after two intervals of silence the broker closes the connection, which deletes the queue.
HEARTBEAT = 20
_CONNECT_TIMEOUT = 5.0

#: OpenSSL's codes: the certificate is for other hosts or addresses.
_OTHER_NAMES = (62, 64)

#: Receives the key, such as publish.nova, the headers and the body.
Taker = Callable[[str, Mapping[str, Any], bytes], None]


class LostError(TracerError):
    """The broker is gone or has closed the connection; a new connection may work."""


class Firehose:
    """A connection to the first node that accepts us. Whatever the broker refuses raises a TracerError."""

    def __init__(self, address: BrokerAddress, take: Taker) -> None:
        self.queue = f"{PREFIX}{secrets.token_hex(8)}"
        self._take = take
        self._closed = False
        self._size = 0.0
        self._connection, self.name = _connect(address)
        self.user = self._connection.userid
        try:
            self._open()
        except amqp.exceptions.AMQPError as error:
            self.close()
            raise TracerError(f"{self.name}: {_refusal(error, self.user, address.vhost)}") from None
        except OSError as error:
            self.close()
            raise self._lost(error) from None

    def _open(self) -> None:
        self._channel = self._connection.channel()
        limits = {"x-max-length": MAX_MESSAGES, "x-max-length-bytes": MAX_BYTES, "x-overflow": "drop-head"}
        self._channel.queue_declare(
            queue=self.queue, durable=False, exclusive=True, auto_delete=True, arguments=limits
        )  # fmt: skip
        for key in ("publish.#", "deliver.#"):
            self._channel.queue_bind(queue=self.queue, exchange=EXCHANGE, routing_key=key)
        # Without acknowledgements none can be outstanding; messages in flight are bounded by the broker's flow
        # control and the socket's buffers.
        queue = kombu.Queue(self.queue, no_declare=True, channel=self._channel)
        self._consumer = kombu.Consumer(self._channel, [queue], no_ack=True, on_message=self._on_message)
        self._consumer.consume()

    def _on_message(self, message: Any) -> None:
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body or b"")
        self._size += (len(body) - self._size) / 100  # a moving average over about a hundred messages
        self._take(message.delivery_info["routing_key"], message.headers or {}, body)

    def drain(self, seconds: float) -> bool:
        """Process messages for up to ``seconds``; return whether any arrived. LostError if the connection is gone."""
        if self._closed:
            raise LostError(f"{self.name}: the connection is closed")
        try:
            self._connection.drain_events(timeout=seconds)
        except TimeoutError:
            return False
        except (amqp.exceptions.AMQPError, OSError) as error:
            raise self._lost(error) from None
        return True

    def beat(self) -> None:
        """Send the broker a heartbeat; to be called about once a second."""
        try:
            self._connection.heartbeat_check()
        except (amqp.exceptions.AMQPError, OSError) as error:
            raise self._lost(error) from None

    def is_full(self) -> bool:
        """Return whether the queue is so full that the broker drops the oldest messages, or soon will."""
        try:
            waiting = self._channel.queue_declare(queue=self.queue, passive=True).message_count
        except (amqp.exceptions.AMQPError, OSError) as error:
            raise self._lost(error) from None
        return bool(waiting > 0.9 * MAX_MESSAGES or waiting * self._size > 0.7 * MAX_BYTES)

    def _lost(self, error: Exception) -> LostError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return LostError(f"{self.name}: the broker is gone or closed the connection: {masking.mask(reason)}")

    def close(self) -> None:
        """Close the connection, which deletes the queue."""
        self._closed = True
        with suppress(amqp.exceptions.AMQPError, OSError):  # already closed, and the queue with it
            self._connection.release()


def _connect(address: BrokerAddress) -> tuple[kombu.Connection, str]:
    """Connect to the first node that answers; return the connection and the node's URL for display.

    A fault of ours (certificate, account, permissions) would be the same at every node and is raised at once.
    """
    unreachable = []
    for node in address.nodes:
        name = address.node_url(node)
        connection = _connection(address, node)
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise TracerError(f"{name}: {_untrusted(error)}") from None
        except amqp.exceptions.AccessRefused:
            raise TracerError(f"{name}: the broker refused user {node.user}: wrong name or password") from None
        except amqp.exceptions.AMQPError as error:
            raise TracerError(f"{name}: {_refusal(error, node.user, address.vhost)}") from None
        except OSError as error:
            wants_tls = isinstance(error, ConnectionResetError) and not address.tls
            hint = "; if this is the TLS port, use amqps://" if wants_tls else ""
            unreachable.append(f"{name}: cannot connect: {error.strerror or error}{hint}")
        else:
            return connection, name
    raise TracerError("; ".join(unreachable))


def _connection(address: BrokerAddress, node: BrokerNode) -> kombu.Connection:
    return kombu.Connection(
        hostname=node.host, port=node.port, userid=node.user, password=node.password,
        virtual_host=address.vhost, transport="pyamqp", heartbeat=HEARTBEAT, connect_timeout=_CONNECT_TIMEOUT,
        ssl=_ssl(address.tls, node.host) if address.tls else False,
        transport_options={"client_properties": {"connection_name": "bootseq tap"}},
    )  # fmt: skip


def _ssl(tls: Tls, host: str) -> dict[str, Any]:
    for path in (tls.cafile, tls.certfile, tls.keyfile):
        try:
            if path is not None:
                with read.opened(Path(path)):
                    pass
        except OSError as error:
            raise TracerError(f"{path}: cannot be read: {error.strerror}") from None
    _check_certificates(tls.cafile)
    # Given a host name, the library would compare it even where nothing is verified.
    verified = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host}
    unverified = {"cert_reqs": ssl.CERT_NONE}
    files = {"ca_certs": tls.cafile, "certfile": tls.certfile, "keyfile": tls.keyfile}
    return files | (verified if tls.verify else unverified)


def _check_certificates(cafile: str | None) -> None:
    """Check that ``cafile`` holds a certificate; else the library would blame the broker."""
    try:
        ssl.create_default_context(cafile=cafile)
    except ssl.SSLError:
        raise TracerError(f"{cafile}: contains no certificate; pass the authority's PEM file") from None


def _untrusted(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OTHER_NAMES:
            return f"the broker's certificate is for another name ({error.verify_message}); use that name in the URL"
        return f"the broker's certificate is not trusted ({error.verify_message}); pass its authority: --cafile FILE"
    return f"TLS handshake failed ({error.reason or error}); for a port without TLS, use amqp://"


def _refusal(error: Exception, user: str, vhost: str) -> str:
    if isinstance(error, amqp.exceptions.NotAllowed):
        return f"vhost {vhost} does not exist, or user {user} may not use it"
    if isinstance(error, amqp.exceptions.AccessRefused):
        return (
            f"user {user} lacks permissions that the tap needs: configure, write and read queues bootseq-tap-*, "
            f"and read the exchange {EXCHANGE}; an administrator can grant them (rabbitmqctl set_permissions)"
        )
    return f"the broker refused: {masking.mask(str(error))}"
