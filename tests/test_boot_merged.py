"""Real boots of two kinds on Nova 34, merged: every fragment agrees with the boots' traces and the logs."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from diagrams import DETAILS
from examples.embedded import EmbeddedCloud
from tests.support.merged_boots import check, fragments
from tests.test_diagrams_merged import check_drawn
from tests.test_tracer_cli import bootseq
from tracer import trace_file
from tracer.diff.merge.merge import merge
from tracer.model import Fragment, Merged, MergedStep, Operand, Request

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Run:
    """A recording of two boots from an image, one from a volume, and one that fits on no host."""

    file: Path
    boots: list[Request]
    logs: Path

    def merged(self, *names: str) -> Merged:
        """Merge the boots of these servers, and check the result against their traces."""
        chosen = [boot for boot in self.boots if boot.server in names]
        merged = merge(chosen, [boot.server for boot in chosen])
        check(merged, chosen)
        return merged


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("merged")
    with EmbeddedCloud("34", folder / "state", folder / "capture") as cloud:
        ended = [cloud.boot("vm1"), cloud.boot("vm2"), cloud.boot("vm3", from_volume=True)]
        ended.append(cloud.boot("vm4", flavor="huge"))
    assert [boot.state for boot in ended] == ["active", "active", "active", "error"]
    file = folder / "boots.trace.jsonl.gz"
    assert bootseq("ingest", "-o", file, folder / "capture").exit_code == 0
    return Run(file, trace_file.read(file).boots, folder / "state" / "logs")


def texts(operand: Operand) -> list[str]:
    """Return the text of every step of a branch."""
    return [step.text for step in Merged("", operand.inside, [], []).walk()]


def branches(merged: Merged, text: str) -> list[tuple[Fragment, Operand]]:
    """Return the fragments with a branch that begins with a step of this text."""
    return [
        (fragment, operand) for fragment, _ in fragments(merged) for operand in fragment.operands
        if isinstance(first := operand.inside[0], MergedStep) and first.text == text
    ]  # fmt: skip


def test_image_and_volume_are_alternatives(run: Run) -> None:
    """The API fetches one or the other, never both."""
    ((fragment, image),) = branches(run.merged("vm1", "vm2", "vm3"), "compute/api.py.API -> _get_image()")
    assert fragment.operator == "alt"
    assert [operand.boots for operand in fragment.operands] == [{0, 1}, {2}]
    assert "GET /v2/images/{id} → image: 200" in texts(image)
    assert "GET /v3/volumes/{id} → volume: 200" in texts(fragment.operands[1])


def test_only_the_boot_from_a_volume_calls_the_volume_service(run: Run) -> None:
    """The service's own log confirms the number of calls; they are in branches of that boot alone."""
    merged = run.merged("vm1", "vm2", "vm3")
    calls = [step for step in merged.walk() if step.text.endswith((" → volume: 200", " → volume: 202"))]
    assert {step.boots for step in calls} == {frozenset({2})}
    log = (run.logs / "volume-access.log").read_text()
    logged = Counter(re.sub(r"[0-9a-f-]{36}", "{id}", line) for line in re.findall(r'"(\w+ \S+) HTTP/1\.1" 20\d', log))
    assert logged
    assert Counter(step.text.partition(" → ")[0] for step in calls) == logged
    ((fragment, _),) = branches(merged, "virt/block_device.py.DriverVolumeBlockDevice -> attach()")
    assert (fragment.operator, len(fragment.operands)) == ("opt", 1)


def test_a_call_for_every_server_on_the_host_is_a_loop(run: Run) -> None:
    """The compute service fetches the allocations of every server that it runs."""
    ((fragment, _),) = [
        branch for branch in branches(
            run.merged("vm1", "vm2", "vm3"),
            "scheduler/client/report.py.SchedulerReportClient -> get_allocs_for_consumer()",
        ) if branch[0].operator == "loop"
    ]  # fmt: skip
    assert fragment.counts == {0: 1, 1: 2, 2: 3}


def test_cells_are_queried_in_parallel(run: Run) -> None:
    """They are queried in threads, so their order has no meaning."""
    matches = branches(run.merged("vm1", "vm2", "vm3"), "hand-off to scatter_gather_cells.gather_result")
    assert matches
    assert {(fragment.operator, len(fragment.operands)) for fragment, _ in matches} == {("par", 2)}


def test_a_boot_that_fails_is_the_same_up_to_the_failure(run: Run) -> None:
    """The error is at the steps that raised it; all later steps, compute's chapter too, are optional."""
    merged = run.merged("vm1", "vm2", "vm4")
    raised = {step.text for step in merged.walk() if step.errors.get(2) and len(step.boots) == 3}
    assert any("select_destinations" in text for text in raised)
    last = merged.chapters[-1]
    assert isinstance(last, Fragment)
    assert all(operand.boots != {2} for operand in last.operands)
    assert "virt/fake.py.FakeDriver -> spawn()" in texts(last.operands[0])


@pytest.mark.parametrize("names", [("vm1", "vm2", "vm3"), ("vm1", "vm2", "vm3", "vm4")])
def test_every_step_is_drawn_or_counted_at_every_detail(run: Run, names: tuple[str, ...]) -> None:
    check_drawn(run.merged(*names))


def test_draw_accepts_boots_by_name_in_every_format_and_detail(run: Run, tmp_path: Path) -> None:
    for suffix in ("txt", "md", "svg", "mmd", "puml"):
        for detail in DETAILS:
            target = tmp_path / f"boots-{detail}.{suffix}"
            done = bootseq("draw", run.file, "vm1", "vm2", "vm3", "-o", target, "--detail", detail)
            assert (done.exit_code, done.stderr) == (0, "")
    text = (tmp_path / "boots-brief.txt").read_text()
    assert "\nalt [2 of 3 boots: vm1, vm2, request has imageRef]\n" in text
    assert "\nelse [1 of 3 boots: vm3, request has block_device_mapping_v2]\n" in text
    assert "\nloop [1–3 times]\n" in text
