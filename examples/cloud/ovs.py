"""Open vSwitch with a userspace datapath: its database's server, its switch and its bridges."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.cloud.network import remove_device
from examples.cloud.packages import find_command
from examples.cloud.plan import COMPUTE_HOST, Plan
from examples.cloud.process import Process

START_TIMEOUT = 60.0
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
INTEGRATION = "br-int"
TUNNEL = "br-tun"
# The switch makes a device of this name for its userspace datapath, beside one for each bridge.
DEVICES = ("ovs-netdev", INTEGRATION, TUNNEL)
DAEMONS = ("ovsdb-server", "ovs-vswitchd")
PACKAGES: Mapping[str, str] = {
    "openvswitch-switch": "ovs-vswitchd",
    "nftables": "nft",
    "ipset": "ipset",
    "conntrack": "conntrack",
}


def folder(plan: Plan) -> Path:
    """Return the folder of the sockets, which all programs of Open vSwitch and OVN expect in one."""
    return plan.state / "ovs"


def switch_variables(plan: Plan) -> dict[str, str]:
    """Return the environment in which Open vSwitch's programs, and libvirt's calls of them, reach this switch."""
    path = str(folder(plan))
    return {"OVS_RUNDIR": path, "OVS_DBDIR": path, "OVS_LOGDIR": str(plan.state / "logs"), "OVN_RUNDIR": path}


def start_switch(plan: Plan, bridges: Iterable[str]) -> None:
    """Start the database's server and the switch, and wait until the bridges exist."""
    _check_devices(plan)
    start_database_server(plan, "ovsdb-server", SCHEMA, "db.sock")
    _vsctl(plan, "--no-wait", "init")
    identity = [f"external_ids:system-id={COMPUTE_HOST}", f"external_ids:hostname={COMPUTE_HOST}"]
    _vsctl(plan, "--no-wait", "set", "Open_vSwitch", ".", *identity)
    start_daemon(plan, "ovs-vswitchd", f"unix:{folder(plan) / 'db.sock'}")
    for bridge in bridges:
        _vsctl(plan, "--may-exist", "add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev")


def has_switch(plan: Plan) -> bool:
    """Return whether the cloud's switch was started since it was last cleaned, so that devices of it may remain."""
    return _database(plan, "ovsdb-server").exists()


def clean_switch(plan: Plan) -> None:
    """Remove the devices, which outlive the switch, and its database: it names ports of servers that no longer run."""
    for name in DEVICES:
        remove_device(name)
    _database(plan, "ovsdb-server").unlink()


def start_database_server(plan: Plan, name: str, schema: Path, socket: str) -> None:
    """Start a server of one database, `NAME.db`, at a socket and its port, and wait for it."""
    path = folder(plan)
    database = _database(plan, name)
    if not database.exists():
        run([find_command("ovsdb-tool"), "create", str(database), str(schema)])
    remotes = [f"--remote=punix:{path / socket}", f"--remote=ptcp:{plan.port(name)}:127.0.0.1"]
    start_daemon(plan, name, str(database), *remotes, program="ovsdb-server")
    client = [find_command("ovsdb-client"), "list-dbs", f"unix:{path / socket}"]
    Process(plan, name).wait(lambda: run(client, check=False).returncode == 0, START_TIMEOUT)


def start_daemon(plan: Plan, name: str, *arguments: str, program: str = "", control: bool = True) -> None:
    """Start one of the C programs, with a log, a pid file and a control socket of its own name."""
    path = folder(plan)
    options = [f"--log-file={plan.log(name)}", f"--pidfile={path / name}.pid"]
    if control:
        options.append(f"--unixctl={path / name}.ctl")
    Process(plan, name).start([find_command(program or name), *arguments, *options], switch_variables(plan))


def set_options(plan: Plan, *settings: str) -> None:
    """Set columns of the switch's own row, such as external_ids:ovn-bridge=br-int."""
    _vsctl(plan, "set", "Open_vSwitch", ".", *settings)


def run(command: list[str], check: bool = True, plan: Plan | None = None) -> subprocess.CompletedProcess[str]:
    variables = os.environ | (switch_variables(plan) if plan else {})
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=variables)
    if check and done.returncode:
        raise CloudError(f"{Path(command[0]).name} failed: {' '.join(done.stderr.split())[:300]}")
    return done


def _database(plan: Plan, name: str) -> Path:
    return folder(plan) / f"{name}.db"


def _vsctl(plan: Plan, *arguments: str) -> None:
    run([find_command("ovs-vsctl"), "--timeout=60", *arguments], plan=plan)


def _check_devices(plan: Plan) -> None:
    """Refuse to start a second switch beside one whose devices have the same names."""
    if has_switch(plan):
        return
    present = [name for name in DEVICES if Path("/sys/class/net", name).exists()]
    if present:
        raise CloudError(
            f"the network has {' and '.join(present)} of another Open vSwitch: start this cloud in a network "
            "namespace of its own (unshare --net)"
        )
