"""Whether a process can be entered, why not, and the command that would change that; before anything is stopped."""

from __future__ import annotations

import os
import platform
import pwd
import shlex
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracer.attach import proc
from tracer.attach.injection import interpreter, remote_debug
from tracer.attach.injection.ptrace import RefusedError
from tracer.attach.processes import Process, read

OLDEST = (3, 8)
_SYS_PTRACE = 19
_MOMENT = 0.3


@dataclass(frozen=True)
class ProcessReport:
    """One line of ``doctor`` and ``status``; what is said of the machine has the pid 0."""

    pid: int
    service: str
    python: str
    state: str
    reason: str = ""
    fix: str = ""
    #: What a command adds of its own.
    more: dict[str, Any] = field(default_factory=dict)
    #: Of several processes' reasons, the one of the lowest rank helps the most; not printed.
    rank: int = 0

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        fields: dict[str, Any] = asdict(self)
        more: dict[str, Any] = fields.pop("more")
        del fields["rank"]
        return fields | more


def report_of(process: Process, state: str, reason: str = "", fix: str = "", **more: Any) -> ProcessReport:
    """About a process."""
    return ProcessReport(process.pid, process.name, process.python, state, reason, fix, more)


def command(*words: str) -> str:
    """A command to copy; "" where a word holds what cannot be shown as it is."""
    text = shlex.join(words)
    return text if text.isprintable() else ""


def of_process(process: Process) -> ProcessReport:
    """``ready``, or ``cannot`` with the reason."""
    for check in (_runs, _may_be_entered, _can_be_entered):
        problem = check(process)
        if problem is not None:
            return report_of(process, "cannot", *problem)
    return report_of(process, "ready")


Problem = tuple[str, str] | None


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
    """Whether it is not only for a moment in this state."""
    deadline = time.monotonic() + _MOMENT
    while time.monotonic() < deadline:
        found = read(pid)
        if found is None or found.state != state:
            return False
        time.sleep(0.01)
    return True


def _may_be_entered(process: Process) -> Problem:
    """Opening its memory asks the kernel everything that ptrace would ask: user, capabilities, Yama, SELinux."""
    try:
        os.close(os.open(f"/proc/{process.pid}/mem", os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return "it has ended", ""
    except OSError:
        return _why_not(process)
    return None


def _why_not(process: Process) -> Problem:
    again = shlex.join(["sudo", *_command()])
    scope = yama_scope()
    if scope == 3:
        return "kernel.yama.ptrace_scope is 3: nothing may be entered until the machine starts anew with less", ""
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
        return "its stack is guarded by the processor (CET), which is not supported yet", ""
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


def _has_shadow_stack(pid: int) -> bool:
    try:
        lines = proc.text(pid, "status").splitlines()
    except OSError:
        return False
    return any(line.startswith("x86_Thread_features:") and "shstk" in line for line in lines)


def of_machine() -> list[ProcessReport]:
    """What holds for every process here."""
    found = []
    if platform.machine() != "x86_64":
        found.append(_machine("cannot", f"this machine is {platform.machine()}, and only x86_64 is supported yet"))
    scope = yama_scope()
    if has_capability():
        found.append(_machine("ready", "other users' processes can be entered (CAP_SYS_PTRACE)"))
    elif scope:
        reason = f"kernel.yama.ptrace_scope is {scope}, and this user has no CAP_SYS_PTRACE"
        found.append(_machine("cannot", reason, shlex.join(["sudo", *_command()])))
    else:
        user = _user(os.geteuid())
        found.append(
            _machine(
                "ready", f"processes of {user} can be entered, not those of others", shlex.join(["sudo", *_command()])
            )
        )
    return found


def _machine(state: str, reason: str, fix: str = "") -> ProcessReport:
    return ProcessReport(0, "this machine", "", state, reason, fix)


def has_capability() -> bool:
    """Whether this process may enter others' whatever user they run as."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _SYS_PTRACE & 1)
    return False


def yama_scope() -> int:
    """What the kernel restricts beyond rights; 0 where it does not."""
    try:
        return int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text())
    except (OSError, ValueError):
        return 0


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _command() -> list[str]:
    """What the user has typed, to be typed again with more rights."""
    return (
        ["bootseq", *sys.argv[1:]]
        if len(sys.argv) > 1 and not sys.argv[0].endswith("pytest")
        else ["bootseq", "doctor"]
    )
