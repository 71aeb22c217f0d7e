"""Real boots on the embedded cloud, one after another, with the number of servers on the host before each.

python -m tests.fleet.record --release 34 --servers 21 OUT: writes OUT/boots.trace.jsonl.gz and OUT/traits.json.
The number of servers comes from Placement's allocations, which no recorded request of the boot has read.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner

from examples.embedded import EmbeddedCloud
from examples.embedded.errors import EmbeddedError
from tracer.cli import main as bootseq


def main() -> int:
    """Record the boots and write trace and traits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", default="34")
    parser.add_argument("--servers", type=int, default=21)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    record(options.release, options.servers, options.output)
    return 0


def record(release: str, servers: int, output: Path) -> None:
    """Boot the servers on a cloud of the release and write what was recorded, also if a boot does not end."""
    output.mkdir(parents=True)
    traits = {}
    try:
        with EmbeddedCloud(release, output / "state", output / "capture") as cloud:
            for number in range(servers):
                before = _allocated(output / "state")
                boot = cloud.boot(f"vm{number}", 600)
                traits[boot.uuid] = {"servers": before}
    except EmbeddedError as error:
        print(f"{len(traits)} of {servers} boots: {error}", file=sys.stderr)
    (output / "traits.json").write_text(json.dumps(traits, indent=1))
    trace = output / "boots.trace.jsonl.gz"
    done = CliRunner().invoke(bootseq, ["ingest", "-o", str(trace), str(output / "capture")])
    if done.exit_code:
        sys.exit(done.output)


def _allocated(state: Path) -> int:
    """Return the number of servers that have allocations on the host, as Placement's database has it."""
    with closing(sqlite3.connect(f"file:{state / 'databases' / 'placement.sqlite'}?mode=ro", uri=True)) as database:
        ((count,),) = database.execute("SELECT count(DISTINCT consumer_id) FROM allocations").fetchall()
    return int(count)


if __name__ == "__main__":
    sys.exit(main())
