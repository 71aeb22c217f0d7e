"""Functions of a privileged daemon, and its start: a module of its own to a test's service and daemon."""

from __future__ import annotations

import ctypes
import os
import shlex
import sys
import threading
import time
from pathlib import Path

from oslo_concurrency import processutils
from oslo_config import cfg
from oslo_privsep import capabilities, priv_context

context = priv_context.PrivContext(
    __name__,
    cfg_section="privileged_calls",
    pypath=__name__ + ".context",
    capabilities=[capabilities.CAP_SYS_ADMIN, capabilities.CAP_NET_ADMIN],
)

_PR_SET_CHILD_SUBREAPER = 36


def start(method: str) -> None:
    """Start the daemon by "fork", or by "rootwrap" as ``privsep-helper`` of this Python.

    It stays a descendant of this process, which a helper that ends would not leave it.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    cfg.CONF([], project="privileged")
    helper = shlex.join([sys.executable, str(Path(sys.executable).with_name("privsep-helper"))])
    cfg.CONF.set_override("helper_command", helper, group="privileged_calls")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    context.start(priv_context.Method[method.upper()])


@context.entrypoint
def pid() -> int:
    """Return the daemon's number."""
    return os.getpid()


@context.entrypoint
def spent() -> int:
    """Return the daemon's CPU, in nanoseconds."""
    return time.process_time_ns()


@context.entrypoint
def threads() -> list[str]:
    """Return the names of the daemon's threads, and the number of its descriptors.

    Its pool's are left out: it starts another where none is idle at that very moment.
    """
    names = sorted(thread.name for thread in threading.enumerate())
    own = [name for name in names if not name.startswith("ThreadPoolExecutor")]
    return [*own, str(len(os.listdir("/proc/self/fd")))]


@context.entrypoint
def execute(*command: str) -> str:
    """Run a command, and return its output."""
    return str(processutils.execute(*command)[0])


@context.entrypoint
def echo(*words: str) -> str:
    """Run a command for each word, and return the words."""
    return "".join(processutils.execute("echo", word)[0] for word in words)


@context.entrypoint
def read(path: str) -> str:
    """Return a file's contents."""
    return Path(path).read_text()
