"""The monitors of a cloud with networks: programs that print each change of a database, of flows, rules or devices."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.cloud.ovs import INTEGRATION, folder, switch_variables
from examples.cloud.packages import find_command
from examples.cloud.plan import Plan

_STAMPED = Path(__file__).resolve().parents[1] / "inside" / "stamped.py"
#: The columns that only clients of a database change, and an interface's port number, which says whose a flow is.
INTERFACE = ("Interface", "name,type,external_ids,ofport")
PORT = ("Port", "name,tag,other_config")
LOGICAL_PORT = ("Logical_Switch_Port", "name,addresses,port_security,options,external_ids,enabled")
PORT_GROUP = ("Port_Group", "name,ports,acls")


def monitors(plan: Plan) -> dict[str, list[str]]:
    """Return the commands by name; `monitor_file` is the file of each."""
    if plan.networks == "local":
        return {}
    switch = ("db.sock", "Open_vSwitch")
    north = ("ovnnb_db.sock", "OVN_Northbound")
    commands = {
        "interfaces": _database(plan, *switch, *INTERFACE),
        "ports": _database(plan, *switch, *PORT),
        "links": [find_command("ip"), "-oneline", "monitor", "link"],
        "rules": [find_command("nft"), "monitor"],
    }
    if plan.networks == "ovn":
        return commands | {
            "logical-ports": _database(plan, *north, *LOGICAL_PORT),
            "port-groups": _database(plan, *north, *PORT_GROUP),
        }
    flows = [
        find_command("ovs-ofctl"),
        "--no-names",
        "--protocols=OpenFlow14",
        "monitor",
        INTEGRATION,
        "watch:!initial",
    ]
    return commands | {"flows": flows}


def monitor_file(plan: Plan, name: str) -> Path:
    return plan.log(f"monitor-{name}")


@contextmanager
def watching(plan: Plan) -> Iterator[None]:
    """Run the monitors during the block, each with a new file."""
    running = []
    try:
        for name, command in monitors(plan).items():
            with monitor_file(plan, name).open("wb") as output:
                running.append(
                    subprocess.Popen(
                        [sys.executable, str(_STAMPED), *command],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        env=os.environ | switch_variables(plan),
                    )
                )
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _database(plan: Plan, socket: str, database: str, table: str, columns: str) -> list[str]:
    address = f"unix:{folder(plan) / socket}"
    return [find_command("ovsdb-client"), "--format=json", "monitor", address, database, table, columns]
