"""The CPU that hooks add to a privileged call, at its caller and in the daemon, beside a whole bare call."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.bench_hooks import microseconds, with_hooks
from tests.bench.row import Row

ROUNDS = 15
CALLS = 1_000
SUPPORT = Path(__file__).parents[1] / "support"

#: Calls a daemon that was forked; prints the CPU of both processes for a call, in nanoseconds.
_WHOLE = """
import sys, time
sys.path[:0] = [sys.argv[1]]
import privileged_calls as calls
calls.start("fork")

def spent():
    return time.process_time_ns() + calls.spent()

best = float("inf")
for _ in range(5):
    before = spent()
    for _ in range(int(sys.argv[2])):
        calls.pid()
    best = min(best, (spent() - before) / int(sys.argv[2]))
print(best)
"""


def run() -> Iterable[Row]:
    """Measure both ends without and with hooks in turn; the best round of each counts."""
    command = [sys.executable, "-W", "ignore", "-c", _WHOLE, str(SUPPORT), str(CALLS)]
    whole = float(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)) / 1000
    yield Row("privileged call, bare, both processes", whole, "µs")
    with tempfile.TemporaryDirectory() as folder:
        for where, end in (("at its caller", _caller), ("in the daemon", _daemon)):
            adds = _added(end(), Path(folder, where))
            yield Row(f"privileged call {where}: bootseq adds", adds, "µs", adds / whole, "the bare call")


def _added(work: Callable[[], object], folder: Path) -> float:
    best = {False: float("inf"), True: float("inf")}
    for number in range(ROUNDS):
        for hooked in (False, True):
            with _hooks(folder / str(number), hooked):
                best[hooked] = min(best[hooked], microseconds(work, CALLS))
    return best[True] - best[False]


@contextmanager
def _hooks(folder: Path, hooked: bool) -> Iterator[None]:
    if not hooked:
        yield
        return
    folder.mkdir(parents=True)
    with with_hooks(folder, "commands", "privsep", "logs"):
        yield


def _caller() -> Callable[[], object]:
    """Return a call whose message is packed and sent to nobody."""
    comm: Any = importlib.import_module("oslo_privsep.comm")
    daemon: Any = importlib.import_module("oslo_privsep.daemon")

    class Nowhere:
        def sendall(self, data: bytes) -> None:
            pass

    class Channel(daemon._ClientChannel):  # type: ignore[misc]
        def __init__(self) -> None:
            self.writer = comm.Serializer(Nowhere())

        def send_recv(self, message: object, _timeout: float | None = None) -> object:
            self.writer.send(("0b3f4c53-9a53-4c3c-8d5f-7a117b5e1c52", message))
            return (comm.Message.RET, None)

    channel = Channel()
    return lambda: channel.remote_call("nova.privsep.path.exists", ("/etc",), {}, None)


def _daemon() -> Callable[[], object]:
    """Return the daemon's work for a call of ``os.getpid``."""
    daemon: Any = importlib.import_module("oslo_privsep.daemon")

    class Context:
        def is_entrypoint(self, function: object) -> bool:
            return callable(function)

    worker = daemon.Daemon.__new__(daemon.Daemon)
    worker.context = Context()
    return lambda: worker._process_cmd("0b3f4c53-9a53-4c3c-8d5f-7a117b5e1c52", 3, "os.getpid", (), {})
