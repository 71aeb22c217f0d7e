"""Waits of a spawn, as an instance's metadata asks: for a command, a lock, an event, a name, an image, the database."""

import contextlib
import os
import socket
import threading

from nova.image import glance
from oslo_concurrency import lockutils, processutils
from oslo_db import api as db_api
from oslo_db import exception as db_exception

IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
PORT = "0f5c1d6e-1b0a-4f0e-9a37-9d1f5b3c2a10"
LOCK = "image-cache"
#: Seconds for which the longest wait lasts, if nobody ends it.
LONGEST = 120


def stall(fault, virtapi, context, instance):
    """Wait as the fault asks, and return when that is over."""
    wait = WAITS.get(fault)
    if wait is not None:
        wait(virtapi, context, instance)


def for_command(virtapi, context, instance):
    processutils.execute("sleep", str(LONGEST), check_exit_code=False)


@lockutils.synchronized(LOCK)
def work_under_the_lock(started):
    started.set()
    processutils.execute("sleep", str(LONGEST), check_exit_code=False)


def for_lock(virtapi, context, instance):
    started = threading.Event()
    threading.Thread(target=work_under_the_lock, args=(started,), daemon=True).start()
    started.wait()
    under_the_lock()


@lockutils.synchronized(LOCK)
def under_the_lock():
    pass


@lockutils.synchronized("disk", "nova-", external=True)
def for_lock_file(virtapi, context, instance):
    pass


def for_event(virtapi, context, instance):
    events = [("network-vif-plugged", PORT)]
    with virtapi.wait_for_instance_event(instance, events, timeout=LONGEST, error_callback=lambda *_: False):
        pass


def for_name(virtapi, context, instance):
    with contextlib.suppress(OSError):
        socket.getaddrinfo("image.example.org", 80)


def for_image(virtapi, context, instance):
    glance.API().download(context, IMAGE, dest_path=os.devnull)


def for_retries(virtapi, context, instance):
    tries = iter(range(LONGEST))

    @db_api.wrap_db_retry(max_retries=8, retry_interval=3, inc_retry_interval=False, retry_on_deadlock=True)
    def transaction():
        if next(tries) < 6:
            raise db_exception.DBDeadlock

    transaction()


WAITS = {
    "command": for_command,
    "lock": for_lock,
    "lock file": for_lock_file,
    "event": for_event,
    "name": for_name,
    "download": for_image,
    "retries": for_retries,
}
