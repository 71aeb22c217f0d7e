"""Boots servers on a Nova that runs in this one process, put together by Nova's own functional-test fixtures.

Usage: one_process.py --driver fake|libvirt --threads default|native|eventlet --state DIR [--servers N] …
"""

import argparse
import os
import sys


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", required=True)
    parser.add_argument("--driver", choices=["fake", "libvirt"], required=True)
    parser.add_argument("--servers", type=int, required=True)
    parser.add_argument("--at-once", action="store_true")
    parser.add_argument("--no-valid-host", action="store_true")
    parser.add_argument("--echo", action="store_true")
    return parser.parse_args()


def choose_threads():
    """Before anything else of Nova's is imported: later it would raise or, in 32, end the process without a word."""
    from nova import monkey_patch

    patch = getattr(monkey_patch, "patch", None)
    if patch is None:
        return  # 29: importing it was enough
    patch(*["threading"] * patch.__code__.co_argcount)


OPTIONS = arguments()
choose_threads()

import json
import logging
import threading
import time
import traceback

from nova.tests.functional import integrated_helpers
from nova.tests.functional.libvirt import base as libvirt_base
from oslo_config import cfg
from oslo_log import formatters

IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"  # of Nova's image service fixture
TIMEOUT = 60


class OneProcess:
    """What both drivers' clouds have in common, before Nova's own test case in the order of look-up."""

    ADMIN_API = True
    # As in a real cloud, where nobody waits for what was sent without waiting.
    CAST_AS_CALL = False
    microversion = "2.79"

    def runTest(self):
        """testtools wants a test."""

    def _setup_services(self):
        paste = os.path.join(sys.prefix, "etc", "nova", "api-paste.ini")
        self.flags(api_paste_config=paste, group="wsgi")
        super()._setup_services()


class Fake(OneProcess, integrated_helpers._IntegratedTestBase):
    pass


class Libvirt(OneProcess, libvirt_base.ServersTestBase):
    def setUp(self):
        super().setUp()
        self.start_compute(hostname="compute1")


def main():
    case = {"fake": Fake, "libvirt": Libvirt}[OPTIONS.driver]()
    try:
        case.setUp()
        log_to(os.path.join(OPTIONS.state, "logs", "nova.log"))
        flavor = huge_flavor(case) if OPTIONS.no_valid_host else case.api.get_flavors()[0]["id"]
        names = [f"vm{number}" for number in range(1, OPTIONS.servers + 1)]
        for group in [names] if OPTIONS.at_once else [[name] for name in names]:
            boot(case, group, flavor)
    except BaseException:
        # Fixtures swallow the traceback of what fails in setUp.
        traceback.print_exc()
        sys.exit(1)
    finally:
        case.doCleanups()


def log_to(path):
    """In oslo.log's own format, as the services of a real cloud do."""
    handler = logging.FileHandler(path)
    handler.setFormatter(formatters.ContextFormatter(config=cfg.CONF))
    logging.getLogger().addHandler(handler)
    if OPTIONS.echo:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)


def huge_flavor(case):
    return case._create_flavor(vcpu=1024, memory_mb=1048576)


def boot(case, names, flavor):
    """Ask for all of `names` at the same moment, and wait until Nova notifies that each has ended."""
    event = "compute_task.build_instances.error" if OPTIONS.no_valid_host else "instance.create.end"
    started = time.monotonic()
    threads = [threading.Thread(target=create, args=(case, name, flavor, event, started)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def create(case, name, flavor, event, started):
    server = {"name": name, "imageRef": IMAGE, "flavorRef": flavor, "networks": "none"}
    answer = case.api.api_post("/servers", {"server": server})
    uuid = answer.body["server"]["id"]
    wait_for(case, event, uuid)
    state = "active" if event == "instance.create.end" else "error"
    done = {"name": name, "uuid": uuid, "request_id": answer.headers["x-openstack-request-id"]}
    seconds = time.monotonic() - started
    print(json.dumps(done | {"state": state, "event": event, "seconds": seconds}), flush=True)


def wait_for(case, event, uuid):
    """The notifications that came, then those to come: the fixture wakes whoever waits for one more."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        came = [one for one in case.notifier.versioned_notifications if one["event_type"] == event]
        data = [one["payload"]["nova_object.data"] for one in came]
        if any(uuid in (one.get("uuid"), one.get("instance_uuid")) for one in data):
            return
        case.notifier.wait_for_versioned_notifications(event, len(came) + 1, timeout=deadline - time.monotonic())
    raise SystemExit(f"no {event} of {uuid} in {TIMEOUT} s")


main()
