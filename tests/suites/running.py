"""A runner of a suite on two sides at once, plain and hooked, each in a folder of its own."""

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

#: When the hooks are installed: by `bootseq run`, or by `bootseq attach` after the first tests.
START, MIDDLE = "start", "middle"
FIRST_TESTS = 10
#: Seconds after which a single test hangs: its process writes its stacks and ends.
HUNG = 240
#: Variables of the developer's shell that would change a suite's behaviour.
_DROPPED = ("PYTHONPATH", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "http_proxy", "https_proxy")


@dataclass(frozen=True)
class Side:
    """A side of a comparison, which writes into ``folder`` only. ``hooks`` is "", START or MIDDLE."""

    suite: Suite
    names: tuple[str, ...]
    hooks: str
    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / "report.jsonl"

    @property
    def output(self) -> Path:
        return self.folder / "output.txt"

    def command(self) -> list[str]:
        """Return the suite's command, behind ``bootseq run`` if hooked from the start."""
        python = str(environments.python(self.suite.environment))
        if self.suite.driver == "pytest":
            command = [python, "-s", "-m", "pytest", "-p", "suite_pytest", "-p", "no:cacheprovider", "-q"]
            command += [*self.suite.options, f"--timeout={HUNG}", *self.names]
        else:
            runner = str(environments.INSIDE / "suite_unittest.py")
            command = [python, "-s", runner, str(self.report), str(HUNG), *self.names]
        return ["nice", *(self._bootseq("run", "--") if self.hooks == START else []), *command]

    def variables(self) -> dict[str, str]:
        """Return the environment, the same on both sides except for the folder."""
        inherited = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        if self.suite.driver == "pytest":
            inherited |= {"PYTHONPATH": str(environments.INSIDE), "SUITE_REPORT": str(self.report)}
        beside = f"{environments.python(self.suite.environment).parent}:{inherited['PATH']}"
        own = {"PATH": beside, "TMPDIR": str(self.folder / "tmp"), "HOME": str(self.folder / "home")}
        return inherited | own | {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"} | self._selection() | self.suite.variables

    def _selection(self) -> dict[str, str]:
        return {"SUITE_WITHOUT": " ".join(self.suite.without)} if self.suite.without else {}

    def start(self) -> subprocess.Popen[bytes]:
        """Start the suite in a session of its own, so that its remaining processes can be ended."""
        for name in ("tmp", "home"):
            (self.folder / name).mkdir(parents=True)
        work = self.folder / "work"
        if self.suite.sdist:
            python = environments.python(self.suite.environment)
            shutil.copytree(environments.sources(self.suite.sdist, python), work, symlinks=True)
        else:
            work.mkdir()
        with self.output.open("wb") as output:
            return subprocess.Popen(
                self.command(), cwd=work, env=self.variables(), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def is_due(self) -> bool:
        """Return whether the first tests have run, after which hooks are attached."""
        return self.hooks == MIDDLE and self.report.exists() and self.report.read_bytes().count(b"\n") >= FIRST_TESTS

    def attach(self, pid: int) -> subprocess.Popen[bytes]:
        """Attach the hooks to the running suite."""
        with (self.folder / "attach.txt").open("wb") as output:
            command = self._bootseq("attach", "--pid", str(pid), "--for", "4h")
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def _bootseq(self, command: str, *options: str) -> list[str]:
        bootseq = str(Path(sys.executable).with_name("bootseq"))
        return [bootseq, command, "-o", str(self.folder / "capture"), *options]

    def read(self, code: str, seconds: float, attaching: subprocess.Popen[bytes] | None) -> Run:
        """Return the side's run; the error of a failed attach counts as bootseq's output."""
        packages = environments.python(self.suite.environment).parents[1].glob("lib/python3*/site-packages")
        run = outcomes.read(self.report, self.output, [self.folder / "work", self.folder, *packages])
        run.exit, run.seconds = code, seconds
        if self.hooks == MIDDLE and attaching is None:
            run.output.append("bootseq attach: the suite ended before it")
        elif attaching is not None and attaching.wait():
            run.output.append(f"bootseq attach: {(self.folder / 'attach.txt').read_text()}")
        return run


def run(suite: Suite, names: tuple[str, ...], folder: Path, hooks: str) -> dict[str, Run]:
    """Run both sides at the same time; return their runs as ``plain`` and ``hooked``."""
    sides = {"plain": Side(suite, names, "", folder / "plain"), "hooked": Side(suite, names, hooks, folder / "hooked")}
    environments.python(suite.environment)  # built before the clock starts
    begun = time.monotonic()
    started = {name: side.start() for name, side in sides.items()}
    attaching: dict[str, subprocess.Popen[bytes]] = {}
    runs: dict[str, Run] = {}
    while len(runs) < len(sides):
        for name in [name for name in sides if name not in runs]:
            side, process, passed = sides[name], started[name], time.monotonic() - begun
            if process.poll() is not None or passed > suite.seconds:
                code = "timeout" if process.returncode is None else str(process.returncode)
                _end(process)
                runs[name] = side.read(code, passed, attaching.get(name))
            elif name not in attaching and side.is_due():
                attaching[name] = side.attach(process.pid)
        time.sleep(0.2)
    return runs


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the remaining processes of the session's first group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
