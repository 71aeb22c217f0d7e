"""A visit: one request to a process that runs already, and the answer to it, within a deadline.

Request and answer pass through the memory of that process (see exchange), through no folder: only the process
itself can answer, and its answer is trusted about itself alone (tracer.attach.injection.answers).
"""

from __future__ import annotations

import time
from typing import Any

from tracer.attach import proc
from tracer.attach.injection import answers, blocking, inject, interpreter, payload, remote_debug
from tracer.attach.injection.answers import Answer
from tracer.attach.injection.exchange import Exchange
from tracer.attach.injection.inject import Visit
from tracer.attach.injection.interpreter import Interpreter
from tracer.attach.injection.ptrace import BusyError, RefusedError
from tracer.attach.processes import Process

PATIENCE = 10.0
#: Seconds to wait for an answer that the process had begun when the patience ended.
_FINISH = 10.0
_LOOK = 0.001
_BUSY = "its main thread does not return to Python code"
_GONE = "it has ended, or has become another program"


def ask(process: Process, what: str, request: dict[str, Any], patience: float = PATIENCE) -> tuple[Answer, Visit]:
    """Return the answer of the process and the visit. Raises RefusedError or BusyError if it cannot be visited."""
    python = _entered(process)
    try:
        hooks = payload.for_version(what, python.version)
        answer, visit = _ask(python, what, request, hooks, patience)
        if answer["state"] == "incompatible":
            answer, visit = _ask(python, what, request, payload.SOURCES, patience)
    finally:
        python.close()
    return answer, visit


def _entered(process: Process) -> Interpreter:
    try:
        return interpreter.find(process.pid)
    except FileNotFoundError:
        raise RefusedError("it has ended") from None
    except PermissionError:
        raise RefusedError("no rights to enter it") from None


def _ask(python: Interpreter, what: str, request: dict[str, Any], hooks: str, patience: float) -> tuple[Answer, Visit]:
    exchange = Exchange(python.pid)
    text = payload.text(what, request, time.time() + patience, hooks)
    try:
        visit = _run(python, exchange, text, patience)
        return answers.read(what, exchange.answer()), visit
    except ProcessLookupError:
        raise RefusedError("it has ended") from None
    except PermissionError:
        raise _refusal(python) from None
    finally:
        exchange.close()


def _refusal(python: Interpreter) -> RefusedError | BusyError:
    """Return the reason for which the kernel does not let us trace it: it may be a zombie, or traced already."""
    if python.is_gone():
        return RefusedError(_GONE)
    status = proc.text(python.pid, "status")
    tracer = status.partition("TracerPid:")[2].partition("\n")[0].strip()
    return BusyError("the kernel forbids ptrace here" if tracer in ("", "0") else f"process {tracer} traces it")


def _run(python: Interpreter, exchange: Exchange, text: bytes, patience: float) -> Visit:
    """Run the text by remote debugging if Python has it and the main thread is not blocked, else by ptrace."""
    by_remote_exec = _has_remote_exec(python) and blocking.blocked_at(python.pid) is None
    try:
        if by_remote_exec:
            return _run_by_remote_exec(python, exchange, text, patience)
        return inject.run(python, text, exchange.answered, patience, exchange)
    except BusyError:
        if python.is_gone():
            raise RefusedError(_GONE) from None
        # A claimed request is answered.
        if exchange.withdraw() or not _answers(exchange, _FINISH):
            raise
        return Visit("late")


def _has_remote_exec(python: Interpreter) -> bool:
    """Return whether it has remote debugging, and a /proc through which it can open our script."""
    return python.version >= remote_debug.FIRST and proc.has_proc(python.pid)


def _run_by_remote_exec(python: Interpreter, exchange: Exchange, text: bytes, patience: float) -> Visit:
    if remote_debug.is_disabled(python.pid):
        raise RefusedError("PYTHON_DISABLE_REMOTE_DEBUG is set for it")
    remote_exec = remote_debug.find(python)
    visit = inject.make(python, exchange)
    exchange.lay_down(exchange.fill(text))
    remote_debug.run(python, remote_exec, exchange.path)
    if not _answers(exchange, patience):
        raise BusyError(_BUSY)
    return Visit("remote debugging", visit.stops)


def _answers(exchange: Exchange, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not exchange.answered():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK)
    return True
