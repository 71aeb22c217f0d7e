"""A reader of RabbitMQ's firehose, which writes a JSON object a message: its ids and method, never its contents.

It runs in the environment of the services, which has kombu. FIREHOSE_URL is the broker's URL.
"""

import json
import os
import re
import signal
import time
from typing import Any

import kombu

EXCHANGE = "amq.rabbitmq.trace"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def summary(key: str, headers: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return a message's ids and method; `key` is "publish.EXCHANGE" or "deliver.QUEUE"."""
    event, _, target = key.partition(".")
    text = json.loads(body).get("oslo.message", "{}")
    message = json.loads(text)
    arguments = message.get("args") or {}
    method = message.get("method") or message.get("event_type") or "reply"
    if "objmethod" in arguments:
        held = arguments.get("objinst", arguments.get("objname"))
        name = held.get("nova_object.name") if isinstance(held, dict) else held
        method = f"{name}.{arguments['objmethod']}"
    return {
        "at": time.time_ns(),
        "event": event,
        "place": target,
        "connection": headers.get("connection", ""),
        "method": method,
        "unique_id": message.get("_unique_id", ""),
        "msg_id": message.get("_msg_id", ""),
        "request_id": message.get("_context_request_id", ""),
        "global_request_id": message.get("_context_global_request_id") or "",
        "uuids": sorted(set(UUID.findall(text))),
    }


def main() -> None:
    # At once: each line is written when it is printed. Closing the consumer waits for the broker's answer, for ever if
    # messages fill the connection meanwhile; the broker removes the queue when the connection ends.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with kombu.Connection(os.environ["FIREHOSE_URL"]) as connection, connection.channel() as channel:
        queue = kombu.Queue("bootseq-firehose", exclusive=True, auto_delete=True, channel=channel)
        queue.declare()
        for key in ("publish.#", "deliver.#"):
            queue.bind_to(exchange=kombu.Exchange(EXCHANGE, "topic", passive=True), routing_key=key)

        def write(body: Any, message: Any) -> None:
            key = message.delivery_info["routing_key"]
            try:
                line = summary(
                    key,
                    message.headers,
                    bytes(message.body, "utf-8") if isinstance(message.body, str) else message.body,
                )
            except (ValueError, AttributeError) as error:
                line = {"at": time.time_ns(), "event": "unread", "place": key, "error": repr(error)}
            print(json.dumps(line), flush=True)

        consumer = kombu.Consumer(
            channel, queue, callbacks=None, on_message=lambda message: write(None, message), no_ack=True
        )
        with consumer:
            print(json.dumps({"event": "ready"}), flush=True)
            while True:
                connection.drain_events()


if __name__ == "__main__":
    main()
