"""A packed tree of 32 services in one ``ingest``: what cannot be read is named, the rest is read."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from tests.support import sosreport
from tracer.cli import main


def test_a_packed_tree_of_32_services_is_read_in_one_go(tmp_path: Path) -> None:
    archive, trace = tmp_path / "sosreport.tar.xz", tmp_path / "o.trace.jsonl.gz"
    sosreport.write(archive, tmp_path / "boot", 1)
    result = CliRunner().invoke(main, ["ingest", "-o", str(trace), str(archive)])
    assert result.exit_code == 2, result.output
    closing = re.search(r"(\d+) boots? and \d+ other requests? from [\d,]+ events of (\d+) processes", result.output)
    assert closing is not None, result.output
    assert int(closing[1]) == sosreport.NODES
    assert int(closing[2]) >= sosreport.SERVICES
    warnings = [line for line in result.output.splitlines() if "sosreport.tar.xz" in line and "skipped" in line]
    assert [re.sub(r".*skipped: | \(.*", "", line) for line in warnings] == [
        "no line in a known log format",
        "cannot be read: Error -3 while decompressing data: unknown compression method", "empty",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boot", "o.trace.jsonl.gz", "sosreport.tar.xz"]
