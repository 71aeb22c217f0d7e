"""Work on ports of real boots: what Neutron's agent and its server did for them, in the requests it was done for."""

from __future__ import annotations

import pytest

from tests.support.network_events import chapters, opener, works_on
from tests.support.recorded_events import load
from tracer.correlation import ports
from tracer.correlation.pipeline import correlate
from tracer.model import Request, Step, Trace

TWO = ("1ac32a90-c20c-41df-b3fd-9544609fb8b0", "a650d546-1d73-4777-847b-d1d8af536b1e")
RUN = "process_network_ports"


@pytest.fixture(scope="module")
def two() -> Trace:
    """Return the trace of two boots at once, with ports on one network."""
    return correlate(load("ports/ovs-two.jsonl.xz"))


def with_function(request: Request, name: str) -> list[Step]:
    """Return the steps of a request that are calls of a function."""
    return [step for step in request.walk() if step.text("function") == name]


def test_two_boots_at_once_have_none_of_each_others_work(two: Trace) -> None:
    assert [works_on(boot) for boot in two.boots] == [{TWO[0]}, {TWO[1]}]
    for boot, port in zip(two.boots, TWO, strict=True):
        interfaces = {str(step.attributes["arguments"]) for step in boot.walk() if step.name == "ovsdb"}
        assert any(port[:11] in text for text in interfaces)
        assert not any(other[:11] in text for text in interfaces for other in TWO if other != port)


def test_a_run_for_one_boot_is_a_chapter_and_of_a_run_for_both_its_part(two: Trace) -> None:
    first, second = two.boots
    assert [len(chapters(boot, RUN)) for boot in (first, second)] == [1, 1]
    assert opener(first, chapters(first, RUN)[0]).name == "ovsdb"
    assert opener(second, chapters(second, RUN)[0]).text("function") == "port_update"
    for boot in (first, second):
        assert len(chapters(boot, "treat_vif_port")) == len(chapters(boot, "update_device_up")) == 1
    (rest,) = (other for other in two.others if other.operation.endswith(RUN))
    assert all(set(ports.named(step)) in (set(), set(TWO)) for step in rest.walk())
    assert "update_device_list" in [step.name for step in rest.walk()]


def test_the_event_of_each_port_is_sent_for_its_boot_and_ends_the_wait(two: Trace) -> None:
    for boot in two.boots:
        (wait,) = with_function(boot, "_wait_for_instance_events")
        (handled,) = (step for step in boot.walk() if step.address == wait.text("ended_by"))
        assert handled.attributes["events"] == wait.attributes["events"]
        head = next(chapter for chapter in boot.chapters if handled.address.startswith(f"{chapter.address}-"))
        # … handled ← cast ← the request to Nova's API ← what Neutron queued when the port was up
        sent = next(
            chapter for chapter in boot.chapters if opener(boot, head).address.startswith(f"{chapter.address}-")
        )
        assert sent.name == "POST /v2.1/os-server-external-events"
        assert opener(boot, sent).attributes["events"] == wait.attributes["events"]


@pytest.mark.parametrize(
    ("name", "operation", "runs", "openers"),
    [
        ("ovs-attach-port", "/os-interface", 2, ["ovsdb", "port_update"]),
        ("ovs-delete", "/servers/604b2919-3cdd-48ca-a5d9-829370c2a0be", 1, ["ovsdb"]),
        ("hybrid", "boot", 2, ["ovsdb", "port_update"]),
    ],
)
def test_runs_are_chapters_of_the_request_that_set_them_off(
    name: str, operation: str, runs: int, openers: list[str]
) -> None:
    trace = correlate(load(f"ports/{name}.jsonl.xz"))
    requests = [request for request in (*trace.boots, *trace.others) if chapters(request, RUN)]
    (request,) = requests
    assert request.operation.endswith(operation)
    assert len(chapters(request, RUN)) == runs
    causes = [opener(request, chapter) for chapter in chapters(request, RUN)]
    assert [cause.text("function") or cause.name for cause in causes] == openers


def test_the_chains_of_a_boots_port_are_loaded_in_its_run() -> None:
    (boot,) = correlate(load("ports/hybrid.jsonl.xz")).boots
    (port,) = works_on(boot)
    loaded = [step for step in boot.walk() if step.attributes.get("chains")]
    assert loaded
    assert all(f"neutron-openvswi-i{port[:10]}" in step.attributes["chains"] for step in loaded)  # type: ignore[operator]
    heads = {step.address.partition("-")[0] for step in loaded}
    assert heads <= {chapter.address for chapter in chapters(boot, RUN)}
