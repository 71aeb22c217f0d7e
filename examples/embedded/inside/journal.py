"""The journal of Nova's versioned notifications, a file in the state folder by which a boot's end is recognised."""

import json
import os
import time

from oslo_messaging.notify import _impl_log


def install(path):
    """Write the notifications of the driver `log` to `path`: in the log they would be noise in every trace."""
    _impl_log.LogDriver.notify = lambda driver, context, message, priority, retry: append(path, line(context, message))


def line(context, message):
    data = message["payload"].get("nova_object.data", {})
    return {
        "event": message["event_type"],
        "uuid": data.get("uuid") or data.get("instance_uuid"),
        "state": data.get("state"),
        "request_id": context.get("request_id"),
    }


def append(path, entry):
    """Append a line by a single write, so that lines of several processes never mix, with the machine's clock."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps(entry | {"monotonic": time.monotonic()}) + "\n").encode())
    finally:
        os.close(descriptor)
