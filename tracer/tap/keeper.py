"""The keeper of the switch, a process of its own: it switches tracing on, and off again when the tap ends or dies.

One process does both, in this order, so that no death of the tap at any moment leaves tracing on: the pipe from the tap
ends with it, and the pipe's end, or a minute's silence on it, is what this process waits for. It stands in a session of
its own, where no Ctrl-C and no signal to the tap's group comes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from threading import Event
from typing import Any

from tracer.tap import switch
from tracer.tap.switch import Switch, SwitchError

#: Seconds without a sign of life after which the tap counts as dead: stopped, or hung.
LEASE = 60.0
#: Seconds for which a broker that does not answer is asked again to switch off, and the pause between.
PATIENCE = 300.0
_PAUSE = 3.0
#: What comes of an answer that is JSON and nothing else of what was expected.
_NONSENSE = (LookupError, TypeError, AttributeError)

#: Set by a signal.
_told_to_end = Event()


def main() -> None:
    """The request comes as the first line of stdin; see `tracer.tap.keeping`."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    request = json.loads(_first_line())
    used = switch.make(request)
    try:
        nodes = switch_on(used, request["queue"])
    except SwitchError as error:
        _tell(error=str(error))
        return
    except _NONSENSE:
        _tell(error="what it answers makes no sense; RabbitMQ 3.8 or newer is needed")
        return
    if nodes:
        _tell(switched=nodes)
        why = _wait()
        done = switch_off(used, nodes)
        if not _tell(off=done) or why:
            _say(request["vhost"], done, why or "the tap died")
    else:
        _tell(switched=[])


def switch_on(used: Switch, queue: str) -> list[str]:
    """The nodes on which it was off and is on now. Where one of several refuses, the others are switched off again."""
    if not used.reaches(queue):
        raise SwitchError("it speaks to another broker than the URL, or to another vhost")
    nodes = [node for node, on in used.traced().items() if not on]
    try:
        for node in nodes:
            used.turn(node, on=True)
    except SwitchError:
        switch_off(used, nodes, _PAUSE)
        raise
    return nodes


def switch_off(used: Switch, nodes: list[str], patience: float = PATIENCE) -> bool:
    """Whether it is off on all of them, which is asked; tried again for a while."""
    deadline = time.monotonic() + patience
    while True:
        try:
            left = _on(used, nodes)
            for node in left:
                used.turn(node, on=False)
            if not left or not _on(used, nodes):
                return True
        except (SwitchError, *_NONSENSE):
            pass  # the next try, or whoever reads that it is not off
        if _told_to_end.is_set() or time.monotonic() > deadline:
            return False
        _told_to_end.wait(_PAUSE)


def _on(used: Switch, nodes: list[str]) -> list[str]:
    """Those of the nodes that trace; one that is gone does not."""
    now = used.traced()
    return [node for node in nodes if now.get(node)]


def _wait() -> str:
    """Until the tap has ended; or why it does not matter whether it has."""
    heard = time.monotonic()
    while not _told_to_end.is_set():
        if select.select([0], [], [], 1.0)[0]:
            if not os.read(0, 4096):
                return ""
            heard = time.monotonic()
        elif time.monotonic() - heard > LEASE:
            return f"the tap gave no sign of life for {LEASE:.0f} s"
    return "this process was told to end"


def _first_line() -> bytes:
    """Byte by byte: what comes behind it is for `_wait`."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(1)  # the tap died before it asked for anything
        line += byte
    return line


def _tell(**said: Any) -> bool:
    """Whether somebody still reads it."""
    try:
        os.write(1, json.dumps(said).encode() + b"\n")
    except OSError:
        return False
    return True


def _say(vhost: str, done: bool, why: str) -> None:
    said = "is off again" if done else f"could not be switched off: rabbitmqctl trace_off -p {vhost}"
    with suppress(OSError):  # the terminal went with it
        os.write(2, f"bootseq: {why}; tracing of vhost {vhost} {said}\n".encode())


def _end(number: int, frame: object) -> None:
    _told_to_end.set()


if __name__ == "__main__":
    main()
