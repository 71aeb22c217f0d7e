"""A program with oslo.messaging's own server and client on a broker, as Nova has them, which talk on request.

Run with the broker's URL. Any line makes it talk, with "done" on stdout afterwards; the end of stdin ends it.
"""

from __future__ import annotations

import sys
from typing import Any

import oslo_messaging
from oslo_config import cfg

CONTEXT = {"request_id": "req-1", "auth_token": "SECRET-TOKEN"}


class Endpoint:
    """The server's methods."""

    def build(self, context: dict[str, Any], **arguments: str) -> str:  # noqa: ARG002 - as oslo.messaging calls it
        return f"built {arguments['name']}"

    def note(self, context: dict[str, Any], text: str) -> None:
        pass


def talk(client: oslo_messaging.RPCClient) -> None:
    """Send a call, which is answered, a cast and a fanout."""
    assert client.call(CONTEXT, "build", name="vm1", admin_password="SECRET-PASSWORD") == "built vm1"
    client.cast(CONTEXT, "note", text="mysql://u:SECRET-URL@h/d")
    client.prepare(fanout=True).cast(CONTEXT, "note", text="to all")


def main(url: str) -> None:
    """Serve, and talk at each line of stdin."""
    config = cfg.CONF  # oslo.messaging registers all its options with it
    config([])
    transport = oslo_messaging.get_rpc_transport(config, url)
    config.set_override("heartbeat_timeout_threshold", 0, "oslo_messaging_rabbit")
    target = oslo_messaging.Target(exchange="nova", topic="compute", server="compute1")
    server = oslo_messaging.get_rpc_server(transport, target, [Endpoint()], executor="threading")
    server.start()
    client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(exchange="nova", topic="compute"))
    talk(client)  # once before a tap listens, so that its queues exist
    sys.stdout.write("done\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        talk(client)
        sys.stdout.write("done\n")
        sys.stdout.flush()
    server.stop()
    server.wait()
    transport.cleanup()


if __name__ == "__main__":
    main(sys.argv[1])
