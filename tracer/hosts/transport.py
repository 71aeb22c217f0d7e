"""The connection to a host: the OpenSSH client, whose session is the agent's stdin and stdout.

Everything about the connection is the operator's: ssh_config, bastions, agents, known_hosts. A host whose key is not
known is refused, and no prompt is shown. A password for sudo goes through the channel, when sudo asks for it, and
never into a command line or an environment.
"""

from __future__ import annotations

import re
import secrets
import shlex
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from tracer.hosts import bundle
from tracer.hosts.address import Address
from tracer.hosts.channel import Channel, ChannelError
from tracer.text import printable

#: Of Python: isolated from environment, folders and packages, and it writes no compiled modules.
_FLAGS = "-ISBc"
#: Seconds for ssh to connect, and for the agent to answer afterwards.
CONNECT, START = 10, 60.0
#: Bytes of banners and of what shells print before the agent starts.
_MAX_NOISE = 1 << 20
_MAX_REASON = 300
_PLAIN = (
    "BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "LogLevel=ERROR", "ForwardAgent=no",
    "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no", f"ConnectTimeout={CONNECT}",
)  # fmt: skip
#: Texts of ssh, sudo and shells, and what they mean for a user.
_REASONS = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", "its host key has changed: if that is right, replace it there"),
    (r"Host key verification failed|host key is known for",
     "its host key is not known: compare it, and add it to known_hosts"),
    (r"Permission denied \(", "ssh: no key of yours is accepted there"),
    (r"a password is required", "sudo asks for a password; add --ask-become-pass"),
    (r"must have a tty", "sudo needs a terminal there (requiretty): exempt this user, Defaults:USER !requiretty"),
    (r"is not in the sudoers|is not allowed to (?:run|execute)|may not run sudo", "sudo is not allowed for this user"),
    (r"sudo: (?:command )?not found|sudo: No such file", "it has no sudo"),
    (r"python[\w./]*: (?:command )?not found|python[\w./]*: No such file|No such file or directory: .*python",
     "it has no python3; the agent needs 3.9 or later"),
)  # fmt: skip


class RefusedError(Exception):
    """A host that cannot be used, with the reason."""


@dataclass(frozen=True)
class Settings:
    """The settings of all connections: ``silence`` is in seconds; the password is for sudo."""

    forks: int = 64
    silence: float = 15.0
    become: bool = False
    password: str | None = None

    def __repr__(self) -> str:
        return f"Settings(forks={self.forks}, silence={self.silence}, become={self.become})"


class Transport:
    """A running agent: ``channel`` for messages, ``about`` its first one."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self._prompt = f"bootseq-{secrets.token_hex(8)}:"
        self._password = settings.password
        marker = f"bootseq-{secrets.token_hex(8)}"
        command = _command(address, settings, self._prompt, bundle.build().receiver(marker, settings.silence))
        # A session of its own: Ctrl-C ends the command, and the agents take the hooks out in order.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            start_new_session=True,
        )  # fmt: skip
        writing, reading, aside = (stream.fileno() for stream in self._streams())
        self.channel = Channel(reading, writing, aside)
        try:
            self.about = self._start(marker.encode())
        except ChannelError as error:
            reason = self._reason(str(error))
            self.close()
            raise RefusedError(reason) from None
        except BaseException:
            self.close()
            raise

    def _streams(self) -> list[IO[bytes]]:
        streams = self._process.stdin, self._process.stdout, self._process.stderr
        return [stream for stream in streams if stream is not None]

    def _start(self, marker: bytes) -> dict[str, object]:
        state = self.channel.line_with(marker, _MAX_NOISE, CONNECT + START, self._answer_prompt)
        if state != bundle.WAITS:
            version = printable(state.decode(errors="replace").removeprefix("python ")[:20])
            raise RefusedError(f"its Python is {version}; the agent needs 3.9 or later")
        self.channel.send_bytes(bundle.build().data, START)
        if self.channel.line_with(marker, _MAX_NOISE, START, self._answer_prompt) != bundle.COMPLETE:
            raise RefusedError("the agent did not arrive as it was sent: its digest is another")
        about, _ = self.channel.receive(START)
        if "error" in about:
            raise RefusedError(printable(str(about["error"])[:_MAX_REASON]))
        return about

    def _answer_prompt(self) -> None:
        """Send the password when sudo asks for it, once."""
        if self._prompt.encode() not in self.channel.text_aside:
            return
        self.channel.text_aside = self.channel.text_aside.replace(self._prompt.encode(), b"", 1)
        if self._password is None:
            raise RefusedError("sudo does not accept the password")
        self.channel.send_bytes(self._password.encode() + b"\n", START)
        self._password = None

    def _reason(self, problem: str) -> str:
        self.channel.drain_aside(1.0)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        return reason_of(self.channel.text_aside, problem, self._process.poll())

    def close(self) -> None:
        """End the connection."""
        for stream in self._streams():
            with suppress(OSError):
                stream.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
            return
        self._process.kill()
        self._process.wait()


def reason_of(text: bytes, problem: str, code: int | None) -> str:
    """Return why a connection failed, by what ssh, sudo and the shell printed."""
    lines = [line.strip() for line in text.decode(errors="replace").splitlines() if line.strip()]
    for pattern, reason in _REASONS:
        if re.search(pattern, "\n".join(lines)):
            return reason
    if lines:
        return printable(lines[-1][:_MAX_REASON])
    return problem if code in (None, 0) else f"{problem} (exit code {code})"


def _command(address: Address, settings: Settings, prompt: str, program: str) -> list[str]:
    sudo = settings.become or address.become
    ask = ["-S", "-p", prompt] if settings.password is not None else ["-n"]
    python = sys.executable if address.is_local else address.python
    words = [*(["sudo", *ask, "--"] if sudo else []), python, _FLAGS, program]
    if address.is_local:
        return words
    options = [*_PLAIN, f"ServerAliveInterval={max(1, int(settings.silence / 3))}", "ServerAliveCountMax=3"]
    ssh = ["ssh", "-T", *(word for option in options for word in ("-o", option)), *address.options]
    ssh += ["-p", str(address.port)] if address.port else []
    ssh += ["-l", address.user] if address.user else []
    ssh += ["-i", address.key] if address.key else []
    return [*ssh, "--", address.host or address.name, shlex.join(words)]
