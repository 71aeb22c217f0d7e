"""Checks whether a process can be entered and recorded, with the reason and a fix if not; none is stopped for them."""

from __future__ import annotations

import os
import platform
import pwd
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

from tracer.attach import proc, spool_location
from tracer.attach.injection import interpreter, ptrace, remote_debug
from tracer.attach.injection.ptrace import RefusedError
from tracer.attach.processes import Process, read

OLDEST = (3, 8)
_SYS_PTRACE = 19
_MOMENT = 0.3


@dataclass(frozen=True)
class ProcessReport:
    """A line of ``doctor``, ``status`` and the like about one process; the pid is 0 for the machine."""

    pid: int
    service: str
    python: str
    state: str
    reason: str = ""
    fix: str = ""
    #: Further JSON fields of the command.
    more: dict[str, Any] = field(default_factory=dict)
    #: Among the reasons of several processes, the lowest rank is the most helpful; not printed.
    rank: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the report's fields for JSON output."""
        fields: dict[str, Any] = asdict(self)
        more: dict[str, Any] = fields.pop("more")
        del fields["rank"]
        return fields | more


def report_of(process: Process, state: str, reason: str = "", fix: str = "", **more: Any) -> ProcessReport:
    """Return a report about a process; ``more`` are further JSON fields."""
    return ProcessReport(process.pid, process.name, process.python, state, reason, fix, more)


def command(*words: str) -> str:
    """Return a command line to copy, "" if a word is not printable."""
    text = shlex.join(words)
    return text if text.isprintable() else ""


def of_process(process: Process) -> ProcessReport:
    """Check a process; return a report with the state ``ready``, or ``cannot`` and the reason."""
    return _checked(process, _is_process, _runs, _may_be_entered, _can_be_entered)


def of_recordable(process: Process) -> ProcessReport:
    """Check a process as ``of_process`` does, and try the folder that it would record into."""
    return _checked(process, _is_process, _runs, _may_be_entered, _can_be_entered, _can_record)


Problem = Optional[tuple[str, str]]


def _checked(process: Process, *checks: Callable[[Process], Problem]) -> ProcessReport:
    for check in checks:
        problem = check(process)
        if problem is not None:
            return report_of(process, "cannot", *problem)
    return report_of(process, "ready")


def _is_process(process: Process) -> Problem:
    """Refuse where /proc has the pids of another namespace: for ptrace they are other processes."""
    if proc.is_own():
        return None
    return (
        "/proc shows another pid namespace than the one bootseq runs in",
        command("nsenter", "--target", "PID", "--mount", "--pid", *_command()),
    )


def _runs(process: Process) -> Problem:
    if process.pid == os.getpid():
        return "it is bootseq itself", ""
    if process.state in "ZX":
        return "it has ended", ""
    if process.tracer:
        tracer = read(process.tracer)
        return (
            f"{tracer.name if tracer else 'another program'} (pid {process.tracer}) traces it",
            f"kill {process.tracer}",
        )
    if process.state in "Tt":
        return "it is stopped", f"kill -CONT {process.pid}"
    if process.state == "D" and _stays(process.pid, "D"):
        return "it waits for a disk or a device, which nothing may interrupt", "bootseq doctor  # again, later"
    return None


def _stays(pid: int, state: str) -> bool:
    """Return whether the process stays in this state for a while."""
    deadline = time.monotonic() + _MOMENT
    while time.monotonic() < deadline:
        process = read(pid)
        if process is None or process.state != state:
            return False
        time.sleep(0.01)
    return True


def _may_be_entered(process: Process) -> Problem:
    """Open its memory, for which the kernel checks what it checks for ptrace: user, capabilities, Yama, SELinux."""
    try:
        os.close(proc.memory(process.pid, write=True))
    except FileNotFoundError:
        return "it has ended", ""
    except OSError:
        return _why_not(process)
    if not ptrace.is_allowed():
        return "bootseq may not call ptrace here (seccomp), as in a container", "bootseq doctor  # on the host, as root"
    return None


def _why_not(process: Process) -> Problem:
    again = shlex.join(["sudo", *_command()])
    scope = yama_scope()
    if scope == 3:
        return (
            "kernel.yama.ptrace_scope is 3: no process may be entered until a restart with a lower value",
            "",
        )
    if has_capability():
        return "the kernel refuses it: the process is in another user namespace or confined", again
    if os.geteuid() != process.uid:
        return f"it runs as {_user(process.uid)}, and this is {_user(os.geteuid())} without CAP_SYS_PTRACE", again
    if os.geteuid() == 0:
        return "this is root without CAP_SYS_PTRACE, as in a container", "docker run --cap-add SYS_PTRACE …"
    if scope:
        return f"kernel.yama.ptrace_scope is {scope}: only root may enter processes it has not started", again
    return "it has more rights than this user, or has had them", again


def _can_be_entered(process: Process) -> Problem:
    if _has_shadow_stack(process.pid):
        return "its shadow stack is on (CET), which is not supported yet", ""
    try:
        python = interpreter.find(process.pid)
    except RefusedError as error:
        return str(error), ""
    except OSError as error:
        return f"its memory cannot be read: {error.strerror}", ""
    python.close()
    if python.version < OLDEST:
        return f"its Python is {process.python}, and the hooks need 3.8", ""
    if python.version >= remote_debug.FIRST and remote_debug.is_disabled(process.pid):
        return "PYTHON_DISABLE_REMOTE_DEBUG is set for it", "unset PYTHON_DISABLE_REMOTE_DEBUG, and start it again"
    return None


def _can_record(process: Process) -> Problem:
    try:
        spool_location.try_out(process)
    except RefusedError as error:
        return str(error), ""
    return None


def _has_shadow_stack(pid: int) -> bool:
    try:
        lines = proc.text(pid, "status").splitlines()
    except OSError:
        return False
    return any(line.startswith("x86_Thread_features:") and "shstk" in line for line in lines)


def of_machine() -> list[ProcessReport]:
    """Return reports that apply to every process of the machine."""
    reports = []
    if platform.machine() != "x86_64":
        reports.append(_machine("cannot", f"this machine is {platform.machine()}, and only x86_64 is supported yet"))
    scope = yama_scope()
    if has_capability():
        reports.append(_machine("ready", "other users' processes can be entered (CAP_SYS_PTRACE)"))
    elif scope:
        reason = f"kernel.yama.ptrace_scope is {scope}, and this user has no CAP_SYS_PTRACE"
        reports.append(_machine("cannot", reason, shlex.join(["sudo", *_command()])))
    else:
        user = _user(os.geteuid())
        reports.append(
            _machine(
                "ready", f"processes of {user} can be entered, not those of others", shlex.join(["sudo", *_command()])
            )
        )
    return reports


def _machine(state: str, reason: str, fix: str = "") -> ProcessReport:
    return ProcessReport(0, "this machine", "", state, reason, fix)


def has_capability() -> bool:
    """Return whether this process may enter processes of any user (CAP_SYS_PTRACE)."""
    for line in proc.text("self", "status").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _SYS_PTRACE & 1)
    return False


def yama_scope() -> int:
    """Return the value of kernel.yama.ptrace_scope, 0 where there is none."""
    try:
        return int(proc.setting("kernel/yama/ptrace_scope"))
    except (OSError, ValueError):
        return 0


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _command() -> list[str]:
    """Return the command line of the user, to run again with more rights."""
    return (
        ["bootseq", *sys.argv[1:]]
        if len(sys.argv) > 1 and not sys.argv[0].endswith("pytest")
        else ["bootseq", "doctor"]
    )
