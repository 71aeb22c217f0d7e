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
seen: list[Any] = []
sums = 0


def world() -> dict[Any, int]:
    """The identity of everything that a hook could replace: what modules hold, and their classes."""
    found: dict[Any, int] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("_bootseq") or name == "__main__":
            continue
        for key, value in list(vars(module).items()):
            found[name, key] = id(value)
            if isinstance(value, type) and value.__module__ == name:
                found.update({(name, key, inner): id(each) for inner, each in list(vars(value).items())})
    found["path"], found["finders"] = hash(tuple(sys.path)), hash(tuple(map(id, sys.meta_path)))
    found["handlers"] = hash(tuple(map(id, logging.root.handlers)))
    found["signals"] = hash(tuple(str(signal.getsignal(number)) for number in (1, 2, 10, 12, 15, 17)))
    found["threads"] = len(sys._current_frames())
    found["descriptors"] = len(os.listdir("/proc/self/fd"))
    return found


def remember() -> int:
    """Look at the world as it is now."""
    remembered.clear()
    remembered.update(world())
    return len(remembered)


def differences() -> list[str]:
    """What is other than it was remembered."""
    now = world()
    # SQLAlchemy and logging keep counts and caches in their modules; those are theirs.
    return [str(key) for key, identity in remembered.items() if now.get(key) != identity]


def leftovers() -> list[str]:
    """Modules of the hooks that are still there."""
    return [name for name in sys.modules if name.startswith("_bootseq")]


def log(text: str) -> None:
    """A log record."""
    logging.getLogger("victim").info(text)


engine: Any = None


def sql(count: int) -> int:
    """Statements on an engine that exists before the hooks come."""
    global engine  # noqa: PLW0603 - a program
    import sqlalchemy

    if engine is None:
        engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
    with engine.connect() as connection:
        return sum(connection.execute(sqlalchemy.text("SELECT :n"), {"n": n}).scalar_one() for n in range(count))


def resident() -> int:
    """Kilobytes of memory that it takes, without what only waits to be collected."""
    gc.collect()
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Lines(socketserver.StreamRequestHandler):
    """One expression a line, its value or its exception as the answer."""

    def handle(self) -> None:
        """Until the other side goes."""
        for line in self.rfile:
            try:
                answer = repr(eval(line, globals()))
            except Exception as error:  # noqa: BLE001 - it is told to whoever asked
                answer = repr(repr(error))
            self.wfile.write(answer.encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    """Answers in threads, which under eventlet are green."""

    daemon_threads = True


def compute() -> None:
    """Sums whose result is known: registers that were not put back would show."""
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
    """As the handlers of web servers do it."""
    raise SystemExit(23)


def forever(function: Any) -> None:
    """Again and again; what comes back early is counted."""
    while True:
        function()
        seen.append("woken")


def main(mode: str) -> None:
    """Serve, in the main thread or beside what that does."""
    server = Server(("127.0.0.1", 0), Lines)
    sys.stdout.write(f"{server.server_address[1]} {os.getpid()}\n")
    sys.stdout.flush()
    signal.signal(signal.SIGUSR2, leave)
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append("SIGUSR1"))
    if mode in ("serve", "eventlet"):
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
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
    forever(work[mode])


main(sys.argv[1])
