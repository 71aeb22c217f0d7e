"""libvirt's daemon in a mount namespace where all its folders are the cloud's own, and the domains under it."""

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.cloud.ovs import switch_variables
from examples.cloud.packages import find_command
from examples.cloud.plan import Plan
from examples.cloud.process import Process

START_TIMEOUT = 60.0
FOLDERS = {"etc": "/etc/libvirt", "lib": "/var/lib/libvirt", "cache": "/var/cache/libvirt", "run": "/run/libvirt"}
# As another user than root, libvirt would probe QEMU again at every call if /dev/kvm exists and does not work.
QEMU = """\
user = "root"
group = "root"
stdio_handler = "file"
security_driver = "none"
namespaces = []
"""
DAEMON = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
log_outputs = "1:file:{log}"
log_filters = "{filters}"
"""
QUIET = "4:util 4:object 3:qemu 3:libvirt"
WITNESS = "1:libvirt 4:object"


def start_libvirt(plan: Plan) -> Process:
    folder = plan.state / "libvirt"
    for name, target in FOLDERS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        Path(target).mkdir(parents=True, exist_ok=True)
    (folder / "etc" / "qemu.conf").write_text(QEMU)
    settings = folder / "etc" / "libvirtd.conf"
    settings.write_text(DAEMON.format(log=plan.log("libvirtd"), filters=QUIET))
    mounts = [f"mount --bind {shlex.quote(str(folder / name))} {target}" for name, target in FOLDERS.items()]
    # Nor does it see control groups, of which it would leave some behind.
    mounts.append("{ umount --recursive --lazy /sys/fs/cgroup || :; }")
    # Its pid file would be beside /run/libvirt, and locked by another cloud's daemon.
    daemon = [find_command("libvirtd"), "--config", str(settings), "--pid-file", str(folder / "libvirtd.pid")]
    script = " && ".join([*mounts, f"exec {shlex.join(daemon)}"])
    process = Process(plan, "libvirtd")
    # Not private: what Nova mounts later, libvirtd must see.
    command = [find_command("unshare"), "--mount", "--propagation", "slave", "sh", "-c", script]
    # It adds ports to the switch by a command of Open vSwitch.
    process.start(command, switch_variables(plan))
    return process


def wait_for_libvirt(plan: Plan) -> None:
    Process(plan, "libvirtd").wait(lambda: virsh(plan, "version").returncode == 0, START_TIMEOUT)


def virsh(plan: Plan, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [find_command("virsh"), "--connect", connection(plan), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def connection(plan: Plan, driver: str = "qemu", socket: str = "libvirt-sock") -> str:
    return f"{driver}+unix:///system?socket={plan.state / 'libvirt' / 'run' / socket}"


def filter_log(plan: Plan, filters: str) -> None:
    """Set the log filters of the running daemon."""
    uri = connection(plan, "libvirtd", "libvirt-admin-sock")
    command = [find_command("virt-admin"), "--connect", uri, "daemon-log-filters", filters]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CloudError(f"libvirtd does not take log filters: {done.stderr.strip()}")


def domains(plan: Plan) -> list[str]:
    done = virsh(plan, "list", "--name")
    if done.returncode:
        raise CloudError(f"libvirtd does not answer: {done.stderr.strip()}; its log: {plan.log('libvirtd')}")
    return done.stdout.split()


def destroy_domains(plan: Plan) -> None:
    """End the domains through the daemon while it runs, and those of a dead daemon by QEMU's pid files."""
    if Process(plan, "libvirtd").pid() is not None:
        for name in domains(plan):
            virsh(plan, "destroy", name)
    for file in (plan.state / "libvirt" / "run" / "qemu").glob("*.pid"):
        with suppress(ValueError, ProcessLookupError, FileNotFoundError):
            pid = int(file.read_text())
            if "qemu-system" in os.readlink(f"/proc/{pid}/exe"):
                os.kill(pid, signal.SIGKILL)
