"""A host: namespaces of this machine with their own name, users, address, Python and sshd."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from examples.embedded.errors import EmbeddedError
from examples.embedded.hosts.network import UNTIL_WE_END, Network, child_of, end

#: The user of each host, who logs in by a key, and whose sudo needs no password.
USER, _UID = "op", 47_001
_NAMESPACES = (
    "--net", "--mount", "--pid", "--uts", "--fork", "--mount-proc", "--propagation", "private", "--kill-child",
)  # fmt: skip
_START_SECONDS = 60.0
#: What is the host's own: nothing of the machine changes.
_INIT = """
set -e
hostname {name}
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mkdir -p /run/sshd && cp {folder}/authorized_keys /run/sshd/
for file in passwd shadow group hosts; do mount --bind {folder}/$file /etc/$file; done
mount -t tmpfs -o mode=755 tmpfs /etc/sudoers.d
cp {folder}/sudoers /etc/sudoers.d/{user} && chmod 440 /etc/sudoers.d/{user}
mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin && ln -s {python} /usr/local/sbin/python3
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config 2>{folder}/sshd.log
"""
_SSHD = """
HostKey {folder}/key
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
AuthorizedKeysFile /run/sshd/authorized_keys
"""


class Host:
    """A running host with a number, from 1; ``python`` is its administrators' python3, not that of its services."""

    def __init__(self, name: str, number: int, network: Network, folder: Path, python: str) -> None:
        self.name, self.address, self.python = name, network.address(number), python
        self.folder = folder / name
        self.folder.mkdir()
        self._prepare(folder)
        script = _INIT.format(name=name, folder=quote(str(self.folder)), user=USER, python=quote(python))
        self._first = subprocess.Popen(
            [*UNTIL_WE_END, "unshare", *_NAMESPACES, "sh", "-c", script], stdin=subprocess.DEVNULL
        )
        try:
            self._wait_for_child()
            self.pid = child_of(self._first)
            network.join(number, self.pid)
        except BaseException:
            self.stop()
            raise

    def _prepare(self, folder: Path) -> None:
        """Write the files of /etc that differ from the machine's."""
        users = {
            "passwd": f"{USER}:x:{_UID}:{_UID}::/tmp:/bin/bash\n",
            "shadow": f"{USER}:*:19000::::::\n",
            "group": f"{USER}:x:{_UID}:\n",
        }
        for file, line in users.items():
            (self.folder / file).write_text(Path("/etc", file).read_text().rstrip("\n") + "\n" + line)
            (self.folder / file).chmod(0o600 if file == "shadow" else 0o644)
        (self.folder / "sudoers").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
        shutil.copy(folder / "id.pub", self.folder / "authorized_keys")
        shutil.copy(folder / "hosts", self.folder / "hosts")
        make_key(self.folder / "key")
        (self.folder / "sshd_config").write_text(_SSHD.format(folder=self.folder))

    def _wait_for_child(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        children = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children")
        while not children.read_text():
            self._check(deadline)
            time.sleep(0.01)

    def wait(self) -> None:
        """Wait until its sshd answers."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with socket.socket() as client:
                client.settimeout(1)
                if client.connect_ex((self.address, 22)) == 0:
                    return
            self._check(deadline)
            time.sleep(0.02)

    def _check(self, deadline: float) -> None:
        if self._first.poll() is not None or time.monotonic() > deadline:
            raise EmbeddedError(f"the host {self.name} does not start; its log: {self.folder / 'sshd.log'}")

    @property
    def known(self) -> str:
        """Return its line of known_hosts."""
        return f"{self.name},{self.address} {(self.folder / 'key.pub').read_text()}"

    def inside(self, *command: str) -> list[str]:
        """Return the command that runs another one on the host, as root."""
        namespaces = ("--net", "--mount", "--pid", "--uts", "--wdns=/")
        return ["nsenter", "--target", str(self.pid), *namespaces, "--", *command]

    def stop(self) -> None:
        """End all its processes at once."""
        end(self._first)


def make_key(path: Path) -> None:
    """Create a pair of ssh keys."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.stem, "-f", str(path)], check=True)


def interpreter(version: str) -> str:
    """Return a Python of this version that pyenv or the machine has, else the machine's python3."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [*sorted(root.glob(f"{version}.*/bin/python3")), shutil.which(f"python{version}")]
    return str(next((path for path in candidates if path), "/usr/bin/python3"))


def write_hosts(folder: Path, addresses: Mapping[str, str]) -> None:
    """Write the hosts' /etc/hosts and the key of their user."""
    lines = [f"{address} {name}\n" for name, address in addresses.items()]
    (folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(lines))
    make_key(folder / "id")
