"""Hosts for tests: mount, pid and uts namespaces of this machine, each with an sshd on a port of 127.0.0.1."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.victims import PROGRAM, Victim
from tests.support.waiting import children, wait_until

#: A user on each host, whose sudo needs no password, and one whose sudo needs this one.
USER, GUARDED, PASSWORD = "op", "guarded", "correct horse"
_HASH = "$6$bootseqtest$G9eHEviyY1ZlD2hLbKY9zHM3i99OfaTdywKOTK9GaMlbFa.PHdbqtotRkYaAlfSkyUmulqP4B1MTjT4ikevaP/"
_UIDS = {USER: 47001, GUARDED: 47002}

#: Its own /run, users and sudoers: nothing of the machine changes.
_INIT = """
set -e
hostname {name}
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/sshd
mount -t tmpfs tmpfs /var/tmp && chmod 1777 /var/tmp
cp -r {folder}/etc /run/etc
for file in passwd shadow group; do mount --bind /run/etc/$file /etc/$file; done
mount -t tmpfs -o mode=755 tmpfs /etc/sudoers.d
cp /run/etc/sudoers.d/* /etc/sudoers.d/ && chmod 440 /etc/sudoers.d/*
{more}
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config 2>{folder}/sshd.log
"""


class SshHost:
    """A running host; ``more`` is shell text that its first process runs before sshd starts."""

    def __init__(self, name: str, folder: Path, key: Path, more: str = "", config: str = "") -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self.port = _free_port()
        self._prepare(key, config)
        script = _INIT.format(name=name, folder=shlex.quote(str(self.folder)), more=more)
        self._process = subprocess.Popen(
            [
                "unshare",
                "-m",
                "-p",
                "-u",
                "-f",
                "--mount-proc",
                "--kill-child",
                "--propagation",
                "private",
                "sh",
                "-c",
                script,
            ]
        )
        wait_until(self._answers, describe=(self.folder / "sshd.log").read_text)
        (self.pid,) = children(self._process.pid)

    def _prepare(self, key: Path, config: str) -> None:
        etc = self.folder / "etc"
        (etc / "sudoers.d").mkdir(parents=True)
        lines = {
            "passwd": [f"{user}:x:{uid}:{uid}::/tmp:/bin/bash" for user, uid in _UIDS.items()],
            "shadow": [f"{USER}:*:19000::::::", f"{GUARDED}:{_HASH}:19000::::::"],
            "group": [f"{user}:x:{uid}:" for user, uid in _UIDS.items()],
        }
        for file, more in lines.items():
            text = Path("/etc", file).read_text()
            (etc / file).write_text(text + "\n".join(more) + "\n")
            (etc / file).chmod(0o600 if file == "shadow" else 0o644)
        (etc / "sudoers.d" / "test").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n{GUARDED} ALL=(ALL) ALL\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "key")], check=True)
        authorized = self.folder / "authorized_keys"
        authorized.write_text(key.with_suffix(".pub").read_text())
        (self.folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/key\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {authorized}\nStrictModes no\nPasswordAuthentication no\n{config}\n"
        )

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self) -> str:
        """Its address for the user whose sudo needs no password."""
        return f"ssh://{USER}@127.0.0.1:{self.port}"

    def known(self) -> str:
        """Return its line of known_hosts."""
        return f"[127.0.0.1]:{self.port} {(self.folder / 'key.pub').read_text()}"

    def inside(self, *command: str) -> list[str]:
        """Return the command that runs another one on the host, as root."""
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "--", *command]

    def service(self, name: str, mode: str = "serve", **how: Any) -> Victim:
        """Return a running service of this name on the host."""
        program = self.folder / name
        shutil.copyfile(PROGRAM, program)
        return Victim(mode, sys.executable, *self.inside(), program=program, **how)

    def kill(self) -> None:
        """End all processes of the host at once."""
        self._process.kill()
        self._process.wait()


class SshHosts:
    """Several hosts, and an ssh that knows them: its folder comes first in ``environment``'s PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        self._key = folder / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)], check=True)
        self.hosts: list[SshHost] = []
        (folder / "known_hosts").touch()
        config = f"IdentityFile {self._key}\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known_hosts\n"
        (folder / "ssh_config").write_text(config)
        (folder / "bin").mkdir()
        ssh = folder / "bin" / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
        ssh.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"}

    def add(self, name: str, more: str = "", config: str = "", *, is_known: bool = True) -> SshHost:
        """Return a new host, whose key ssh knows unless not ``is_known``."""
        host = SshHost(name, self.folder, self._key, more, config)
        self.hosts.append(host)
        if is_known:
            with (self.folder / "known_hosts").open("a") as file:
                file.write(host.known())
        return host

    def close(self) -> None:
        """End all hosts."""
        for host in self.hosts:
            host.kill()


@contextmanager
def ssh_hosts(folder: Path) -> Iterator[SshHosts]:
    """Yield hosts, none at first, that end with the block."""
    hosts = SshHosts(folder)
    try:
        yield hosts
    finally:
        hosts.close()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
