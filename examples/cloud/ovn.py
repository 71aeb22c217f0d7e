"""OVN: the northbound and southbound databases, northd, and the controller of the one chassis."""

from collections.abc import Mapping
from pathlib import Path

from examples.cloud.ovs import INTEGRATION, folder, run, set_options, start_daemon, start_database_server
from examples.cloud.packages import find_command
from examples.cloud.plan import Plan
from examples.cloud.process import Process

START_TIMEOUT = 60.0
SCHEMAS = Path("/usr/share/ovn")
DATABASES = {"ovn-nb": "ovnnb_db.sock", "ovn-sb": "ovnsb_db.sock"}
DAEMONS = (*DATABASES, "ovn-northd", "ovn-controller")
PACKAGES: Mapping[str, str] = {"ovn-central": "ovn-northd", "ovn-host": "ovn-controller"}


def start_ovn(plan: Plan) -> None:
    """Start the daemons, and wait until the controller has registered the chassis."""
    for name, socket in DATABASES.items():
        start_database_server(plan, name, SCHEMAS / f"{name}.ovsschema", socket)
    nb, sb = (f"unix:{folder(plan) / socket}" for socket in DATABASES.values())
    start_daemon(plan, "ovn-northd", f"--ovnnb-db={nb}", f"--ovnsb-db={sb}")
    set_options(
        plan,
        f"external_ids:ovn-remote=tcp:127.0.0.1:{plan.port('ovn-sb')}",
        "external_ids:ovn-encap-type=geneve",
        "external_ids:ovn-encap-ip=127.0.0.1",
        f"external_ids:ovn-bridge={INTEGRATION}",
        "external_ids:ovn-bridge-datapath-type=netdev",
    )
    # This one does not know --unixctl; its socket is in the folder that the environment names.
    start_daemon(plan, "ovn-controller", f"unix:{folder(plan) / 'db.sock'}", control=False)
    Process(plan, "ovn-controller").wait(lambda: "hostname" in _chassis(plan, sb), START_TIMEOUT)


def _chassis(plan: Plan, southbound: str) -> str:
    return run([find_command("ovn-sbctl"), "--timeout=10", f"--db={southbound}", "show"], check=False, plan=plan).stdout
