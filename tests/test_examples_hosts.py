"""The embedded cloud on several hosts: what an operator finds there, and that nothing of it remains."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.embedded.errors import EmbeddedError
from examples.embedded.hosts import access
from examples.embedded.hosts.cloud import GROUPS, SERVICES
from examples.embedded.hosts.host import interpreter
from tracer.attach import processes


class FakeHost:
    """A host's name and address."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address


def test_the_inventory_names_each_host_once_with_its_address() -> None:
    hosts = [FakeHost(name, f"198.18.1.{number}") for number, name in enumerate(SERVICES, 11)]
    text = access.inventory(Path("/cloud"), hosts, GROUPS)  # type: ignore[arg-type]
    assert [line for line in text.splitlines() if "ansible_host" in line] == [
        "api ansible_host=198.18.1.11", "control ansible_host=198.18.1.12",
        "compute1 ansible_host=198.18.1.13", "compute2 ansible_host=198.18.1.14",
    ]  # fmt: skip
    assert "ansible_ssh_common_args='-F /cloud/ssh_config'" in text
    assert "StrictHostKeyChecking yes" in access.ssh_config(Path("/cloud"), hosts)  # type: ignore[arg-type]


def test_without_a_cloud_the_command_that_starts_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"python -m examples\.embedded hosts up"):
        access.read_about(tmp_path)


def test_a_missing_python_is_replaced_by_the_machines() -> None:
    assert interpreter("3.99") == "/usr/bin/python3"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the state folder of a running cloud, which is down after the tests."""
    folder = tmp_path_factory.mktemp("hosts") / "cloud"
    run("up", folder)
    yield folder
    if (folder / "hosts.pid").exists():
        run("down", folder)
    shutil.rmtree(folder)


def run(command: str, state: Path, *arguments: str) -> str:
    words = [sys.executable, "-m", "examples.embedded", "hosts", command, "--state", str(state), *arguments]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def ssh(state: Path, host: str, command: str) -> str:
    words = ["ssh", "-F", str(state / "hosts" / access.SSH_CONFIG), host, command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
@pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="no sshd: make packages installs it")
def test_a_cloud_of_hosts_boots_a_server_and_leaves_nothing(state: Path) -> None:
    """Each host has its own name, users, processes and Python; one of two computes gets the server."""
    before = links()
    (boot,) = [json.loads(line) for line in run("boot", state, "vm1").splitlines()]
    assert boot["state"] == "active"
    spawned = [name for name in ("nova-compute", "nova-compute-2") if boot["uuid"] in log(state, name)]
    assert len(spawned) == 1
    names = {host: ssh(state, host, "hostname; whoami; sudo -n id -u; ls /run").split() for host in SERVICES}
    assert names == {host: [host, "op", "0", "sshd"] for host in SERVICES}
    running = ssh(state, "control", "cat /proc/[0-9]*/cmdline")
    assert "bin/nova-conductor" in running
    assert "nova-compute" not in running
    run("down", state)
    assert len(links()) == len(before) - 1
    assert not [process for process in processes.everything() if str(state) in " ".join(process.argv)]


def links() -> set[str]:
    return {name for name in os.listdir("/sys/class/net") if name.startswith("bootseq")}


def log(state: Path, name: str) -> str:
    return (state / "logs" / f"{name}.log").read_text()
