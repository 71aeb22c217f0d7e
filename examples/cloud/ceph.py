"""Ceph, the storage of volumes as RBD images: a monitor, a manager and one store on a file, without kernel modules."""

import json
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from examples.cloud.errors import CloudError
from examples.cloud.hypervisor import virsh
from examples.cloud.packages import find_command
from examples.cloud.parts import Binaries, Part
from examples.cloud.plan import Plan
from examples.cloud.process import Process, stop_all
from examples.embedded.config import Sections, render

START_TIMEOUT = 120.0
POOL = "volumes"
#: Ceph's account of Cinder, and of QEMU for it.
USER = "cinder"
BACKEND = "rbd"
FSID = "0f6d1c0c-6b6f-4a39-9a53-6f0c2f9a7d51"
#: The id under which libvirt keeps the account's key.
SECRET = "6a2f4c1e-9d0b-4f57-8a31-0b6de6a1c7f4"
STORE_BYTES = 4 << 30
PACKAGES = {
    "ceph-mon": "ceph-mon",
    "ceph-mgr": "ceph-mgr",
    "ceph-osd": "ceph-osd",
    "ceph-common": "rbd",
    "python3-rados": "/usr/share/doc/python3-rados",
    "python3-rbd": "/usr/share/doc/python3-rbd",
    "qemu-block-extra": "/usr/share/doc/qemu-block-extra",
}
# Accounts with their rights, by kind of daemon.
ACCOUNTS: Mapping[str, Mapping[str, str]] = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
    "mgr.a": {"mon": "allow profile mgr", "osd": "allow *"},
    "osd.0": {"mon": "allow profile osd", "mgr": "allow profile osd"},
    f"client.{USER}": {
        kind: f"profile rbd{'' if kind == 'mon' else f' pool={POOL}'}" for kind in ("mon", "osd", "mgr")
    },
}
# The distribution's bindings, which PyPI does not have, for the same Python as the environments'.
BINDINGS = tuple(
    Path(f"/usr/lib/python3/dist-packages/{name}.cpython-311-x86_64-linux-gnu.so") for name in ("rados", "rbd")
)


class Ceph(Part):
    """The cluster, and Cinder's and Nova's options for it."""

    packages = PACKAGES
    daemons = ("ceph-mon", "ceph-mgr", "ceph-osd")

    def extend(self, plan: Plan, service: str, sections: Sections) -> None:
        if service == "cinder-volume":
            sections["DEFAULT"]["enabled_backends"] = BACKEND
            sections[BACKEND] = {
                "volume_driver": "cinder.volume.drivers.rbd.RBDDriver",
                "volume_backend_name": BACKEND,
                "rbd_ceph_conf": str(config_file(plan)),
                "rbd_pool": POOL,
                "rbd_user": USER,
                "rbd_secret_uuid": SECRET,
                "rados_connect_timeout": "20",
            }
        elif service == "nova-compute":
            sections["libvirt"] |= {"rbd_user": USER, "rbd_secret_uuid": SECRET}

    def start(self, plan: Plan, binaries: Binaries) -> None:
        link_bindings(binaries["cinder"])
        write_ceph_config(plan)
        complete = _folder(plan) / "complete"
        if not complete.exists():
            _create_monitor(plan)
        _start_daemon(plan, "ceph-mon", "a")
        Process(plan, "ceph-mon").wait(lambda: _ceph(plan, "mon", "stat").returncode == 0, START_TIMEOUT)
        _start_daemon(plan, "ceph-mgr", "a")
        if not complete.exists():
            _create_store(plan)
        _start_daemon(plan, "ceph-osd", "0")
        Process(plan, "ceph-osd").wait(lambda: _stores(plan) == 1, START_TIMEOUT)
        if not complete.exists():
            _must(plan, "ceph", "osd", "pool", "create", POOL)
            _must(plan, "rbd", "pool", "init", POOL)
            complete.touch()
        define_secret(plan)


def config_file(plan: Plan) -> Path:
    return _folder(plan) / "ceph.conf"


def link_bindings(binaries: Path) -> None:
    """Make Ceph's bindings importable in an environment; `binaries` is its bin folder."""
    (packages,) = (binaries.parent / "lib").glob("python*/site-packages")
    for path in BINDINGS:
        if not path.exists():
            raise CloudError(f"no {path} here: --volumes ceph needs Debian 12, whose Python is the environments'")
        link = packages / path.name
        if not link.exists():
            link.symlink_to(path)


