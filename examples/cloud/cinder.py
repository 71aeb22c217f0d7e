"""Cinder: its API, scheduler and volume manager, and Nova's options for them."""

from collections.abc import Mapping
from typing import Any

from examples.cloud.config import account, broker_url, database_options, logging_options, token_check
from examples.cloud.parts import Binaries, Part, Service
from examples.cloud.plan import REGION, Plan
from examples.cloud.process import Process
from examples.cloud.readiness import TIMEOUT, is_since
from examples.cloud.rest import Client, RefusedError
from examples.embedded.config import Sections

SERVICES = ("cinder-api", "cinder-scheduler", "cinder-volume")
# Each uses sudo by default.
PRIVILEGED = ("cinder_sys_admin", "privsep_osbrick")


class Cinder(Part):
    """Cinder without a backend, which is another part's."""

    folders = ("cinder/locks", "cinder/conversion")
    schemas = ("cinder",)
    services = (
        Service(
            "cinder-api",
            "cinder",
            module="cinder.wsgi.api",
            database="cinder",
            account="cinder",
            kind="block-storage",
        ),
        Service("cinder-scheduler", "cinder", database="cinder", queue="cinder-scheduler"),
        # At its start it reports its pool to schedulers; the next report would be a minute later.
        Service("cinder-volume", "cinder", database="cinder", queue="cinder-volume", after="cinder-scheduler"),
    )

    def configs(self, plan: Plan, binaries: Binaries) -> dict[str, Sections]:
        return {name: cinder_sections(plan, name, binaries) for name in SERVICES}

    def extend(self, plan: Plan, service: str, sections: Sections) -> None:
        if service not in ("nova-api", "nova-compute"):
            return
        sections["cinder"] = account(plan, "cinder") | {
            "catalog_info": "block-storage::publicURL",
            "os_region_name": REGION,
        }
        if service == "nova-compute":
            # Seconds and attempts: a volume from an image takes a while on a busy machine.
            sections["DEFAULT"] |= {
                "block_device_allocate_retries": "120",
                "block_device_allocate_retries_interval": "1",
            }

    def fill(self, plan: Plan, binaries: Binaries) -> dict[str, list[list[str]]]:
        manage = [str(binaries["cinder"] / "cinder-manage"), "--config-file", str(plan.config_file("cinder-api"))]
        return {"cinder": [[*manage, "db", "sync"]]}

    def wait(self, client: Client) -> None:
        """Wait until the scheduler would choose the backend: it reports itself up, and its pool is known."""
        process = Process(client.plan, "cinder-volume")
        process.wait(lambda: _reports(client, process) and _has_pool(client), TIMEOUT)


def cinder_sections(plan: Plan, name: str, binaries: Binaries) -> Sections:
    etc = binaries["cinder"].parent / "etc" / "cinder"
    helper = f"{binaries['cinder'] / 'privsep-helper'} --config-file {plan.config_file(name)}"
    return {
        "DEFAULT": logging_options(plan, name)
        | {
            "host": "control",
            "my_ip": "127.0.0.1",
            "state_path": str(plan.state / "cinder"),
            "transport_url": broker_url(plan),
            "auth_strategy": "keystone",
            "api_paste_config": str(etc / "api-paste.ini"),
            "resource_query_filters_file": str(etc / "resource_filters.json"),
            "rootwrap_config": str(etc / "rootwrap.conf"),
            "glance_api_servers": plan.url("glance"),
            "image_conversion_dir": str(plan.state / "cinder" / "conversion"),
            # Seconds that the scheduler waits at its start for reports.
            "scheduler_driver_init_wait_time": "1",
            **dict.fromkeys(("quota_volumes", "quota_snapshots", "quota_gigabytes"), "-1"),
        },
        "database": database_options(plan, name, "cinder"),
        "keystone_authtoken": token_check(plan, "cinder"),
        "service_user": account(plan, "cinder") | {"send_service_user_token": "True"},
        "nova": account(plan, "nova") | {"interface": "public"},
        "oslo_messaging_notifications": {"driver": "log"},
        "oslo_concurrency": {"lock_path": str(plan.state / "cinder" / "locks")},
        **{section: {"helper_command": helper} for section in PRIVILEGED},
    }


def _reports(client: Client, process: Process) -> bool:
    return any(
        service["state"] == "up" and is_since(service["updated_at"], process)
        for service in _answer(client, "/os-services?binary=cinder-volume").get("services", ())
    )


def _has_pool(client: Client) -> bool:
    return bool(_answer(client, "/scheduler-stats/get_pools").get("pools"))


def _answer(client: Client, path: str) -> Mapping[str, Any]:
    """Return an answer; empty if Cinder refuses it, as without a scheduler."""
    try:
        answer: Mapping[str, Any] = client.get("cinder-api", path)
    except RefusedError:
        return {}
    return answer
