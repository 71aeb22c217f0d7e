"""A store under fire: python -m tests.fleet.fire --seconds 600, adders, compactors and readers killed at random.

Every boot that an adder has reported must be in the store from then on, once; every reader's answer is right: as many
steps as its boots have. At the end all is added again, compacted and verified.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.real_boots import DATA
from tracer import trace_file

TRACES = sorted([*DATA.glob("legs/*.trace.jsonl.gz"), *DATA.glob("then-and-now/*.gz"), *DATA.glob("fleet/*.gz")])
_COUNT = (
    "SELECT (SELECT count(*) FROM boots) AS boots, (SELECT sum(steps) FROM boots) AS a, (SELECT sum(n) FROM steps) AS b"
)


class Fire:
    """The processes on one store, and what is known to be in it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.random = random.Random(seed)
        self.boots = {trace: {b.uuid for b in trace_file.read(trace).boots if b.uuid} for trace in TRACES}
        self.committed: set[str] = set()
        self.counts = {"adds": 0, "compactions": 0, "reads": 0, "kills": 0}
        self._running: list[tuple[subprocess.Popen[str], str, Path | None, int]] = []

    def run(self, seconds: float, processes: int) -> None:
        """Keep so many processes busy, and kill some of them."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while len(self._running) < processes:
                self._start()
            if self.random.random() < 0.2:
                process, *_ = self.random.choice(self._running)
                process.send_signal(signal.SIGKILL)
                self.counts["kills"] += 1
            time.sleep(0.3)
            self._collect(wait=False)
        self._collect(wait=True)

    def _start(self) -> None:
        kind = self.random.choices(("adds", "compactions", "reads"), (8, 1, 3))[0]
        trace = self.random.choice(TRACES) if kind == "adds" else None
        if not self.committed and kind != "adds":
            return
        arguments = {
            "adds": ("add", str(self.path), str(trace)),
            "compactions": ("compact", str(self.path)),
            "reads": ("sql", "--json", str(self.path), _COUNT),
        }[kind]
        command = [sys.executable, "-m", "tracer", "fleet", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._running.append((process, kind, trace, len(self.committed)))

    def _collect(self, *, wait: bool) -> None:
        for item in list(self._running):
            process, kind, trace, before = item
            if not wait and process.poll() is None:
                continue
            output, errors = process.communicate()
            self._running.remove(item)
            if process.returncode == -signal.SIGKILL:
                continue
            if process.returncode:
                sys.exit(f"{kind}: exit code {process.returncode}\n{errors}")
            self.counts[kind] += 1
            if kind == "adds" and trace is not None:
                self.committed |= self.boots[trace]
            if kind == "reads":
                check(json.loads(output)[0], before)


def check(row: dict[str, int], least: int) -> None:
    """Exit with an error unless an answer has the boots that were committed before, each with all of its steps."""
    if row["boots"] < least or row["a"] != row["b"]:
        sys.exit(f"wrong answer: {row}, at least {least} boots expected")


def main() -> int:
    """Run and print what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--processes", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fire = Fire(Path(folder, "fleet"), options.seed)
        fire.run(options.seconds, options.processes)
        bootseq = [sys.executable, "-m", "tracer", "fleet"]
        subprocess.run([*bootseq, "add", fire.path, *TRACES], check=True)
        subprocess.run([*bootseq, "compact", fire.path], check=True)
        subprocess.run([*bootseq, "check", fire.path], check=True)
        last = subprocess.run(
            [*bootseq, "sql", "--json", fire.path, _COUNT], check=True, capture_output=True, text=True
        )
        (row,) = json.loads(last.stdout)
        every = set().union(*fire.boots.values())
        check(row, len(every))
        print(fire.counts, row, f"{len(every)} boots expected", flush=True)
        return int(row["boots"] != len(every))


if __name__ == "__main__":
    sys.exit(main())
