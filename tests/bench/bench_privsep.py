"""The CPU that hooks add to a privileged call, in the service and in its daemon, beside the bare call."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.bench.row import Row

ROUNDS = 7
CALLS = 1_000
SUPPORT = Path(__file__).parents[1] / "support"

#: Calls a daemon that was forked with or without hooks; prints the CPU of both processes for a call, in nanoseconds.
_PROGRAM = """
import json, sys, time
sys.path[:0] = sys.argv[1:3]
capture, calls = sys.argv[3], int(sys.argv[4])
if capture:
    import patches
    patches.install(capture, {"segment_size": 64 << 20, "cap": 1 << 30, "ask": []})
import privileged_calls
privileged_calls.start("fork")

def spent():
    return time.process_time_ns() + privileged_calls.spent()

for _ in range(100):
    privileged_calls.pid()
before = spent()
for _ in range(calls):
    privileged_calls.pid()
print(json.dumps((spent() - before) / calls))
"""


def run() -> Iterable[Row]:
    """Measure a service without and with hooks in turn; the best round of each counts."""
    best = {False: float("inf"), True: float("inf")}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for hooked in (False, True):
                capture = Path(folder, str(number)) if hooked else None
                best[hooked] = min(best[hooked], _call(capture))
    bare, hooked_call = best[False] / 1000, best[True] / 1000
    yield Row("privileged call, bare", bare, "µs")
    yield Row("privileged call: bootseq adds", hooked_call - bare, "µs", hooked_call / bare, "the bare call")


def _call(capture: Path | None) -> float:
    if capture is not None:
        capture.mkdir()
    root = SUPPORT.parents[1]
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(root), str(SUPPORT), str(capture or ""), str(CALLS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return float(json.loads(done.stdout))
