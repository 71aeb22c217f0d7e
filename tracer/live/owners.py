"""The one who owes the next step, and why it has not come."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.live.stacks import ProcessStacks


@dataclass(frozen=True)
class Owner:
    """The one who owes the next step, and ``why`` it has not come; ``down`` if a person must act first."""

    text: str
    why: str
    service: str = ""
    pid: int = 0
    down: bool = False
    fix: str = ""


def of_process(process: ProcessStacks, why: str, *, down: bool = False) -> Owner:
    """Return a process that could be visited as the one who owes."""
    return Owner(process.name, why, process.service, process.pid, down, f"bootseq where --stack --pid {process.pid}")


def stopped(process: ProcessStacks) -> Owner:
    """Return a process that could not be visited as the one who owes."""
    is_stopped = process.state in ("T", "t")
    fix = f"kill -CONT {process.pid}" if is_stopped else f"cat /proc/{process.pid}/stack"
    why = "is stopped (SIGSTOP)" if is_stopped else f"cannot be read: {process.problem}"
    waits = next((thread.waits_in for thread in process.threads.values() if thread.waits_in), "")
    if process.state == "D":
        why = f"waits in the kernel, which nothing may interrupt ({waits})"
    return Owner(process.name, why, process.service, process.pid, is_stopped or process.state == "D", fix)
