"""The program of tests.support.victims: a service whose main thread waits or works, and which evaluates lines."""

from __future__ import annotations

import sys

if sys.argv[1] == "eventlet":
    import eventlet

    eventlet.monkey_patch()

import gc
import logging
import os
import select
import signal
import socket
import socketserver
import threading
import time
from typing import Any

logging.basicConfig(level="INFO", stream=open(os.devnull, "w"))  # noqa: SIM115
remembered: dict[Any, int] = {}
events: list[Any] = []
sums = 0


def world() -> dict[Any, int]:
    """Return the identity of everything that a hook could replace: the contents of modules and of their classes."""
    identities: dict[Any, int] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("_bootseq") or name == "__main__":
            continue
        for key, value in list(vars(module).items()):
            identities[name, key] = id(value)
            if isinstance(value, type) and value.__module__ == name:
                identities.update({(name, key, inner): id(member) for inner, member in list(vars(value).items())})
    identities["path"], identities["finders"] = hash(tuple(sys.path)), hash(tuple(map(id, sys.meta_path)))
    identities["handlers"] = hash(tuple(map(id, logging.root.handlers)))
    identities["signals"] = hash(tuple(str(signal.getsignal(number)) for number in (1, 2, 10, 12, 15, 17)))
    identities["threads"] = len(sys._current_frames())
    identities["descriptors"] = len(os.listdir("/proc/self/fd"))
    return identities


def remember() -> int:
    """Remember the present identities, and return their number."""
    remembered.clear()
    remembered.update(world())
    return len(remembered)


def differences() -> list[str]:
    """Return the names whose objects differ from the remembered ones."""
    now = world()
    # Only remembered names count: SQLAlchemy and logging add counts and caches to their modules.
    return [str(key) for key, identity in remembered.items() if now.get(key) != identity]


def leftovers() -> list[str]:
    """Return the modules of the hooks that are still loaded."""
    return [name for name in sys.modules if name.startswith("_bootseq")]


def log(text: str) -> None:
    """Write a log record."""
    logging.getLogger("victim").info(text)


engine: Any = None


def sql(count: int) -> int:
    """Run statements on an engine that exists before the hooks are installed."""
    global engine  # noqa: PLW0603 - a program
    import sqlalchemy

    if engine is None:
        engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
    with engine.connect() as connection:
        return sum(connection.execute(sqlalchemy.text("SELECT :n"), {"n": n}).scalar_one() for n in range(count))


def resident() -> int:
    """Return the resident memory in kilobytes, after a garbage collection."""
    gc.collect()
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Lines(socketserver.StreamRequestHandler):
    """A connection: evaluates one expression per line and answers with its value or its exception."""

    def handle(self) -> None:
        """Answer until the other side disconnects."""
        for line in self.rfile:
            try:
                answer = repr(eval(line, globals()))
            except Exception as error:  # noqa: BLE001 - it is the answer
                answer = repr(repr(error))
            self.wfile.write(answer.encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    """Answers in threads, which under eventlet are green."""

    daemon_threads = True


def compute() -> None:
    """Compute sums whose result is known, so that registers that were not restored would show."""
    global sums  # noqa: PLW0603 - a program
    while True:
        total = 0.0
        for number in range(2000):
            total += number * 0.5
        if total != 999500.0:
            os._exit(99)
        sums += 1


def calls() -> None:
    """Work with system calls in it."""
    while True:
        os.getppid()
        if sum(range(1000)) != 499500:
            os._exit(99)
        time.sleep(0)


def leave(number: int, frame: Any) -> None:
    """Exit, as web servers' handlers do."""
    raise SystemExit(23)


def forever(function: Any) -> None:
    """Call the function forever; each early return is counted."""
    while True:
        function()
        events.append("woken")


def main(mode: str) -> None:
    """Serve, in the main thread or beside what that does."""
    server = Server(("127.0.0.1", 0), Lines)
    sys.stdout.write(f"{server.server_address[1]} {os.getpid()}\n")
    sys.stdout.flush()
    signal.signal(signal.SIGUSR2, leave)
    signal.signal(signal.SIGUSR1, lambda number, frame: events.append("SIGUSR1"))
    if mode in ("serve", "eventlet"):
        server.serve_forever()
    lock, pair = threading.Lock(), socket.socketpair()
    lock.acquire()
    work = {
        "sleep": lambda: time.sleep(1000),
        "naps": lambda: time.sleep(0.01),
        "lock": lock.acquire,
        "timed-lock": lambda: lock.acquire(timeout=0.2),
        "recv": lambda: pair[0].recv(1),
        "select": lambda: select.select([pair[0]], [], []),
        "epoll": select.epoll().poll,
        "poll": lambda: select.poll().poll(1_000_000),
        "join": threading.Thread(target=lambda: time.sleep(1000), daemon=True).join,
        "signal": signal.pause,
        "calls": calls,
        "compute": compute,
    }
    if mode == "join":
        thread = threading.Thread(target=lambda: time.sleep(1000), daemon=True)
        thread.start()
        work["join"] = thread.join
    # Last: from the first answer on, the process opens nothing more.
    threading.Thread(target=server.serve_forever, daemon=True).start()
    forever(work[mode])


main(sys.argv[1])
