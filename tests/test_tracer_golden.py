"""A committed capture of a real boot on Nova 34: its tree, list and counts stay the same."""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support import golden
from tracer import trace_file as tracer_trace_file
from tracer.cli import main
from tracer.correlation.addresses import assign
from tracer.model import Request, Step, Trace

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def trace_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ingest the committed capture."""
    folder = tmp_path_factory.mktemp("nova34")
    with tarfile.open(DATA / "nova34-boot.tar.gz") as archive:
        archive.extractall(folder / "cap", filter="data")
    done = CliRunner().invoke(main, ["ingest", "-o", str(folder / "boot.jsonl.gz"), str(folder / "cap")])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith(": 1 boot and 2 other requests from 1225 events of 8 processes\n")
    return folder / "boot.jsonl.gz"


@pytest.fixture(scope="module")
def trace(trace_file: Path) -> Trace:
    return tracer_trace_file.read(trace_file)


@pytest.fixture(scope="module")
def boot(trace: Trace) -> Request:
    (boot,) = trace.boots
    return boot


def test_the_tree_is_the_golden_one(boot: Request) -> None:
    """Steps with address, service, kind, name and link; chapters with their sender; log and SQL as counts."""
    lines = []
    for step in boot.walk():
        if step.kind in ("log", "sql"):
            continue
        notes = Counter(child.kind for child in step.children if child.kind in ("log", "sql"))
        counted = "".join(f", {count} {kind}" for kind, count in sorted(notes.items()))
        chapters = "".join(f" → {chapter}" for chapter in step.opens) + (
            f" ← {step.opened_by}" if step.opened_by else ""
        )
        lines.append(f"{step.address} {step.service} {step.kind} {step.name} [{step.tied_by}{counted}]{chapters}")
    golden.compare("tracer/nova34-tree.txt", "\n".join(lines) + "\n")


def test_the_list_is_the_golden_one(trace_file: Path) -> None:
    done = CliRunner().invoke(main, ["list", "--all", str(trace_file)])
    golden.compare("tracer/nova34-list.txt", done.stdout)


def test_the_json_list_is_the_golden_one(trace_file: Path) -> None:
    done = CliRunner().invoke(main, ["list", "--json", str(trace_file)])
    golden.compare("tracer/nova34-list.json", done.stdout)


def test_the_output_of_show_is_the_golden_one(trace_file: Path) -> None:
    done = CliRunner().invoke(main, ["show", str(trace_file), "vm1"])
    golden.compare("tracer/nova34-show.txt", done.stdout)


def test_a_boot_has_thirteen_calls_and_three_casts(boot: Request) -> None:
    """Calls with both ends, named by their method; casts with their receivers."""
    sent = [step for step in boot.walk() if step.kind == "rpc" and step.attributes.get("side") == "client"]
    modes = Counter(step.text("mode") for step in sent)
    assert (modes["call"], modes["cast"], modes["fanout"]) == (13, 2, 1)
    for step in sent:
        if step.text("mode") == "call":
            (far,) = [
                child for child in step.children if child.kind == "rpc" and child.attributes.get("side") == "server"
            ]
            assert far.name == step.name
            assert far.service == step.text("peer")
    assert [len(step.opens) for step in sent if step.text("mode") in ("cast", "fanout")] == [1, 1, 1]
    assert not any("object_action" in step.name for step in sent)


def test_placement_is_called_six_times(boot: Request) -> None:
    """With Placement's own steps below every request."""
    requests = [step for step in boot.walk() if step.kind == "http" and step.text("peer") == "placement"]
    assert len(requests) == 6
    for step in requests:
        (served,) = [child for child in step.children if child.attributes.get("side") == "server"]
        assert served.service == "placement"
        assert any(inner.kind == "sql" for inner in served.walk())


def test_states_change_from_building_to_active(boot: Request) -> None:
    """Every change begins with the last value."""
    states = [step.attributes["changes"] for step in boot.walk() if step.kind == "state"]
    tasks = [change["task_state"] for change in states if isinstance(change, dict) and "task_state" in change]
    assert tasks == [
        [None, "scheduling"], ["scheduling", None], [None, "networking"], ["networking", "block_device_mapping"],
        ["block_device_mapping", "spawning"], ["spawning", None],
    ]  # fmt: skip


def test_every_request_id_of_the_boot_has_a_step(boot: Request) -> None:
    """Its own, and those of Placement's responses."""
    owned = {step.request_id for step in boot.walk()} | {step.text("callee_request_id") for step in boot.walk()}
    assert set(boot.request_ids) <= owned


def test_numbering_again_changes_no_address(boot: Request) -> None:
    """Addresses depend on the tree alone."""
    before = [step.address for step in boot.walk()]
    assign(boot.chapters, {})
    assert [step.address for step in boot.walk()] == before


def test_children_are_within_the_time_of_their_parents(boot: Request) -> None:
    """Except for handed-over work, and for log lines, which may be written later."""
    late = [(parent.name, child.name) for parent in boot.walk() for child in parent.children if outlives(parent, child)]
    assert late == []


def outlives(parent: Step, child: Step) -> bool:
    if parent.kind == "handoff" or child.kind in ("handoff", "log") or parent.end is None or child.end is None:
        return False
    # A server finishes after it has answered: its caller may have ended by then.
    slack = 50_000_000 if child.attributes.get("side") == "server" else 0
    return child.start < parent.start or child.end > parent.end + slack
