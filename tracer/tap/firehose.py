"""Our queue on the broker's firehose: exclusive, gone with us, bounded, taken from without acknowledgements."""

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
from tracer.tap.broker_url import Address, Place, Tls
from tracer.tap.tracing_switch import PREFIX

EXCHANGE = "amq.rabbitmq.trace"
#: What the broker keeps for us at most: beyond either it throws the oldest away.
MAX_MESSAGES = 10_000
MAX_BYTES = 64 << 20
#: Seconds; a broker that hears nothing for two of them closes the connection, and with it goes the queue.
HEARTBEAT = 20
_CONNECT_TIMEOUT = 5.0

#: OpenSSL's codes: the certificate is for other hosts, or other addresses.
_OTHER_NAMES = (62, 64)

#: Given the key, such as publish.nova, the headers and the body.
Taker = Callable[[str, Mapping[str, Any], bytes], None]


class LostError(TracerError):
    """The broker is gone, or has closed the connection: a new one may do."""


class Firehose:
    """A connection to the first node that takes us. All that the broker refuses is told as a TracerError."""

    def __init__(self, address: Address, take: Taker) -> None:
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
        # Without acknowledgements none can be outstanding; what is on its way to us is bounded by the broker's flow
        # control and the socket's buffers.
        queue = kombu.Queue(self.queue, no_declare=True, channel=self._channel)
        self._consumer = kombu.Consumer(self._channel, [queue], no_ack=True, on_message=self._got)
        self._consumer.consume()

    def _got(self, message: Any) -> None:
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body or b"")
        self._size += (len(body) - self._size) / 100  # of the last hundred or so, on average
        self._take(message.delivery_info["routing_key"], message.headers or {}, body)

    def drain(self, seconds: float) -> bool:
        """Take what comes within the time; whether anything came. A LostError says that nothing more will."""
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
        """Tell the broker, once a second or so, that we live."""
        try:
            self._connection.heartbeat_check()
        except (amqp.exceptions.AMQPError, OSError) as error:
            raise self._lost(error) from None

    def is_full(self) -> bool:
        """Whether so much waits for us that the broker throws away what is oldest, or soon will."""
        try:
            waiting = self._channel.queue_declare(queue=self.queue, passive=True).message_count
        except (amqp.exceptions.AMQPError, OSError) as error:
            raise self._lost(error) from None
        return bool(waiting > 0.9 * MAX_MESSAGES or waiting * self._size > 0.7 * MAX_BYTES)

    def _lost(self, error: Exception) -> LostError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return LostError(f"{self.name}: the broker is gone, or closed the connection: {masking.mask(reason)}")

    def close(self) -> None:
        """With the connection the queue goes."""
        self._closed = True
        with suppress(amqp.exceptions.AMQPError, OSError):  # gone already, and the queue with it
            self._connection.release()


def _connect(address: Address) -> tuple[kombu.Connection, str]:
    """To the first node that answers; what is wrong with us is wrong at all of them."""
    unreachable = []
    for place in address.places:
        name = address.at(place)
        connection = _connection(address, place)
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise TracerError(f"{name}: {_untrusted(error)}") from None
        except amqp.exceptions.AccessRefused:
            raise TracerError(f"{name}: the broker refused user {place.user}: wrong name or password") from None
        except amqp.exceptions.AMQPError as error:
            raise TracerError(f"{name}: {_refusal(error, place.user, address.vhost)}") from None
        except OSError as error:
            wants_tls = isinstance(error, ConnectionResetError) and not address.tls
            hint = "; if this is the port for TLS, say amqps://" if wants_tls else ""
            unreachable.append(f"{name}: cannot be reached: {error.strerror or error}{hint}")
        else:
            return connection, name
    raise TracerError("; ".join(unreachable))


def _connection(address: Address, place: Place) -> kombu.Connection:
    return kombu.Connection(
        hostname=place.host, port=place.port, userid=place.user, password=place.password,
        virtual_host=address.vhost, transport="pyamqp", heartbeat=HEARTBEAT, connect_timeout=_CONNECT_TIMEOUT,
        ssl=_ssl(address.tls, place.host) if address.tls else False,
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
    # Without a name there is no comparing it, which the library would do even where nothing is verified.
    verified = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host}
    unverified = {"cert_reqs": ssl.CERT_NONE}
    files = {"ca_certs": tls.cafile, "certfile": tls.certfile, "keyfile": tls.keyfile}
    return files | (verified if tls.verify else unverified)


def _check_certificates(cafile: str | None) -> None:
    """Else the library would blame the broker."""
    try:
        ssl.create_default_context(cafile=cafile)
    except ssl.SSLError:
        raise TracerError(f"{cafile}: no certificate in it; name the authority's, a PEM file") from None


def _untrusted(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OTHER_NAMES:
            return f"the broker's certificate is for another name ({error.verify_message}); take the name in it"
        return f"the broker's certificate is not trusted ({error.verify_message}); name its authority: --cafile FILE"
    return f"no TLS with what listens there ({error.reason or error}); amqp:// is without"


def _refusal(error: Exception, user: str, vhost: str) -> str:
    if isinstance(error, amqp.exceptions.NotAllowed):
        return f"there is no vhost {vhost}, or user {user} may not use it"
    if isinstance(error, amqp.exceptions.AccessRefused):
        return (
            f"user {user} may not do what the tap needs: configure, write and read queues bootseq-tap-*, and read the "
            f"exchange {EXCHANGE}; the broker's administrator may allow it (rabbitmqctl set_permissions)"
        )
    return f"the broker refused: {masking.mask(str(error))}"
