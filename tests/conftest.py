"""Fixtures that hold every test to a clean exit: cwd, environment, sys.path, log levels, processes, patches."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import patches
from patches import patching
from tests.support import confinement
from tests.support.examples import examples
from tests.support.waiting import children, wait_until

# The same examples in every run, and no clock: a failure is a defect, not a busy machine.
hypothesis.settings.register_profile(
    "bootseq", max_examples=examples(100), derandomize=True, deadline=None, database=None
)
hypothesis.settings.load_profile("bootseq")

# Under nohup a hang-up is ignored, in the background of a script Ctrl-C, also by all that is started from here.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

#: How long a process may take to end after it was stopped.
GRACE_SECONDS = 2.0


#: Files whose slow tests start no cloud, broker or traced service, or mostly wait for one in namespaces of its own:
#: they may run beside each other.
PARALLEL = re.compile(
    r"test_(boot_(logs|skew)|diagrams_.*|docs|examples_(ci_(misses|playbooks)|gallery|hosts)|fresh_machine|fuzz|release"
    r"|patches_(secrets|uninstall|versions)|tracer_(hosts|(correlation|diff|sources)_.*))\.py"
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give slow tests more time, and mark those that may run in parallel."""
    if item.get_closest_marker("slow") is None:
        return
    if item.get_closest_marker("timeout") is None:
        item.add_marker(pytest.mark.timeout(900))
    if PARALLEL.fullmatch(item.path.name):
        item.add_marker(pytest.mark.parallel)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the tests that were skipped, by reason."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    if reasons:
        terminalreporter.section(f"{len(reports)} skipped, by reason")
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        terminalreporter.line(f"{count:4} {reason}")


@pytest.fixture(autouse=True)
def confined_commands(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Let commands for all processes of the machine reach those that this test run has started, and nothing else.

    Their registrations are written to a folder of the test's own, and must be gone after it, as must the guards.
    """
    home = tmp_path_factory.getbasetemp() / f"registry-{abs(hash(request.node.nodeid)):x}"
    monkeypatch.setenv(confinement.HOME, str(home))
    confinement.confine(os.getpid(), monkeypatch.setattr)
    yield
    if home.exists():
        wait_until(
            lambda: not os.listdir(home), describe=lambda: f"still registered after the test: {os.listdir(home)}"
        )


@pytest.fixture(autouse=True)
def restored_globals() -> Iterator[None]:
    """Restore cwd, environment and sys.path."""
    cwd, environ, path = Path.cwd(), _environment(), list(sys.path)
    yield
    os.chdir(cwd)
    sys.path[:] = path
    if (after := _environment()) != environ:
        for name in after.keys() - environ.keys():
            del os.environ[name]
        os.environ.update(environ)


def _environment() -> dict[str, str]:
    """Return the environment without pytest's own variable, which is another one in each phase of a test."""
    return {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Restore every logger's level, switch and handlers."""
    before = {logger: _settings(logger) for logger in _loggers()}
    yield
    for logger in _loggers():
        level, disabled, propagate, handlers = before.get(logger, (logging.NOTSET, False, True, []))
        logger.setLevel(level)
        logger.disabled, logger.propagate, logger.handlers = disabled, propagate, handlers


def _loggers() -> list[logging.Logger]:
    known = list(logging.Logger.manager.loggerDict.values())
    return [logging.getLogger(), *(logger for logger in known if isinstance(logger, logging.Logger))]


def _settings(logger: logging.Logger) -> tuple[int, bool, bool, list[logging.Handler]]:
    return logger.level, logger.disabled, logger.propagate, list(logger.handlers)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Fail a test that leaves a process running; processes of wider fixtures existed before it."""
    before = _children()
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    while left := _children() - before:
        if time.monotonic() > deadline:
            commands = ", ".join(map(_command, sorted(left)))
            for pid in left:  # the next test finds the machine without them
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            pytest.fail(f"still running after the test: {commands}")
        time.sleep(0.02)


def _children() -> set[int]:
    """List the processes that this one started and that still run, but for multiprocessing's own."""
    return {pid for pid in children() if "multiprocessing.resource_tracker" not in _command(pid)}


def _command(pid: int) -> str:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        arguments = "gone"
    return f"{pid} {arguments.strip()}"


class PatchHistory(list[tuple[Any, str, Any, Any]]):
    """The list of present patches; ``ever`` also has those that were removed from it."""

    def __init__(self) -> None:
        self.ever: list[tuple[Any, str, Any]] = []

    def append(self, entry: tuple[Any, str, Any, Any]) -> None:
        """Record which object of ours replaced which attribute."""
        owner, name, _, ours = entry
        self.ever.append((owner, name, ours))
        super().append(entry)


@pytest.fixture(autouse=True)
def no_patch_is_left() -> Iterator[None]:
    """Fail a test that leaves a hook in this process, or an object of ours in an attribute that was patched."""
    patches_made = patching.replaced = PatchHistory()
    yield
    assert patches.installed() == []
    assert [f"{owner}.{name}" for owner, name, ours in patches_made.ever if vars(owner).get(name) is ours] == []
