"""Running processes as the kernel shows them: threads and their system calls, children, sockets, locks of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tracer.attach import proc
from tracer.live.stacks import KernelThread

_MAX_THREADS, _MAX_CHILDREN, _MAX_FILE = 2000, 500, 4 << 20
_LISTENS = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True)
class Command:
    """A program that a service waits for: its deepest child, which is the one at work."""

    pid: int
    program: str
    state: str
    waits_in: str


def threads(pid: int) -> dict[int, KernelThread]:
    """Return the threads of a process by their number within its namespace."""
    result = {}
    try:
        numbers = [name for name in os.listdir(f"/proc/{pid}/task") if name.isdecimal()][:_MAX_THREADS]
    except OSError:
        return {}
    for number in numbers:
        with suppress(OSError, ValueError, KeyError, IndexError):
            status = _status(f"{pid}/task/{number}")
            inner = int(status.get("NSpid", number).split()[-1])
            switches = int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
            call, argument = _system_call(pid, number)
            state = status["State"].split()[0]
            result[inner] = KernelThread(state, switches, call, argument, _waits_in(f"{pid}/task/{number}"))
    return result


def _status(folder: str) -> dict[str, str]:
    lines = proc.text(folder, "status").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _system_call(pid: int, number: str) -> tuple[int, int]:
    """Return number and first argument of the system call that a thread waits in."""
    try:
        words = proc.text(f"{pid}/task/{number}", "syscall").split()
        return int(words[0]), int(words[1], 16)
    except (OSError, ValueError, IndexError):
        return -1, 0


def _waits_in(folder: str) -> str:
    """Return the function of the kernel that a thread waits in, "" where that is not shown."""
    try:
        name = proc.text(folder, "wchan").strip()
    except OSError:
        return ""
    return name if name != "0" else ""


def state(pid: int) -> str:
    """Return the state of a process: R, S, D, T, Z …, "" if it has ended."""
    try:
        return _status(str(pid))["State"].split()[0]
    except (OSError, KeyError, IndexError):
        return ""


def command(pid: int) -> Command | None:
    """Return the program that ``pid`` runs, following wrappers such as sudo and rootwrap to their child."""
    for _ in range(_MAX_CHILDREN):
        inner = children(pid)
        if len(inner) != 1:
            break
        pid = inner[0]
    words = _words(pid)
    return Command(pid, words, state(pid), _waits_in(str(pid))) if words else None


def _words(pid: int) -> str:
    """Return the name of a program, without its arguments: they may hold secrets."""
    try:
        line = proc.command_line(pid)
    except OSError:
        return ""
    return line[0].rpartition("/")[2] if line else ""


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    numbers = []
    with suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                numbers += [int(child) for child in proc.text(f"{pid}/task/{number}", "children").split()]
    return numbers[:_MAX_CHILDREN]


def pid_here(process: int, inner: int) -> int:
    """Return the number here of a process with the number ``inner`` in the namespace of ``process``."""
    for child in children(process):
        with suppress(OSError, ValueError, KeyError):
            if int(_status(str(child))["NSpid"].split()[-1]) == inner:
                return child
    return inner


def listener(pids: list[int], near: int, host: str, port: int) -> int:
    """Return the process among ``pids`` that listens on a TCP port of this machine, 0 if none does.

    ``near`` is the process that connects to it: its network namespace counts, and the port is its peer's only if the
    host is this machine.
    """
    inodes = {inode for local, _, kind, inode in _sockets(near) if kind == _LISTENS and local[1] == port}
    if not inodes or not _is_local(host):
        return 0
    owners = [pid for pid in pids if inodes & set(_inodes(pid))]
    return owners[-1] if owners else 0


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1", os.uname().nodename) or host.startswith("127.") or host in _addresses()


def _addresses() -> set[str]:
    """Return the addresses of this machine."""
    try:
        text = proc.text("self", "net/fib_trie")
    except OSError:
        return set()
    return set(re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", text))


Address = tuple[str, int]


def _sockets(pid: int) -> Iterator[tuple[Address, Address, str, int]]:
    """Yield local and remote address, state and inode of the TCP sockets in a process's network namespace."""
    for name in ("net/tcp", "net/tcp6"):
        with suppress(OSError, ValueError):
            for line in proc.data(pid, name, _MAX_FILE).decode().splitlines()[1:]:
                words = line.split()
                if len(words) > 9:
                    yield _address(words[1]), _address(words[2]), words[3], int(words[9])


def _address(text: str) -> Address:
    host, _, port = text.partition(":")
    return host, int(port, 16)


def _inodes(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                match = _SOCKET.fullmatch(os.readlink(f"/proc/{pid}/fd/{name}"))
                if match:
                    yield int(match[1])


def peer(pid: int, descriptor: int) -> Address | None:
    """Return host (in the kernel's notation) and port of the other end of a TCP socket."""
    with suppress(OSError):
        match = _SOCKET.fullmatch(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        if match:
            return next((remote for _, remote, _, inode in _sockets(pid) if inode == int(match[1])), None)
    return None


def lock_holders(pid: int, files: list[str]) -> list[int]:
    """Return the processes that hold a lock on one of the files, as ``pid`` names them, without ``pid`` itself."""
    inodes = set()
    for file in files:
        with suppress(OSError):
            inodes.add(os.stat(f"/proc/{pid}/root{file}").st_ino)
    holders = []
    with suppress(OSError):
        for line in proc.text("", "locks").splitlines():
            words = line.replace("-> ", "").split()
            is_write = len(words) > 5 and words[3] == "WRITE" and "->" not in line
            if is_write and words[5].rpartition(":")[2].isdecimal() and int(words[5].rpartition(":")[2]) in inodes:
                holders.append(int(words[4]))
    return [holder for holder in dict.fromkeys(holders) if holder not in (pid, -1, 0)]


def open_files(pid: int, suffix: str) -> list[str]:
    """Return the paths of a process's open files that end so, as the process names them."""
    paths = []
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                path = os.readlink(f"/proc/{pid}/fd/{name}")
                if path.endswith(suffix) and path.startswith("/"):
                    paths.append(path)
    return list(dict.fromkeys(paths))


def every() -> list[int]:
    """Return the numbers of all processes."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())


def program(pid: int) -> str:
    """Return the name of the program of a process, with its script or module, "?" if it has ended."""
    try:
        words = [word.rpartition("/")[2] for word in proc.command_line(pid)[:3] if not word.startswith("-")]
    except OSError:
        return "?"
    return " ".join(words[:2])[:60] or "?"
