"""A visit: one request to a process that runs already, and the answer to it, within a deadline.

The process takes up the ticket that we lay down in its part of the capture, and puts the answer in its place. Whoever
removes the ticket first decides: so what we gave up waiting for is not done later.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tracer.attach import inject, interpreter, payload
from tracer.attach.parts import VISITS, Part
from tracer.attach.processes import Process
from tracer.attach.ptrace import Busy, Refused
from tracer.sources import unmarshal

PATIENCE = 10.0
_MAX_ANSWER = 8 << 20

Answer = dict[str, Any]


def ask(process: Process, part: Part, what: str, request: dict[str, Any], patience: float = PATIENCE) -> tuple[Answer, inject.Visit]:
    """What the process answers, and what it took. Refused or Busy where it cannot be asked."""
    python = _entered(process)
    try:
        hooks: payload.Hooks = None
        if what == "attach":
            hooks = payload.for_version(python.version)
        answer, visit = _ask(process, python, part, what, request, hooks, patience)
        if answer["state"] == "failed" and "compiled for another" in str(answer.get("reason")):
            answer, visit = _ask(process, python, part, what, request, "sources", patience)
    finally:
        python.close()
    return answer, visit


def _entered(process: Process) -> interpreter.Interpreter:
    try:
        return interpreter.find(process.pid)
    except FileNotFoundError:
        raise Refused("it has ended") from None
    except PermissionError:
        raise Refused("no rights to enter it") from None


def _ask(
    process: Process,
    python: interpreter.Interpreter,
    part: Part,
    what: str,
    request: dict[str, Any],
    hooks: payload.Hooks,
    patience: float,
) -> tuple[Answer, inject.Visit]:
    name = f"{process.pid}-{time.time_ns()}"
    ticket = part.path / VISITS / name
    text = payload.text(what, f"{part.inner}/{VISITS}/{name}", request, hooks)
    answered = ticket.with_name(f"{name}.answer")
    _lay_down(ticket, process, patience)
    try:
        visit = inject.run(python, text, answered.exists, patience)
        return _read(answered), visit
    except ProcessLookupError:
        raise Refused("it has ended") from None
    except PermissionError:
        raise Busy("something else traces it, or the kernel forbids ptrace here") from None
    finally:
        ticket.unlink(missing_ok=True)
        answered.unlink(missing_ok=True)


def _lay_down(ticket: Path, process: Process, patience: float) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(ticket, flags, 0o600)
    try:
        if os.geteuid() != process.uid:
            os.fchown(descriptor, process.uid, process.gid)
        until = time.time() + patience
        os.utime(descriptor, (until, until))
    finally:
        os.close(descriptor)


def _read(path: Path) -> Answer:
    """An answer is a stranger's: a plain file, not too long, and plain values in it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        data = file.read(_MAX_ANSWER)
    try:
        pairs = unmarshal.loads(data)
        assert isinstance(pairs, tuple)
        answer = {str(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}
    except (unmarshal.MalformedError, AssertionError, ValueError):
        raise Refused("what it answers makes no sense") from None
    if not isinstance(answer.get("state"), str):
        raise Refused("what it answers makes no sense")
    return answer
