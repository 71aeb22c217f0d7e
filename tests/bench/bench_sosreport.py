"""A packed tree of 32 services and 50 MB of logs in one ``bootseq ingest``, beside unpacking and a folder of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.bench.bench_logs import used
from tests.bench.row import Row
from tests.support import sosreport

#: Megabytes of logs in the tree.
SIZE = 50
_BOOTSEQ = str(Path(sys.executable).parent / "bootseq")


def run() -> Iterable[Row]:
    """Measure time and the most memory of a process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "sosreport.tar.xz"
        size = sosreport.write(archive, folder / "boot", SIZE) / 1e6
        yield Row(f"{size:.0f} MB of logs of {sosreport.SERVICES} services, packed", archive.stat().st_size / 1e6, "MB")
        yield Row("tar -xJO, wall", used(["tar", "-xJOf", str(archive)]).wall, "s")
        (folder / "tree").mkdir()
        subprocess.run(["tar", "-xJf", str(archive), "-C", str(folder / "tree")], check=True)
        for what, path in (("packed", archive), ("folder", folder / "tree")):
            # Exit code 2: the tree holds a file that cannot be read.
            use = used([_BOOTSEQ, "ingest", "-o", str(folder / "o.trace.jsonl.gz"), str(path)], accepted=2)
            yield Row(f"bootseq ingest, {what}, wall", use.wall, "s")
            yield Row(f"bootseq ingest, {what}", use.cpu, "CPU s")
            yield Row(f"bootseq ingest, {what}, most memory of a process", use.memory, "MB")
