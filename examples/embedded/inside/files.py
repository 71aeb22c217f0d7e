"""A reliable use of kombu's filesystem transport between processes: a folder of files is the message broker."""

import os
import time
import uuid
from collections import defaultdict

from kombu.transport import filesystem
from kombu.transport.virtual import base
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

POLLING_INTERVAL = 0.01


def install(broker, messages):
    """Send and receive through the folder `broker`; store each received message in the folder `messages`."""
    channel = filesystem.Channel
    # oslo.messaging passes no transport options to kombu, so they are set where kombu reads them.
    channel.data_folder_in = channel.data_folder_out = str(broker / "data")
    channel.control_folder = broker / "control"
    channel.store_processed = True
    channel.processed_folder = str(messages)
    channel._put = put
    # oslo.messaging 18 registers for returned messages there, and kombu's virtual channels have no such attribute.
    base.Channel.events = defaultdict(set)
    filesystem.Transport.polling_interval = POLLING_INTERVAL


def put(channel, queue, payload, **kwargs):
    """Put a message into a queue atomically: kombu writes in place, and a reader may take half of a file."""
    name = f"{time.monotonic_ns():020d}_{uuid.uuid4()}.{queue}.msg"
    # In a folder of its own: kombu 5.3 reads any file as a message that has the queue's name anywhere in its name.
    partial = os.path.join(channel.data_folder_out, "..", "partial", name)
    with open(partial, "wb") as file:
        file.write(str_to_bytes(dumps(payload)))
    os.rename(partial, os.path.join(channel.data_folder_out, name))
