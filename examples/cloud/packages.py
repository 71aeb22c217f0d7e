"""The distribution's packages that the cloud needs, and the installation of missing ones."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from examples.cloud.errors import CloudError

# A command or a file by which an installed package is recognised.
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
    # uwsgi and libvirt-python are compiled; a Python other than the distribution's has its own headers.
    "python3-dev": f"{sysconfig.get_path('include')}/Python.h",
}
# Seconds to wait for another installation on this machine.
LOCK_TIMEOUT = 600
POLICY = Path("/usr/sbin/policy-rc.d")
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def install_packages(more: Mapping[str, str]) -> None:
    """Install the missing ones of all clouds, and of `more`, which is like PACKAGES."""
    missing = [package for package, needed in (PACKAGES | dict(more)).items() if not _is_there(needed)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CloudError(f"no apt-get here to install {' '.join(missing)}: the cloud needs Debian or Ubuntu")
    print(f"installing {' '.join(missing)} …", file=sys.stderr)
    log = Path(tempfile.gettempdir()) / f"cloud-packages-{os.getpid()}.log"
    with log.open("w") as file, _nothing_starts():
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT}", *arguments],
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
    path = shutil.which(name, path=_folders())
    if path is None:
        raise CloudError(f"no command {name} here; its package should have installed it")
    return path


def _is_there(needed: str) -> bool:
    if needed.startswith("/"):
        return Path(needed).exists()
    return shutil.which(needed, path=_folders()) is not None


def _folders() -> str:
    """Return PATH without the folders of a cloud, added by an openrc: their commands call those found here."""
    folders = os.environ.get("PATH", "").split(":")
    return ":".join([*(folder for folder in folders if not (Path(folder).parent / "cloud.json").exists()), SBIN])


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Keep the machine's service manager from starting the packages' own services."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
