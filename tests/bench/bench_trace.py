"""From capture to tree and picture: seconds and megabytes for 1, 10 and 100 real boots in one capture."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from examples.embedded import EmbeddedCloud
from tests.bench.row import Row

SIZES = (1, 10, 100)
_BOOTSEQ = str(Path(sys.executable).with_name("bootseq"))


def run() -> Iterable[Row]:
    """Record 100 boots on one cloud, and measure the capture as it was after 1, 10 and all of them."""
    with tempfile.TemporaryDirectory() as folder:
        captures = _recorded(Path(folder))
        for size, capture in captures.items():
            trace = Path(folder, f"{size}.trace.jsonl.gz")
            picture = Path(folder, f"{size}.svg")
            yield from _timed(f"capture → tree, {size} boots", [_BOOTSEQ, "ingest", "-o", str(trace), str(capture)])
            yield from _timed(
                f"tree → SVG of one of {size} boots", [_BOOTSEQ, "draw", str(trace), "1", "-o", str(picture)]
            )


def _recorded(folder: Path) -> dict[int, Path]:
    capture = folder / "capture"
    copies = {}
    with EmbeddedCloud("34", folder / "state", capture=capture) as cloud:
        for number in range(1, max(SIZES) + 1):
            cloud.boot(f"vm{number}")
            if number in SIZES:
                copies[number] = folder / f"capture-{number}"
                shutil.copytree(capture, copies[number])
    return copies


def _timed(what: str, command: list[str]) -> Iterable[Row]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    yield Row(what, used.ru_utime + used.ru_stime, "CPU s")
    yield Row(f"{what}, most memory", used.ru_maxrss / 1024, "MB")
