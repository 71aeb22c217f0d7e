"""The watchdog of the switch, a separate process: it switches tracing on, and off again when the tap ends or dies.

One process does both, so that the death of the tap at any moment never leaves tracing on: the pipe from the tap closes
with it, and this process waits for that end, or for a minute of silence. It runs in a session of its own, which Ctrl-C
and signals to the tap's group do not reach. The watchdog that switched tracing on switches it off, but not while
another tap's queue exists: then it keeps running until the last of them is gone.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import time
from contextlib import suppress
from threading import Event
from typing import Any

from tracer.files import write
from tracer.tap import tracing_switch
from tracer.tap.tracing_switch import Switch, SwitchError
from tracer.text import printable

#: Seconds for which switching off is retried while the broker does not answer, and the pause between.
PATIENCE = 300.0
_PAUSE = 3.0
#: Seconds for which switching on is retried after the broker is back, and between checks for other taps.
_RETURN = 30.0
_LOOK = 10.0
#: Seconds without a sign of life after which the tap counts as dead: stopped or hung.
LEASE = 60.0
#: Raised by an answer that is JSON but has none of the expected fields.
_MALFORMED = (LookupError, TypeError, AttributeError)

#: Set by a signal.
_stop_requested = Event()


def main() -> None:
    """Serve a tap: the first line of stdin is the request, each later non-empty line a new queue (`WatchdogClient`)."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _end)
    pipe = Pipe(_stop_requested)
    request = json.loads(pipe.line() or "null")
    if request is None:
        return  # the tap died before its request
    switch, patience, queue = tracing_switch.make(request), 0.0, request["queue"]
    nodes: list[str] = []
    while queue:
        nodes = _serve_queue(switch, queue, nodes, patience)
        patience, own = _RETURN, queue
        queue = pipe.line()
    if nodes:
        _finish(switch, nodes, own, request["vhost"], pipe.why)


def _serve_queue(switch: Switch, queue: str, nodes: list[str], patience: float) -> list[str]:
    """Switch tracing on where it is off, and report to the tap; return all nodes switched on since the start."""
    deadline = time.monotonic() + patience
    while True:
        try:
            taps = switch.taps()
            if queue not in taps:
                raise SwitchError("it is connected to a different broker or vhost than the URL names")
            switched = switch_on(switch)
        except SwitchError as error:
            answer: dict[str, Any] = {"error": str(error)}
        except _MALFORMED:
            answer = {"error": "its answer is malformed; RabbitMQ 3.8 or newer is required"}
        else:
            nodes = sorted({*nodes, *switched})
            answer = {"nodes": nodes, "switched": switched, "others": len(taps) > 1}
        if "error" not in answer or time.monotonic() > deadline or _stop_requested.wait(_PAUSE):
            _send(**answer)
            return nodes


def switch_on(switch: Switch) -> list[str]:
    """Switch tracing on; return the nodes where it was off. If one node refuses, the others are switched off again."""
    nodes = [node for node, on in switch.traced().items() if not on]
    try:
        for node in nodes:
            switch.turn(node, on=True)
    except SwitchError:
        switch_off(switch, nodes, _PAUSE)
        raise
    return nodes


def others(switch: Switch, own: str) -> set[str]:
    """Return the other taps' queues; none if the broker does not answer, since tracing must not stay on forever."""
    try:
        return switch.taps() - {own}
    except (SwitchError, *_MALFORMED):
        return set()


def _finish(switch: Switch, nodes: list[str], own: str, vhost: str, why: str) -> None:
    remaining = others(switch, own)
    if remaining:
        if not _send(left=True):
            _say(f"{why or 'the tap died'}; tracing of vhost {vhost} stays on as long as another tap takes copies")
        with suppress(OSError):  # a reader of the tap's output need not wait for this process
            write.silence(2)
    done = end(switch, nodes, own, remaining)
    if not _send(off=done) or why:
        state = "is off again" if done else f"could not be switched off: rabbitmqctl trace_off -p {shlex.quote(vhost)}"
        _say(f"{why or 'the tap died'}; tracing of vhost {vhost} {state}")


def end(switch: Switch, nodes: list[str], own: str, remaining: set[str], patience: float = PATIENCE) -> bool:
    """Switch off once no other tap is ``remaining``, or at once on a signal; return whether tracing is off."""
    while True:
        while remaining and not _stop_requested.wait(_LOOK):
            remaining = others(switch, own)
        done = switch_off(switch, nodes, patience)
        remaining = others(switch, own)
        if not remaining or not done or _stop_requested.is_set():
            return done
        # Another tap started in between, and relies on tracing, which it saw on.
        with suppress(SwitchError, *_MALFORMED):
            for node in nodes:
                switch.turn(node, on=True)


def switch_off(switch: Switch, nodes: list[str], patience: float = PATIENCE) -> bool:
    """Switch tracing off, retrying for ``patience`` seconds; return whether it is verified to be off on all nodes."""
    deadline = time.monotonic() + patience
    while True:
        try:
            tracing = _tracing_nodes(switch, nodes)
            for node in tracing:
                switch.turn(node, on=False)
            if not tracing or not _tracing_nodes(switch, nodes):
                return True
        except (SwitchError, *_MALFORMED):
            pass  # tried again, or reported as not off
        if _stop_requested.is_set() or time.monotonic() > deadline:
            return False
        _stop_requested.wait(_PAUSE)


def _tracing_nodes(switch: Switch, nodes: list[str]) -> list[str]:
    """Return the nodes that trace; a stopped node does not."""
    now = switch.traced()
    return [node for node in nodes if now.get(node)]


def _send(**answer: Any) -> bool:
    """Send an answer to the tap; return whether it still reads."""
    try:
        os.write(1, json.dumps(answer).encode() + b"\n")
    except OSError:
        return False
    return True


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal is gone
        os.write(2, f"bootseq: {printable(text)}\n".encode(errors="replace"))


def _end(number: int, frame: object) -> None:
    _stop_requested.set()


class Pipe:
    """The lines that the tap writes to stdin, an empty one being a sign of life; a signal sets ``stop_requested``."""

    def __init__(self, stop_requested: Event) -> None:
        self._stop_requested = stop_requested
        self._rest = b""
        #: After the last line: the reason to stop although the tap has not ended; "" if it has.
        self.why = ""

    def line(self) -> str:
        """Return the next non-empty line; "" when there are no more."""
        last_read = time.monotonic()
        while True:
            head, end, rest = self._rest.partition(b"\n")
            if end:
                self._rest = rest
                if head:
                    return head.decode()
            elif self._stop_requested.is_set():
                self.why = "the watchdog process was asked to stop"
                return ""
            elif select.select([0], [], [], 1.0)[0]:
                data = os.read(0, 4096)
                if not data:
                    return ""
                self._rest += data
                last_read = time.monotonic()
            elif time.monotonic() - last_read > LEASE:
                self.why = f"the tap gave no sign of life for {LEASE:.0f} s"
                return ""


if __name__ == "__main__":
    main()
