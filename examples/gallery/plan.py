"""The plan of the gallery: the recordings, and each picture with its command and description."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
#: The trace file of the gallery's own.
STORED = HERE / "boots.trace.jsonl.gz"
DATA = HERE.parent.parent / "tests" / "data"


@dataclass(frozen=True)
class Recording:
    """A recording of a real cloud."""

    #: An archive or a folder in tests/data, or a trace file of the gallery.
    source: Path
    #: The trace file's name in commands, and the command that writes it.
    trace: str
    command: str
    what: str


@dataclass(frozen=True)
class Picture:
    """A file of the gallery and the commands that make it, in a folder with the trace files."""

    file: str
    title: str
    text: str
    commands: tuple[str, ...]
    #: Also drawn by other programs, whose next version may draw otherwise.
    foreign: bool = False


@dataclass(frozen=True)
class Screenshot:
    """A screenshot of a page in a browser, after pressing keys in it or at a step."""

    file: str
    page: str
    title: str
    text: str
    keys: str = ""
    step: str = ""
    dark: bool = False


RECORDINGS = (
    Recording(
        DATA / "nova34-boot.tar.gz", "boot.trace.jsonl.gz", "bootseq ingest -o boot.trace.jsonl.gz capture",
        "Nova 34, its services and Placement in separate processes ([examples/embedded](../embedded)), seen by hooks: "
        "one boot.",
    ),
    Recording(
        STORED, STORED.name, "python -m examples.gallery --record",
        "the same cloud, seen by hooks: two boots from an image, one from a volume, one that fits on no host. This "
        "command boots them again; the trace file is in this folder.",
    ),
    Recording(
        DATA / "nova34-logs.tar.xz", "cloud.trace.jsonl.gz", "bootseq ingest -o cloud.trace.jsonl.gz logs",
        "Nova 34 in an all-in-one cloud with Keystone, Glance, Neutron, libvirt and QEMU, seen by its logs and by "
        "RabbitMQ's firehose, without hooks: one boot and one delete.",
    ),
    Recording(
        DATA / "legs" / "snapshot.trace.jsonl.gz", "snapshot.trace.jsonl.gz",
        "cp tests/data/legs/snapshot.trace.jsonl.gz .",
        "Nova 34 in the same cloud with Cinder on Ceph and Neutron on Open vSwitch ([examples/cloud](../cloud)), seen "
        "by hooks: one boot from a volume's snapshot, with a blank second volume.",
    ),
    Recording(
        DATA / "diablo", "diablo.trace.jsonl.gz", "bootseq ingest -o diablo.trace.jsonl.gz diablo",
        "Nova 2011.3 (Diablo) with carrot, seen by its logs and the firehose: one boot.",
    ),
)  # fmt: skip

DELETE = "req-e6df3bae-fa50-4300-a6c1-6ee330bd59ee"

PICTURES = (
    Picture(
        "boot-story.svg", "A boot: what an engineer would write down",
        "A request is one arrow with both its ends, the heaviest steps come first, and all else is counted.",
        ("bootseq draw boot.trace.jsonl.gz vm1 -o boot-story.svg",),
    ),
    Picture(
        "boot-brief.svg", "The same boot: all messages of the services",
        "Client, API, conductor, scheduler, compute; states at the right. What stays inside a service is counted.",
        ("bootseq draw boot.trace.jsonl.gz vm1 --detail brief -o boot-brief.svg",),
    ),
    Picture(
        "boot.svg", "The same boot, with the calls that lead there",
        "Numbers are addresses: the same in every picture, tree and page of this trace.",
        ("bootseq draw boot.trace.jsonl.gz vm1 --detail calls -o boot.svg",),
    ),
    Picture(
        "boot-a4-2.svg", "The same boot on pages, here the second",
        "Split at chapters; each A4 page names the steps still open, and has the lanes' heads and a legend.",
        ("bootseq draw boot.trace.jsonl.gz vm1 --detail calls --pages a4 -o boot-a4.svg",),
    ),
    Picture(
        "boot.txt", "As a numbered tree",
        "Two pages of handwritten notes, written by a command.",
        ("bootseq draw boot.trace.jsonl.gz vm1 -o boot.txt",),
    ),
    Picture(
        "boot.md", "As a document for a wiki",
        "Facts, participants, the tree folded by chapter, Mermaid, states over time, the slowest steps, SQL by table.",
        ("bootseq draw boot.trace.jsonl.gz vm1 -o boot.md",),
    ),
    Picture(
        "failed.svg", "A boot that failed",
        "Failures are red: the scheduler found no host for this flavor; the conductor set the server to error.",
        ("bootseq draw boots.trace.jsonl.gz vm4 -o failed.svg",),
    ),
    Picture(
        "merged.svg", "Three boots as one sequence",
        "Steps of some boots only (opt), alternatives (alt), repetitions (loop), steps without an order (par): two "
        "boots from an image and one from a volume.",
        ("bootseq draw boots.trace.jsonl.gz vm1 vm2 vm3 --detail brief -o merged.svg",),
    ),
    Picture(
        "merged.md", "The same as a document",
        "Its tree reads like an engineer's handwritten notes; a table shows where the boots differ.",
        ("bootseq draw boots.trace.jsonl.gz vm1 vm2 vm3 -o merged.md",),
    ),
    Picture(
        "snapshot-brief.svg", "A boot from a volume's snapshot: the services' messages",
        "Cinder's API, scheduler and volume service have lanes of their own, and so has Neutron's agent.",
        ("bootseq draw snapshot.trace.jsonl.gz s2 --detail brief -o snapshot-brief.svg",),
    ),
    Picture(
        "snapshot.svg", "The same boot, with the calls that lead there",
        "Down to the driver of each volume, the security group of the port, and the guest's start.",
        ("bootseq draw snapshot.trace.jsonl.gz s2 --detail calls -o snapshot.svg",),
    ),
    Picture(
        "snapshot-full.svg", "The same boot, with every call and statement",
        "All that the hooks recorded but log lines below WARNING and Keystone's statements, which this file lacks.",
        ("bootseq draw snapshot.trace.jsonl.gz s2 --detail full -o snapshot-full.svg",),
    ),
    Picture(
        "topology.svg", "Who talks to whom",
        "Operations, counts, total and median times; drawn by Graphviz.",
        ("bootseq draw boot.trace.jsonl.gz vm1 -o topology.dot", "dot -Tsvg -o topology.svg topology.dot"),
        foreign=True,
    ),
    Picture(
        "delete.svg", "A delete, from logs and message copies alone",
        "Any request can be drawn, by its request id; this cloud had no hooks.",
        (f"bootseq draw cloud.trace.jsonl.gz {DELETE} --detail brief -o delete.svg",),
    ),
    Picture(
        "diablo.svg", "A boot of 2011",
        "Nova 2011.3 had no conductor and no Placement: API → scheduler → compute, which asks the network service.",
        ("bootseq draw diablo.trace.jsonl.gz vm1 -o diablo.svg",),
    ),
    Picture(
        "diablo.html", "The boot of 2011 as a page to explore",
        "Download it and open it: one file that fetches nothing.",
        ("bootseq draw diablo.trace.jsonl.gz vm1 --detail full -o diablo.html",),
    ),
)  # fmt: skip

SCREENSHOTS = (
    Screenshot(
        "page.png", "boot.html", "A boot as a page to explore",
        "Outline and sequence beside each other, row by row, the whole boot in the minimap at the right.",
    ),
    Screenshot(
        "page-details.png", "boot.html", "The same page: the details of a step",
        "A statement with its parameters, its witnesses, and the reason for its parent.",
        keys="4", step="3-1-1-3-14-1-2/5",
    ),
    Screenshot(
        "page-time.png", "boot.html", "The same page: time, and the boot's critical path",
        "Bars on a time axis with the critical path marked, in percent; in dark colours.",
        keys="2tc", dark=True,
    ),
)  # fmt: skip
