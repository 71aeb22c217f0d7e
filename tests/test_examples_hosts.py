"""The embedded cloud on several hosts: what an operator finds there, and that nothing of it remains."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.embedded.errors import EmbeddedError
from examples.embedded.hosts import access
from examples.embedded.hosts.cloud import GROUPS, SERVICES
from examples.embedded.hosts.host import interpreter
from tests.support import witnesses
from tests.support.waiting import wait_until
from tracer import trace_file
from tracer.attach import processes


def needs_root(test: Any) -> Any:
    """Mark a test that starts hosts."""
    test = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")(test)
    return pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="no sshd: make packages installs it")(test)


#: Services by the traces' names.
_HOSTS = ("API", "placement", "conductor", "scheduler", "compute")


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
@needs_root
def test_a_boot_over_hosts_is_one_tree_with_the_steps_of_one_machine(state: Path, tmp_path: Path) -> None:
    """Each service's steps are its host's, one of two computes was chosen, and no message of the boot is missing."""
    file = tmp_path / "boot.trace.jsonl"
    words = [
        "record",
        "-o",
        str(file),
        "--become",
        "--inventory",
        str(state / "hosts" / access.INVENTORY),
        "--for",
        "60s",
    ]
    boot = [sys.executable, "-m", "examples.embedded", "hosts", "boot", "--state", str(state), "recorded"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "tracer", *words, "--", *boot],
        env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (request,) = [request for request in trace_file.read(file).boots if request.server == "recorded"]
    assert request.outcome == "active"
    steps = list(request.walk())
    hosts = {service: {step.host for step in steps if step.service == service} for service in _HOSTS}
    (chosen,) = hosts.pop("compute")
    assert chosen in GROUPS["compute"]
    assert hosts == {"API": {"api"}, "placement": {"api"}, "conductor": {"control"}, "scheduler": {"control"}}
    # As on one machine (test_boot_processes).
    assert [(chapter.service, chapter.name) for chapter in request.chapters] == [
        ("client", "openstack.compute.v2._proxy:Proxy.create_server"), ("conductor", "schedule_and_build_instances"),
        ("compute", "build_and_run_instance"), ("scheduler", "update_instance_info"),
    ]  # fmt: skip
    sent = Counter(step.text("mode") for step in steps if step.kind == "rpc" and step.text("side") == "client")
    assert 13 <= sent["call"] <= 14
    assert sent["cast"] + sent["fanout"] == 3
    messages = witnesses.messages(state / "messages")
    passed = {
        str(message["_unique_id"]) for message in messages if message.get("_context_request_id") in request.request_ids
    }
    assert passed - {step.text("unique_id") for step in steps} == set()


@pytest.mark.slow
@needs_root
def test_a_cloud_of_hosts_boots_a_server_and_leaves_nothing(state: Path) -> None:
    """Each host has its own name, users, processes and Python; one of two computes gets the server."""
    before = links()
    (boot,) = [json.loads(line) for line in run("boot", state, "vm1").splitlines()]
    assert boot["state"] == "active"
    spawned = [name for name in ("nova-compute", "nova-compute-2") if boot["uuid"] in log(state, name)]
    assert len(spawned) == 1
    names = {host: ssh(state, host, "hostname; whoami; sudo -n id -u; ls /run").split() for host in SERVICES}
    assert {host: words[:3] for host, words in names.items()} == {host: [host, "op", "0"] for host in SERVICES}
    # Its own /run: sshd's, and what a recording of these hosts, and its mounts, leave there empty.
    assert all({"sshd"} <= set(words[3:]) <= {"bootseq", "mount", "sshd"} for words in names.values())
    running = ssh(state, "control", "cat /proc/[0-9]*/cmdline")
    assert "nova-conductor" in running
    assert "nova-compute" not in running
    run("down", state)
    wait_until(lambda: len(before - links()) == 1)
    assert not [process for process in processes.everything() if str(state) in " ".join(process.argv)]


def links() -> set[str]:
    return {name for name in os.listdir("/sys/class/net") if name.startswith("bootseq")}


def log(state: Path, name: str) -> str:
    return (state / "logs" / f"{name}.log").read_text()
