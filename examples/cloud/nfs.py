"""Volumes as files on a share, which Cinder's NFS driver and Nova mount: the one backend that mounts on a compute host.

The machine needs no NFS: what `mount -t nfs` would mount over the network is bound from the exported folder itself, by
a stand-in for the command mount.nfs.
"""

import subprocess
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.cloud.packages import find_command
from examples.cloud.parts import Part
from examples.cloud.plan import Plan
from examples.embedded.config import Sections

BACKEND = "nfs"
EXPORT = "nfs/export"
#: Where Cinder and Nova mount the share.
MOUNTS = ("cinder/mnt", "nova/mnt")
HELPER = Path("/usr/sbin/mount.nfs")
STAND_IN = """\
#!/bin/sh
# A stand-in of bootseq's examples/cloud: binds the exported folder of this machine. Arguments: HOST:FOLDER TARGET ...
[ $# -ge 2 ] || exit 1
exec mount --bind "${1#*:}" "$2"
"""


class Nfs(Part):
    """The share, and Cinder's and Nova's options for it."""

    folders = (EXPORT, *MOUNTS)

    def extend(self, plan: Plan, service: str, sections: Sections) -> None:
        if service == "cinder-volume":
            shares = plan.state / "nfs" / "shares"
            sections["DEFAULT"]["enabled_backends"] = BACKEND
            sections[BACKEND] = {
                "volume_driver": "cinder.volume.drivers.nfs.NfsDriver",
                "volume_backend_name": BACKEND,
                "nfs_shares_config": str(shares),
                "nfs_mount_point_base": str(plan.state / MOUNTS[0]),
                "nas_secure_file_operations": "False",
                "nas_secure_file_permissions": "False",
                "nfs_snapshot_support": "True",
            }
        elif service == "nova-compute":
            sections["libvirt"]["nfs_mount_point_base"] = str(plan.state / MOUNTS[1])

    def prepare(self, plan: Plan) -> None:
        (plan.state / "nfs" / "shares").write_text(f"127.0.0.1:{plan.state / EXPORT}\n")
        if HELPER.exists() and HELPER.read_text(errors="replace") != STAND_IN:
            raise CloudError(f"{HELPER} exists: --volumes nfs would replace it; remove the package nfs-common")
        HELPER.write_text(STAND_IN)
        HELPER.chmod(0o755)
        # What Nova mounts later must be visible in libvirtd's mount namespace.
        folder = str(plan.state / MOUNTS[1])
        if folder not in _mounted(plan):
            # Private first: as a peer of the mount above, it would have each mount twice.
            for options in (["--bind", folder, folder], ["--make-private", folder], ["--make-shared", folder]):
                _run("mount", *options)

    def clean(self, plan: Plan) -> None:
        # Listed again each time: the end of one mount may be the end of others.
        while targets := _mounted(plan):
            _run("umount", "--lazy", targets[-1])
        if HELPER.exists() and HELPER.read_text(errors="replace") == STAND_IN:
            HELPER.unlink()


def _mounted(plan: Plan) -> list[str]:
    """Return the mounted folders below Cinder's and Nova's, in order of their mounts."""
    targets = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    folders = tuple(str(plan.state / name) for name in MOUNTS)
    return [target for target in targets if target.startswith(folders)]


def _run(command: str, *arguments: str) -> None:
    done = subprocess.run([find_command(command), *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise CloudError(f"{command} {' '.join(arguments)} failed: {done.stderr.strip()}")
