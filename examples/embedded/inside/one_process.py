"""Boots on a Nova that runs in this process, assembled by Nova's own functional-test fixtures.

Usage: one_process.py --state DIR --driver fake|libvirt --servers N [--at-once] [--no-valid-host] [--echo]
"""

# ruff: noqa: E402 - the threads must be chosen before Nova is imported

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
    """Patch by OS_NOVA_DISABLE_EVENTLET_PATCHING before all other imports of Nova: 32 exits silently otherwise."""
    from nova import monkey_patch

    # In 29 the import was enough.
    if hasattr(monkey_patch, "patch"):
        monkey_patch.patch()


OPTIONS = arguments()
choose_threads()

import json
import logging
import threading
import time
import traceback
import warnings

from nova.tests.functional import integrated_helpers
from nova.tests.functional.libvirt import base as libvirt_base
from oslo_config import cfg
from oslo_log import formatters

IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"  # of Nova's image service fixture
TIMEOUT = 60


class OneProcess:
    """The settings of both drivers' clouds, before Nova's own test case in the method resolution order."""

    ADMIN_API = True
    # As in a real cloud, where a cast is not awaited.
    CAST_AS_CALL = False
    microversion = "2.79"

    def runTest(self):  # noqa: N802
        """Satisfy testtools, which requires a test method."""

    def _setup_services(self):
        paste = os.path.join(sys.prefix, "etc", "nova", "api-paste.ini")
        self.flags(api_paste_config=paste, group="wsgi")
        self.flags(cpu_allocation_ratio=64.0, ram_allocation_ratio=8.0, reserved_host_memory_mb=0)
        self.flags(instances=-1, cores=-1, ram=-1, group="quota")
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
        # Unlike real services, the fixtures turn deprecations into errors, and SQLAlchemy 2.1 deprecates uses in Nova.
        warnings.simplefilter("ignore")
        log_to(os.path.join(OPTIONS.state, "logs", "nova.log"))
        flavor = find_flavor(case)
        names = [f"vm{number}" for number in range(1, OPTIONS.servers + 1)]
        for group in [names] if OPTIONS.at_once else [[name] for name in names]:
            boot(case, group, flavor)
    except BaseException:  # noqa: BLE001 - printed and passed on as the exit code
        # Fixtures swallow the traceback of failures in setUp.
        traceback.print_exc()
        sys.exit(1)
    finally:
        case.doCleanups()


def log_to(path):
    """Log to `path` in oslo.log's own format, as the services of a real cloud do."""
    handler = logging.FileHandler(path)
    handler.setFormatter(formatters.ContextFormatter(config=cfg.CONF, datefmt=cfg.CONF.log_date_format))
    logging.getLogger().addHandler(handler)
    if OPTIONS.echo:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)


def find_flavor(case):
    if OPTIONS.no_valid_host:
        return case._create_flavor(vcpu=1024, memory_mb=1048576)
    return next(flavor["id"] for flavor in case.api.get_flavors() if flavor["name"] == "m1.tiny")


def boot(case, names, flavor):
    """Request all of `names` at the same time, and wait for Nova's notification of the end of each."""
    event = "compute_task.build_instances.error" if OPTIONS.no_valid_host else "instance.create.end"
    started = time.monotonic()
    answers = {}
    threads = [threading.Thread(target=ask, args=(case, name, flavor, answers)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in names:
        uuid = answers[name].body["server"]["id"]
        wait_for(case, event, uuid)
        write_down(name, uuid, answers[name].headers["x-openstack-request-id"], event, time.monotonic() - started)


def ask(case, name, flavor, answers):
    server = {"name": name, "imageRef": IMAGE, "flavorRef": flavor, "networks": "none"}
    answers[name] = case.api.api_post("/servers", {"server": server})


def write_down(name, uuid, request_id, event, seconds):
    state = "active" if event == "instance.create.end" else "error"
    ended = {"name": name, "uuid": uuid, "request_id": request_id, "state": state, "event": event, "seconds": seconds}
    with open(os.path.join(OPTIONS.state, "boots.jsonl"), "a") as file:
        file.write(json.dumps(ended) + "\n")


def wait_for(case, event, uuid):
    """Wait for the notification `event` of a server, among the past ones or by the fixture's own wait for the next."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        events = [entry for entry in case.notifier.versioned_notifications if entry["event_type"] == event]
        data = [entry["payload"]["nova_object.data"] for entry in events]
        if any(uuid in (payload.get("uuid"), payload.get("instance_uuid")) for payload in data):
            return
        case.notifier.wait_for_versioned_notifications(event, len(events) + 1, timeout=deadline - time.monotonic())
    raise SystemExit(f"no {event} of {uuid} in {TIMEOUT} s")


main()
