"""Steps of phases that log lines report: durations, nesting, several instances, and only where nothing else knows."""

from __future__ import annotations

from tests.support.builders import step
from tracer.correlation import logged_phases
from tracer.correlation.parts import NAME
from tracer.model import Request, Step

UUID = "7a7a7a7a-0000-4000-8000-000000000001"
OTHER = "7a7a7a7a-0000-4000-8000-000000000002"
SECOND = 1_000_000_000


def line(seconds: float, message: str, logger: str = "nova.compute.manager", uuid: str = UUID) -> Step:
    """Return a line of nova-compute's log."""
    step_ = step("log", "compute", name=logger, logger=logger, message=f"[instance: {uuid}] {message}")
    step_.start = step_.end = int(seconds * SECOND)
    step_.witnesses, step_.tied_by = ("logs",), "request_id"
    return step_


def part(*lines: Step, name: str = NAME) -> Step:
    """Return what a compute logged for a request, after its phases were inserted."""
    step_ = step("call", "compute", *lines, name=name)
    step_.start, step_.end, step_.witnesses = lines[0].start, lines[-1].start, ("logs",)
    logged_phases.insert(Request(1, "boot", [step_]))
    return step_


def outline(step_: Step) -> list[object]:
    """Return the names of the numbered steps below, and the last words of the lines, nested."""
    return [
        [child.name, *outline(child)] if child.numbered else child.text("message").rpartition("] ")[2]
        for child in step_.children
    ]


def test_a_duration_makes_a_step_with_the_lines_of_its_time() -> None:
    compute = part(
        line(10.2, "Claim successful on node kite", "nova.compute.claims"),
        line(11.0, "Creating image(s)", "nova.virt.libvirt.driver"),
        line(15.9, "Took 5.00 seconds to spawn the instance on the hypervisor."),
        line(16.0, "Took 6.00 seconds to build instance."),
        line(17.0, "Attaching volume v to /dev/vdb"),
    )
    assert outline(compute) == [
        [
            "build instance",
            "Claim successful on node kite",
            [
                "spawn the instance on the hypervisor",
                "Creating image(s)",
                "Took 5.00 seconds to spawn the instance on the hypervisor.",
            ],
            "Took 6.00 seconds to build instance.",
        ],
        "Attaching volume v to /dev/vdb",
    ]
    build = compute.children[0]
    assert (build.start, build.end, build.witnesses) == (10 * SECOND, 16 * SECOND, ("logs",))
    assert compute.start == 10 * SECOND


def test_a_claim_of_two_messages_is_a_step() -> None:
    claims = "nova.compute.claims"
    compute = part(line(1.0, "Attempting claim: memory 512 MB", claims), line(1.5, "Claim successful", claims))
    assert outline(compute) == [["claim", "Attempting claim: memory 512 MB", "Claim successful"]]
    assert part(line(1.5, "Claim successful", claims)).children[0].kind == "log"


def test_lines_of_another_instance_stay_outside() -> None:
    compute = part(line(3.0, "Creating image(s)", "nova.virt.libvirt.driver", OTHER),
                   line(6.0, "Took 5.00 seconds to build instance."))  # fmt: skip
    assert outline(compute) == [["build instance", "Took 5.00 seconds to build instance."], "Creating image(s)"]


def test_steps_of_better_witnesses_are_left_alone() -> None:
    served = part(line(6.0, "Took 5.00 seconds to build instance."), name="build_and_run_instance")
    assert outline(served) == ["Took 5.00 seconds to build instance."]
