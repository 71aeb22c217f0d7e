"""The network of the hosts: a bridge in a network namespace of its own, with a link to each host and to this machine.

Nothing of it has to be removed: a link ends with the namespace at its other end, and a namespace with its processes.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from examples.embedded.errors import EmbeddedError

#: Networks for measurements between networks (RFC 2544), which nothing else uses.
_NETWORK = "198.18.{number}.{host}"
_NUMBERS = range(1, 250)
#: In front of a command: it ends with the process that has started it, even if that one is killed.
UNTIL_WE_END = ("setpriv", "--pdeathsig", "KILL")
_HELD = ("unshare", "--net", "--fork", "--kill-child", "sh", "-c", "echo; exec sleep infinity")


class Network:
    """A bridge, to which ``join`` adds hosts; its number distinguishes the networks of this machine."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen([*UNTIL_WE_END, *_HELD], stdout=subprocess.PIPE)
        try:
            assert self._holder.stdout is not None
            self._holder.stdout.readline()
            self._pid = child_of(self._holder)
            _ip(self._pid, ["link set lo up", "link add bridge type bridge", "link set bridge up"])
            self._number = self._link_to_this_machine()
        except BaseException:
            self.stop()
            raise

    def _link_to_this_machine(self) -> int:
        """Take the first number for which this machine has no link yet, and return it."""
        for number in _NUMBERS:
            name = f"bootseq{number}"
            link = ["ip", "link", "add", name, "type", "veth", "peer", "name", "outside", "netns", str(self._pid)]
            done = subprocess.run(link, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                _ip(self._pid, ["link set outside master bridge up"])
                _ip(
                    os.getpid(),
                    [f"addr add {_NETWORK.format(number=number, host=1)}/24 dev {name}", f"link set {name} up"],
                )
                return number
            if "exists" not in done.stderr:
                raise EmbeddedError(f"no network between hosts can be created here: {done.stderr.strip()}")
        raise EmbeddedError("no number is left for a network between hosts")

    def address(self, host: int) -> str:
        """Return the address of the host with this number, from 1."""
        return _NETWORK.format(number=self._number, host=10 + host)

    def join(self, host: int, pid: int) -> None:
        """Link the network namespace of a process to the bridge."""
        name = f"host{host}"
        _ip(self._pid, [f"link add {name} type veth peer name eth0 netns {pid}", f"link set {name} master bridge up"])
        _ip(pid, ["link set lo up", f"addr add {self.address(host)}/24 dev eth0", "link set eth0 up"])

    def stop(self) -> None:
        """End it."""
        end(self._holder)


def child_of(process: subprocess.Popen[Any]) -> int:
    """Return the pid of a process's only child."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())


def end(process: subprocess.Popen[Any]) -> None:
    """Kill a process, and with it those of its namespaces."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _ip(pid: int, commands: Iterable[str]) -> None:
    """Run commands of ``ip`` in the network namespace of a process."""
    done = subprocess.run(
        ["nsenter", "--target", str(pid), "--net", "ip", "-batch", "-"],
        input="\n".join(commands), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise EmbeddedError(f"no network between hosts can be created here: {done.stderr.strip()}")
