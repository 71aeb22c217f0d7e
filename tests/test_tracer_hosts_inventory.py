"""Inventories: Ansible's, read by ansible-inventory itself, and plain lists; limits, and what is no address."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tracer.errors import TracerError
from tracer.hosts import address, inventory
from tracer.hosts.address import Address

#: Kolla's multinode in small: ranges, groups of groups, variables of hosts and groups.
INI = """
[control]
ctl1 ansible_host=192.0.2.1 ansible_user=ops ansible_ssh_pass=secret

[compute]
cmp[01:03] ansible_port=2222
cmp03 ansible_python_interpreter=/usr/bin/python3.11 ansible_become=true

[deployment]
localhost ansible_connection=local

[nova:children]
control
compute

[compute:vars]
ansible_ssh_common_args='-o ProxyJump=bastion'
ansible_ssh_private_key_file=/home/ops/key
"""
YAML = """
all:
  children:
    controllers:
      hosts:
        node1: {ansible_host: 198.51.100.7, ansible_port: 22}
"""


@pytest.fixture(autouse=True)
def ansible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Find ansible-inventory beside the running Python, with a home of its own."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "ansible"))


def test_an_ini_inventory_with_groups_ranges_and_variables(tmp_path: Path) -> None:
    file = tmp_path / "multinode"
    file.write_text(INI)
    hosts = {item.name: item for item in inventory.addresses(file, (), "")}
    assert sorted(hosts) == ["cmp01", "cmp02", "cmp03", "ctl1", "localhost"]
    assert hosts["ctl1"] == Address("ctl1", host="192.0.2.1", user="ops")
    assert (hosts["cmp01"].port, hosts["cmp01"].options) == (2222, ("-o", "ProxyJump=bastion"))
    assert (hosts["cmp03"].python, hosts["cmp03"].become) == ("/usr/bin/python3.11", True)
    assert hosts["localhost"].is_local
    assert "secret" not in repr(hosts)

    def limited(limit: str) -> list[str]:
        return sorted(item.name for item in inventory.addresses(file, (), limit))

    assert limited("compute") == ["cmp01", "cmp02", "cmp03"]
    assert limited("nova:!cmp0[23]") == ["cmp01", "ctl1"]
    assert limited("control,cmp02") == ["cmp02", "ctl1"]
    with pytest.raises(TracerError, match=r"no host in .* matches --limit nothing"):
        limited("nothing")


def test_a_yaml_inventory_and_hosts_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "nodes.yaml"
    file.write_text(YAML)
    hosts = inventory.addresses(file, ("ssh://root@203.0.113.9:2200", "local"), "")
    assert hosts == [
        Address("node1", host="198.51.100.7", port=22),
        Address("203.0.113.9:2200", host="203.0.113.9", user="root", port=2200),
        Address("local", is_local=True),
    ]


def test_a_plain_list_needs_no_ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    file = tmp_path / "hosts"
    file.write_text("# computes\ncmp1\nssh://ops@cmp2:22  # the second\n\nlocal\n")
    assert [(item.name, item.user) for item in inventory.addresses(file, (), "")] == [
        ("cmp1", ""), ("cmp2:22", "ops"), ("local", ""),
    ]  # fmt: skip
    file.write_text("[all]\ncmp1\n")
    with pytest.raises(TracerError, match="needs ansible-inventory"):
        inventory.addresses(file, (), "")


def test_ansible_s_own_error_is_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("all: [1, 2\n")
    with pytest.raises(TracerError, match=r"no host in it|ansible-inventory failed"):
        inventory.addresses(file, (), "")


@pytest.mark.parametrize(
    "text",
    ["http://host", "ssh://", "ssh://host/path", "ssh://host:99999", "ssh://-oProxyCommand=x", "ssh://a b", "-x"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(TracerError, match="host"):
        address.parse(text)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(TracerError, match="not supported") as error:
        address.parse("ssh://ops:hunter2@cmp1")
    assert "hunter2" not in str(error.value)