def write_ceph_config(plan: Plan) -> None:
    folder = _folder(plan)
    for name in ("run", "modules"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    config_file(plan).write_text(render(_sections(plan)))


def define_secret(plan: Plan) -> None:
    """Give libvirt the key with which QEMU opens images."""
    path, name = _folder(plan) / "secret.xml", f"client.{USER}"
    usage = f"<usage type='ceph'><name>{name}</name></usage>"
    path.write_text(f"<secret ephemeral='no' private='no'><uuid>{SECRET}</uuid>{usage}</secret>")
    key = _folder(plan) / f"{name}.key"
    key.touch(mode=0o600)
    key.write_text(_must(plan, "ceph-authtool", str(_keyring(plan, name)), "-n", name, "--print-key").strip())
    for arguments in (("secret-define", str(path)), ("secret-set-value", SECRET, "--file", str(key))):
        done = virsh(plan, *arguments)
        if done.returncode:
            raise CloudError(f"libvirt refused the key of Ceph: {done.stderr.strip()}; its log: {plan.log('libvirtd')}")


def _sections(plan: Plan) -> Sections:
    folder = _folder(plan)
    return {
        "global": {
            "fsid": FSID,
            "mon_host": _addresses(plan),
            "public_addr": "127.0.0.1",
            "cluster_addr": "127.0.0.1",
            **dict.fromkeys(("auth_cluster_required", "auth_service_required", "auth_client_required"), "cephx"),
            "auth_allow_insecure_global_id_reclaim": "false",
            "keyring": f"{folder}/$name.keyring",
            "run_dir": f"{folder}/run",
            "admin_socket": f"{folder}/run/$name.$pid.$cctid.asok",
            "log_file": str(plan.log("ceph-$type")),
            # The stores and the manager take free ports of these.
            "ms_bind_port_min": str(plan.port("ceph-osd")),
            "ms_bind_port_max": str(plan.port("ceph-osd") + 60),
            "osd_pool_default_size": "1",
            "osd_pool_default_min_size": "1",
            "osd_pool_default_pg_num": "8",
            "osd_pool_default_pgp_num": "8",
            "osd_pool_default_pg_autoscale_mode": "off",
            "osd_crush_chooseleaf_type": "0",
        },
        "mon": {
            "mon_data": f"{folder}/mon",
            "mon_allow_pool_size_one": "true",
            "mon_memory_autotune": "false",
            "rocksdb_cache_size": str(16 << 20),
            # Percent of free disk.
            "mon_data_avail_warn": "2",
            "mon_data_avail_crit": "1",
            "mon_cluster_log_file": f"default={plan.log('ceph-cluster')} audit={plan.log('ceph-audit')}",
        },
        # Modules would cost it 300 MB; the pools' statistics need none.
        "mgr": {"mgr_data": f"{folder}/mgr", "mgr_initial_modules": "", "mgr_module_path": f"{folder}/modules"},
        "osd": {
            "osd_data": f"{folder}/osd",
            "osd_objectstore": "bluestore",
            "bluestore_block_size": str(STORE_BYTES),
            "bluestore_block_create": "true",
            "bluestore_cache_autotune": "false",
            "bluestore_cache_size": str(32 << 20),
            "osd_memory_target": str(896 << 20),
            "osd_op_num_shards": "1",
            # Seconds: a busy machine must not declare it dead.
            "osd_heartbeat_grace": "120",
        },
        # What each process requests of librbd: a witness, always on because it is set when a process connects.
        f"client.{USER}": {"log_file": str(plan.log("librbd-$pid")), "debug_rbd": "10"},
    }


def _addresses(plan: Plan) -> str:
    return f"[v2:127.0.0.1:{plan.port('ceph-mon')},v1:127.0.0.1:{plan.port('ceph-mon-v1')}]"


def _create_monitor(plan: Plan) -> None:
    """Create the accounts and an empty monitor, in place of the remains of a failed attempt."""
    stop_all([Process(plan, name) for name in Ceph.daemons], 0)
    folder, all_keys = _folder(plan), _keyring(plan, "all")
    for name in ("mon", "mgr", "osd"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    for path in folder.glob("*.keyring"):
        path.unlink()
    for name, rights in ACCOUNTS.items():
        caps = [word for kind, right in rights.items() for word in ("--cap", kind, right)]
        file = _keyring(plan, "mon.a" if name == "mon." else name)
        _must(plan, "ceph-authtool", "--create-keyring", str(file), "--gen-key", "-n", name, *caps)
        create = [] if all_keys.exists() else ["--create-keyring"]
        _must(plan, "ceph-authtool", *create, str(all_keys), "--import-keyring", str(file))
    monitors = str(folder / "monmap")
    _must(plan, "monmaptool", "--create", "--clobber", "--fsid", FSID, "--addv", "a", _addresses(plan), monitors)
    _must(plan, "ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors, "--keyring", str(all_keys))


def _create_store(plan: Plan) -> None:
    number = str(uuid.uuid5(uuid.UUID(FSID), "osd.0"))
    _must(plan, "ceph", "osd", "new", number, "0")
    _must(plan, "ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", number)


def _start_daemon(plan: Plan, name: str, number: str) -> None:
    Process(plan, name).start([find_command(name), "--conf", str(config_file(plan)), "-f", "-i", number])


def _stores(plan: Plan) -> int:
    """Return the number of stores that are up."""
    done = _ceph(plan, "osd", "stat", "--format", "json")
    return int(json.loads(done.stdout)["num_up_osds"]) if done.returncode == 0 else 0


def _ceph(plan: Plan, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [find_command("ceph"), "--conf", str(config_file(plan)), "--connect-timeout", "5", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def _must(plan: Plan, name: str, *arguments: str) -> str:
    """Run a command of Ceph and return its output."""
    command = [find_command(name), "--conf", str(config_file(plan)), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CloudError(f"{name} {arguments[0]} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def _keyring(plan: Plan, name: str) -> Path:
    return _folder(plan) / f"{name}.keyring"


def _folder(plan: Plan) -> Path:
    return plan.state / "ceph"
