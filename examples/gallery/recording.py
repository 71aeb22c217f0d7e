"""The recording of boots of several kinds on the embedded cloud, which tests/data lacks, as a trace file."""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

from examples.embedded import EmbeddedCloud
from examples.gallery import drawing
from examples.scrubbing import without_host, without_paths
from tracer import trace_file
from tracer.model import Trace


def record(target: Path) -> None:
    """Boot two servers from an image, one from a volume, one that fits on no host; write the trace to ``target``."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with EmbeddedCloud("34", folder / "state", folder / "capture") as cloud:
            cloud.boot("vm1")
            cloud.boot("vm2")
            cloud.boot("vm3", from_volume=True)
            cloud.boot("vm4", flavor="huge")
        drawing.run("bootseq ingest -o all.trace.jsonl.gz capture", folder)
        publish(folder / "all.trace.jsonl.gz", target)


def publish(recorded: Path, target: Path) -> None:
    """Write only the boots of a trace, without details of the machine."""
    trace = trace_file.read(recorded)
    for boot in trace.boots:
        boot.left_out = []
    boots = recorded.with_name("boots.trace.jsonl.gz")
    trace_file.write(boots, Trace(trace.boots, versions=trace.versions))
    text = gzip.decompress(boots.read_bytes()).decode()
    target.write_bytes(gzip.compress(without_host(without_paths(text)).encode(), mtime=0))
