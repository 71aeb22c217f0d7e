"""Real boots from tests/data, as steps."""

from __future__ import annotations

import tarfile
import tempfile
from functools import cache
from pathlib import Path

from click.testing import CliRunner

from tracer import trace_file
from tracer.cli import main
from tracer.model import Request

DATA = Path(__file__).parents[1] / "data"


@cache
def nova34() -> Request:
    """Return a boot on Nova 34 in several processes, with everything that the hooks recorded."""
    with tempfile.TemporaryDirectory() as folder:
        capture, trace = Path(folder, "capture"), Path(folder, "boot.jsonl.gz")
        with tarfile.open(DATA / "nova34-boot.tar.gz") as archive:
            archive.extractall(capture, filter="data")
        done = CliRunner().invoke(main, ["ingest", "-o", str(trace), str(capture)], catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        (boot,) = trace_file.read(trace).boots
    return boot
