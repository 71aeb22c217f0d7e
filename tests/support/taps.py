"""A running ``bootseq tap`` for tests, and the steps of a boot in its copies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.rabbits import PASSWORD
from tests.support.waiting import wait_until

BOOTSEQ = str(Path(sys.executable).with_name("bootseq"))
#: Seconds; rabbitmqctl takes one to three each time.
PATIENCE = 240.0


class Tap:
    """A running tap: its output on stderr so far, and its file."""

    def __init__(self, variables: Mapping[str, str], capture: Path, *options: str) -> None:
        self.file = capture / "messages.jsonl"
        self.stderr = ""
        self._process = subprocess.Popen(
            [BOOTSEQ, "tap", "-o", str(capture), *options], env=variables, stderr=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.stderr += line

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.stderr, PATIENCE, lambda: self.stderr)

    def end(self, number: int = signal.SIGINT) -> int:
        """Signal the tap and return its exit code; its own processes, which share its stderr, have ended too."""
        os.kill(self.pid, number)
        return self.ended()

    def ended(self) -> int:
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive()
        assert self._process.stderr is not None
        self._process.stderr.close()
        assert PASSWORD not in self.stderr
        return code

    def count(self) -> int:
        """Return the number of copies on disk."""
        return self.file.read_bytes().count(b"\n")

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


def steps(file: Path, server: str, *sources: Path) -> list[dict[str, Any]]:
    """Ingest the sources together and return the steps of the server's boot."""
    _bootseq("ingest", "-o", str(file), *map(str, sources))
    shown = json.loads(_bootseq("show", str(file), server, "--json"))
    assert isinstance(shown, list)
    return shown


def _bootseq(*arguments: str) -> str:
    return subprocess.run([BOOTSEQ, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def chapters(shown: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return each chapter's service and name."""
    return [(step["service"], step["name"]) for step in shown if step["address"].isdigit()]


def numbered(shown: list[dict[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """Return kind, service and name of each step by address, without notes."""
    return {
        step["address"]: (step["kind"], step["service"], step["name"]) for step in shown if "/" not in step["address"]
    }


def assert_confirmed(merged: list[dict[str, Any]], hooked: list[dict[str, Any]]) -> None:
    """Assert that the other witnesses saw exactly the hooks' steps, and both ends of each message."""
    assert numbered(merged) == numbered(hooked)
    for step in merged:
        if step["kind"] == "rpc" and step["attributes"].get("mode") != "notify":
            assert step["witnesses"] == ["hooks", "logs", "broker"], (step["address"], step["name"])
