"""The distribution's packages that the cloud needs: which are missing, and their installation."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.cloud.errors import CloudError

# What each package is needed for: a command, or a file, that is there once it is installed.
PACKAGES = {
    "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "mariadb-server": "mariadbd",
    "libvirt-daemon-system": "libvirtd",
    "libvirt-clients": "virsh",
    "qemu-system-x86": "qemu-system-x86_64",
    "qemu-utils": "qemu-img",
    "iptables": "iptables",
    "iproute2": "ip",
    "libvirt-dev": "/usr/include/libvirt/libvirt.h",
    "pkg-config": "pkg-config",
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdlib.h",
    # uwsgi and libvirt-python are built; another Python than the distribution's brings its own headers.
    "python3-dev": f"{sysconfig.get_path('include')}/Python.h",
}
POLICY = Path("/usr/sbin/policy-rc.d")
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def install_packages() -> None:
    missing = [package for package, needed in PACKAGES.items() if not _is_there(needed)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CloudError(f"no apt-get here to install {' '.join(missing)}: the cloud wants Debian or Ubuntu")
    print(f"installing {' '.join(missing)} …", file=sys.stderr)
    log = Path(tempfile.gettempdir()) / f"cloud-packages-{os.getpid()}.log"
    with log.open("w") as file, _nothing_starts():
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", "-q", *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            )
            if done.returncode:
                raise CloudError(f"apt-get {arguments[0]} failed; its log: {log}")
    log.unlink()


def find_command(name: str) -> str:
    found = shutil.which(name, path=_folders())
    if found is None:
        raise CloudError(f"no command {name} here; its package should have brought it")
    return found


def _is_there(needed: str) -> bool:
    if needed.startswith("/"):
        return Path(needed).exists()
    return shutil.which(needed, path=_folders()) is not None


def _folders() -> str:
    """Without those of a cloud, which an openrc puts first: what stands there calls these very commands."""
    folders = os.environ.get("PATH", "").split(":")
    return ":".join([*(one for one in folders if not (Path(one).parent / "cloud.json").exists()), SBIN])


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """The packages bring services, which the machine's service manager would start beside those of the cloud."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
