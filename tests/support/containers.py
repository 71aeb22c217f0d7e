"""Containers and chroots with victims in them: their root directories consist of this machine's read-only folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.victims import PROGRAM, Victim

#: A user of the container image's own, as kolla has them.
USER = 42436
#: The folders of this machine that a Python needs.
_FOLDERS = tuple(name for name in ("/usr", "/bin", "/lib", "/lib64") if Path(name).is_dir())
_FORBIDDEN = "ptrace process_vm_readv process_vm_writev mount unshare setns keyctl bpf perf_event_open"
_TMPFS = {"type": "tmpfs", "source": "tmpfs"}
_SHM = {"destination": "/dev/shm", **_TMPFS, "options": ["nosuid", "nodev", "noexec", "mode=1777", "size=16m"]}
_TMP = {"destination": "/tmp", **_TMPFS, "options": ["nosuid", "nodev", "noexec", "mode=1777", "size=8m"]}
#: crun takes either version of control groups, not both at once.
_ONE_CGROUP = 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'

#: Kinds of containers: whether the root is read-only, whether they have a user namespace, and further mounts.
KINDS: dict[str, tuple[bool, bool, list[dict[str, Any]]]] = {
    "plain": (False, False, [_SHM]),
    "a user namespace": (False, True, [_SHM]),
    "read-only with a /tmp": (True, False, [_SHM, _TMP]),
    "read-only": (True, False, [_SHM]),
    "no writable folder": (True, False, []),
}


@contextmanager
def container(kind: str) -> Iterator[Victim]:
    """Yield a victim in a container, without capabilities and under a seccomp filter, like a kolla service's."""
    with _root() as root:
        before = (sys.executable, __file__, str(root), kind)
        with Victim("serve", "/usr/bin/python3", *before, program=Path("/victim_program.py")) as victim:
            yield victim


@contextmanager
def _root() -> Iterator[Path]:
    """Yield a folder with ``rootfs``, a root directory except for the machine's own folders."""
    root = Path(tempfile.mkdtemp(prefix="bootseq-root-"))
    root.chmod(0o755)
    for name in ("proc", "dev/shm", "tmp", "var/tmp", *(folder.strip("/") for folder in _FOLDERS)):
        (root / "rootfs" / name).mkdir(parents=True)
    for name in ("tmp", "var/tmp"):
        (root / "rootfs" / name).chmod(0o1777)
    shutil.copy(PROGRAM, root / "rootfs")
    try:
        yield root
    finally:
        shutil.rmtree(root)


def _bundle(kind: str, command: list[str]) -> dict[str, Any]:
    """Return the configuration of a container by the OCI runtime specification."""
    readonly, has_users, mounts = KINDS[kind]
    namespaces = ["pid", "mount", "ipc", "uts", *(["user"] if has_users else [])]
    mapping = [{"containerID": 0, "hostID": 100_000, "size": 65_536}]
    own = [{"destination": folder, "type": "bind", "source": folder, "options": ["rbind", "ro"]} for folder in _FOLDERS]
    return {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": USER, "gid": USER}, "args": command, "cwd": "/", "env": ["PATH=/usr/bin:/bin"],
            "capabilities": {name: [] for name in ("bounding", "effective", "permitted")}, "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": readonly},
        "hostname": "pod",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755", "size=64k"]},
            *own, *mounts,
        ],
        "linux": {
            "namespaces": [{"type": name} for name in namespaces],
            "seccomp": {
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": _FORBIDDEN.split(), "action": "SCMP_ACT_ERRNO"}],
            },
            **({"uidMappings": mapping, "gidMappings": mapping} if has_users else {}),
        },
    }  # fmt: skip


@contextmanager
def chroot(user: int = USER, *, with_proc: bool = True) -> Iterator[Victim]:
    """Yield a victim in a mere chroot; to be called in a mount namespace of the test's own (tests.support.alone)."""
    with _root() as root:
        mounted = [*_FOLDERS, "/dev", *(["/proc"] if with_proc else [])]
        for folder in mounted:
            subprocess.run(["mount", "--rbind", folder, f"{root}/rootfs{folder}"], check=True)
        before = ("chroot", f"--userspec={user}:{user}", "--groups=", str(root / "rootfs"))
        try:
            with Victim("serve", "/usr/bin/python3", *before, program=Path("/victim_program.py")) as victim:
                yield victim
        finally:
            for folder in mounted:
                subprocess.run(["umount", "--recursive", "--lazy", f"{root}/rootfs{folder}"], check=True)


def _main(root: str, kind: str, *command: str) -> None:
    """Become the container's runtime: in front of a victim's command."""
    bundle = Path(root)
    (bundle / "config.json").write_text(json.dumps(_bundle(kind, list(command))))
    # crun gives what its container inherits to the container's user: /dev/null, say, or a terminal.
    os.dup2(os.pipe()[0], 0)
    with open(f"{root}/stderr", "w") as stderr:
        os.dup2(stderr.fileno(), 2)
    crun = ["crun", "--cgroup-manager=disabled", "--root", f"{root}/state", "run", "--bundle", root, bundle.name]
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", _ONE_CGROUP, "-", *crun])


if __name__ == "__main__":
    _main(*sys.argv[1:])
