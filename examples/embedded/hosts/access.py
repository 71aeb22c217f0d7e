"""An operator's access to the hosts: an Ansible inventory, and ssh's configuration with the keys of the hosts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from examples.embedded.errors import EmbeddedError
from examples.embedded.hosts.host import USER, Host

INVENTORY, SSH_CONFIG, KNOWN_HOSTS, ABOUT = "inventory.ini", "ssh_config", "known_hosts", "cloud.json"


def write_access(folder: Path, hosts: Sequence[Host], groups: Mapping[str, Sequence[str]]) -> None:
    """Write the inventory, with a group for each kind of host, and ssh's files."""
    (folder / KNOWN_HOSTS).write_text("".join(host.known for host in hosts))
    (folder / SSH_CONFIG).write_text(ssh_config(folder, hosts))
    (folder / INVENTORY).write_text(inventory(folder, hosts, groups))


def ssh_config(folder: Path, hosts: Sequence[Host]) -> str:
    """Return ssh's configuration: each host by its name or address, by the user's key; unknown hosts are refused."""
    blocks = [f"Host {host.name} {host.address}\n  HostName {host.address}\n" for host in hosts]
    common = (
        f"Host *\n  User {USER}\n  IdentityFile {folder / 'id'}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder / KNOWN_HOSTS}\n  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n  BatchMode yes\n"
    )
    return "".join(blocks) + common


def inventory(folder: Path, hosts: Sequence[Host], groups: Mapping[str, Sequence[str]]) -> str:
    """Return an Ansible inventory, whose hosts need no further configuration."""
    by_name = {host.name: host for host in hosts}
    sections = []
    for group, names in groups.items():
        lines = [f"{name} ansible_host={by_name[name].address}\n" for name in names]
        sections.append(f"[{group}]\n" + "".join(lines))
    everywhere = (
        f"[all:vars]\nansible_user={USER}\nansible_become=true\nansible_ssh_common_args='-F {folder / SSH_CONFIG}'\n"
    )
    return "\n".join([*sections, everywhere])


def write_about(folder: Path, about: Mapping[str, str]) -> None:
    """Write what later commands need of a running cloud; the file appears when it is complete."""
    draft = folder / f"{ABOUT}.new"
    draft.write_text(json.dumps(dict(about)))
    draft.rename(folder / ABOUT)


def read_about(folder: Path) -> dict[str, str]:
    """Read it; EmbeddedError if there is no running cloud."""
    try:
        about: dict[str, str] = json.loads((folder / ABOUT).read_text())
    except FileNotFoundError:
        raise EmbeddedError(f"no cloud runs in {folder.parent}: python -m examples.embedded hosts up") from None
    return about
