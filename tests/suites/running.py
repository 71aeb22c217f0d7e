"""Runs a suite on two sides at once, plain and hooked, each in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.suites import environments, outcomes
from tests.suites.outcomes import Run
from tests.suites.table import Suite

SIDES = ("plain", "hooked")
#: After so many seconds a single test is hung: its process writes its stacks and ends.
HUNG = 240
#: What a suite changes the behaviour of, unless the developer's shell does.
_DROPPED = ("PYTHONPATH", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "http_proxy", "https_proxy")


@dataclass(frozen=True)
class Side:
    """One side of one comparison: everything it writes is in ``folder``."""

    suite: Suite
    names: tuple[str, ...]
    hooked: bool
    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / "report.jsonl"

    @property
    def output(self) -> Path:
        return self.folder / "output.txt"

    def command(self) -> list[str]:
        """The suite's own, behind ``bootseq run`` where it is hooked."""
        python = str(environments.python(self.suite.environment))
        if self.suite.driver == "pytest":
            command = [python, "-s", "-m", "pytest", "-p", "suite_pytest", "-p", "no:cacheprovider", "-q"]
            command += [*self.suite.options, f"--timeout={HUNG}", *self.names]
        else:
            runner = str(environments.INSIDE / "suite_unittest.py")
            command = [python, "-s", runner, str(self.report), str(HUNG), *self.names]
        bootseq = [str(Path(sys.executable).with_name("bootseq")), "run", "-o", str(self.folder / "capture"), "--"]
        return ["nice", *(bootseq if self.hooked else []), *command]

    def variables(self) -> dict[str, str]:
        """The same on both sides but for the folder."""
        kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        if self.suite.driver == "pytest":
            kept |= {"PYTHONPATH": str(environments.INSIDE), "SUITE_REPORT": str(self.report)}
        beside = f"{environments.python(self.suite.environment).parent}:{kept['PATH']}"
        own = {"PATH": beside, "TMPDIR": str(self.folder / "tmp"), "HOME": str(self.folder / "home")}
        return kept | own | {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"} | self.suite.variables

    def start(self) -> subprocess.Popen[bytes]:
        """In a session of its own, so that what it leaves can be ended."""
        for name in ("tmp", "home"):
            (self.folder / name).mkdir(parents=True)
        work = self.folder / "work"
        if self.suite.sdist:
            shutil.copytree(environments.sources(self.suite.sdist), work, symlinks=True)
        else:
            work.mkdir()
        with self.output.open("wb") as output:
            return subprocess.Popen(
                self.command(), cwd=work, env=self.variables(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def read(self, code: str, seconds: float) -> Run:
        """What it gave."""
        packages = next(environments.python(self.suite.environment).parents[1].glob("lib/python3*/site-packages"))
        run = outcomes.read(self.report, self.output, [self.folder / "work", self.folder, packages])
        run.exit, run.seconds = code, seconds
        return run


def run(suite: Suite, names: tuple[str, ...], folder: Path) -> dict[str, Run]:
    """Both sides, in a step."""
    sides = {name: Side(suite, names, name == "hooked", folder / name) for name in SIDES}
    begun = time.monotonic()
    started = {name: side.start() for name, side in sides.items()}
    codes: dict[str, str] = {}
    ended: dict[str, float] = {}
    while len(codes) < len(started):
        for name, process in started.items():
            late = time.monotonic() - begun > suite.seconds
            if name not in codes and (process.poll() is not None or late):
                codes[name] = "timeout" if process.returncode is None else str(process.returncode)
                ended[name] = time.monotonic() - begun
                _end(process)
        time.sleep(0.2)
    return {name: side.read(codes[name], ended[name]) for name, side in sides.items()}


def _end(process: subprocess.Popen[bytes]) -> None:
    """What is left of the session's first group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
