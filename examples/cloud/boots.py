"""A server to create: its arguments for the client, and the volumes and snapshots that it boots from."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from examples.cloud import volumes
from examples.cloud.content import FLAVOR, GUEST_IMAGE, IMAGE, LARGER
from examples.cloud.errors import CloudError
from examples.cloud.plan import Plan
from examples.cloud.rest import log_in
from examples.cloud.server_ports import check_groups, create_port
from examples.cloud.shell import client_command, client_variables

# Sources of the root disk, a volume instead of a local copy of the image; and an empty second disk.
ROOTS = ("image", "snapshot", "existing")
BLANK = "blank"
VOLUMES = (BLANK, *ROOTS)
_SECOND = f"source_type=blank,destination_type=volume,volume_size={volumes.GIGABYTES},delete_on_termination=true"


@dataclass(frozen=True)
class Boot:
    """A server's name and parts; `volumes` are of VOLUMES, at most one of them of ROOTS.

    `port` stands for a port created beforehand, `group` for the security group of its port, `guest` for the image of
    the guest that runs.
    """

    name: str
    network: str = "none"
    volumes: tuple[str, ...] = ()
    port: bool = False
    group: str = ""
    guest: bool = False

    def command(self, plan: Plan) -> list[str]:
        """Return the client's command until the server is active; what it boots from is created now."""
        disks = ["--block-device", _SECOND] * self.volumes.count(BLANK)
        arguments = [*self._root(plan), *disks, "--flavor", LARGER if self.guest else FLAVOR, *self._nic(plan)]
        return [*client_command(plan), "server", "create", *arguments, self.name, "--wait"]

    def _nic(self, plan: Plan) -> list[str]:
        check_groups(plan, self.group)
        if self.port:
            return ["--port", create_port(log_in(plan), f"{self.name}-port", self.group)]
        if self.network != "none":
            return ["--network", self.network, *(["--security-group", self.group] if self.group else [])]
        if self.group:
            raise CloudError("a server without a port has no security group: --network or --port")
        return ["--nic", "none"]

    def _root(self, plan: Plan) -> list[str]:
        image = self._image(plan)
        roots = [kind for kind in self.volumes if kind in ROOTS]
        if len(roots) > 1:
            raise CloudError(f"a server boots from one of {' or '.join(roots)}")
        if self.volumes and plan.volumes == "none":
            raise CloudError("this cloud has no volumes: up --volumes ceph, in another folder")
        if not roots:
            return ["--image", image]
        if roots == ["image"]:
            return ["--image", image, "--boot-from-volume", str(volumes.GIGABYTES)]
        client = log_in(plan)
        if roots == ["snapshot"]:
            return ["--snapshot", volumes.ensure_snapshot(client, image)]
        return ["--volume", volumes.create_bootable(client, f"{self.name}-root", image)]

    def _image(self, plan: Plan) -> str:
        if self.guest and not plan.guest:
            raise CloudError("this cloud has no guest: up --guest")
        return GUEST_IMAGE if self.guest else IMAGE


def create(plan: Plan, boot: Boot) -> int:
    """Run the client until the server is active; return its exit code."""
    return subprocess.run(boot.command(plan), check=False, env=os.environ | client_variables(plan)).returncode
