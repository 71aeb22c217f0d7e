"""The keeper of the switch, a process of its own: it switches tracing on, and off again when the tap ends or dies.

One process does both, in this order, so that no death of the tap at any moment leaves tracing on: the pipe from the tap
ends with it, and the pipe's end, or a minute's silence on it, is what this process waits for. It stands in a session of
its own, where no Ctrl-C and no signal to the tap's group comes. Whoever switched it on switches it off, but not while
another tap's queue is there: then it stays behind until the last of them is gone.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from contextlib import suppress
from threading import Event
from typing import Any

from tracer.files import write
from tracer.tap import tracing_switch
from tracer.tap.tracing_switch import Switch, SwitchError
from tracer.tap.watchdog_pipe import Pipe
from tracer.text import printable

#: Seconds for which a broker that does not answer is asked again to switch off, and the pause between.
PATIENCE = 300.0
_PAUSE = 3.0
#: Seconds for which a broker that has come back is asked again to switch on, and between looks for other taps.
_RETURN = 30.0
_LOOK = 10.0
#: What comes of an answer that is JSON and nothing else of what was expected.
_NONSENSE = (LookupError, TypeError, AttributeError)

#: Set by a signal.
_told_to_end = Event()


def main() -> None:
    """The first line of stdin is the request, each later one that says something a new queue: see `Keeping`."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    pipe = Pipe(_told_to_end)
    request = json.loads(pipe.line() or "null")
    if request is None:
        return  # the tap died before it asked for anything
    used, patience, queue = tracing_switch.make(request), 0.0, request["queue"]
    nodes: list[str] = []
    while queue:
        nodes = _see_to(used, queue, nodes, patience)
        patience, own = _RETURN, queue
        queue = pipe.line()
    if nodes:
        _finish(used, nodes, own, request["vhost"], pipe.why)


def _see_to(used: Switch, queue: str, nodes: list[str], patience: float) -> list[str]:
    """Switch on where it is off, and tell the tap; all nodes that were switched on since the start."""
    deadline = time.monotonic() + patience
    while True:
        try:
            there = used.taps()
            if queue not in there:
                raise SwitchError("it speaks to another broker than the URL, or to another vhost")
            switched = switch_on(used)
        except SwitchError as error:
            said: dict[str, Any] = {"error": str(error)}
        except _NONSENSE:
            said = {"error": "what it answers makes no sense; RabbitMQ 3.8 or newer is needed"}
        else:
            nodes = sorted({*nodes, *switched})
            said = {"nodes": nodes, "switched": switched, "others": len(there) > 1}
        if "error" not in said or time.monotonic() > deadline or _told_to_end.wait(_PAUSE):
            _tell(**said)
            return nodes


def switch_on(used: Switch) -> list[str]:
    """The nodes on which it was off and is on now. Where one of several refuses, the others are switched off again."""
    nodes = [node for node, on in used.traced().items() if not on]
    try:
        for node in nodes:
            used.turn(node, on=True)
    except SwitchError:
        switch_off(used, nodes, _PAUSE)
        raise
    return nodes


def others(used: Switch, own: str) -> set[str]:
    """The other taps' queues; none where that cannot be asked, since tracing must not stay on for ever."""
    try:
        return used.taps() - {own}
    except (SwitchError, *_NONSENSE):
        return set()


def _finish(used: Switch, nodes: list[str], own: str, vhost: str, why: str) -> None:
    there = others(used, own)
    if there:
        if not _tell(left=True):
            _say(f"{why or 'the tap died'}; tracing of vhost {vhost} stays on as long as another tap takes copies")
        with suppress(OSError):  # whoever reads what the tap said need not wait for this
            write.silence(2)
    done = end(used, nodes, own, there)
    if not _tell(off=done) or why:
        said = "is off again" if done else f"could not be switched off: rabbitmqctl trace_off -p {shlex.quote(vhost)}"
        _say(f"{why or 'the tap died'}; tracing of vhost {vhost} {said}")


def end(used: Switch, nodes: list[str], own: str, there: set[str], patience: float = PATIENCE) -> bool:
    """Switch off once no other tap is ``there``; a signal says not to wait for that."""
    while True:
        while there and not _told_to_end.wait(_LOOK):
            there = others(used, own)
        done = switch_off(used, nodes, patience)
        there = others(used, own)
        if not there or not done or _told_to_end.is_set():
            return done
        # Another tap came in between, and goes by what it then found: that tracing was on.
        with suppress(SwitchError, *_NONSENSE):
            for node in nodes:
                used.turn(node, on=True)


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


def _tell(**said: Any) -> bool:
    """Whether somebody still reads it."""
    try:
        os.write(1, json.dumps(said).encode() + b"\n")
    except OSError:
        return False
    return True


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal went with it
        os.write(2, f"bootseq: {printable(text)}\n".encode(errors="replace"))


def _end(number: int, frame: object) -> None:
    _told_to_end.set()


if __name__ == "__main__":
    main()
