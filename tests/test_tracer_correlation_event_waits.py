"""Waits of Nova's compute for events: each names the step that handled the last of them."""

from __future__ import annotations

from diagrams.outline.outline import outline
from tests.support.events import UUID, Cloud, run
from tests.support.network_events import PORT, Network, event
from tracer.model import Request, Step

PORTS = PORT.format(1), PORT.format(2)
MANAGER = "nova.compute.manager:"


def boot_that_waits(*handled: str, early: tuple[str, ...] = (), error: str | None = None) -> Request:
    """Return a boot that waits for the events of two ports, of which Neutron sends some, some before the wait."""
    cloud = Cloud()
    network = Network(cloud)
    story = network.boot_with_port(1)
    for _ in range(11):
        next(story)
    events = [event(port) | {"instance": UUID.format(16)} for port in PORTS]

    def handle(port: str) -> None:
        message = network.compute.on(1).cast("external_instance_event", "req-1")
        with network.compute.on(51).receives(message):
            network.compute.on(51).does(
                "call", f"{MANAGER}ComputeManager._process_instance_event", function="_process_instance_event",
                events=[event(port) | {"instance": UUID.format(16)}],
            )  # fmt: skip

    for port in early:
        handle(port)
    wait = f"{MANAGER}ComputeVirtAPI._wait_for_instance_events"
    with network.compute.on(1).call(wait, events=events, error=error):
        for port in handled:
            handle(port)
    run(story)
    return cloud.boot()


def the_wait(boot: Request) -> Step:
    """Return the step that waits."""
    (wait,) = (step for step in boot.walk() if step.text("function") == "_wait_for_instance_events")
    return wait


def last_handled(boot: Request) -> str:
    """Return the port whose event ended the wait."""
    (step,) = (step for step in boot.walk() if step.address == the_wait(boot).text("ended_by"))
    return next(port for port in PORTS if port in str(step.attributes["events"]))


def test_a_wait_is_ended_by_the_last_of_its_events() -> None:
    assert last_handled(boot_that_waits(*PORTS)) == PORTS[1]
    assert last_handled(boot_that_waits(*PORTS[::-1])) == PORTS[0]
    assert last_handled(boot_that_waits(PORTS[0], early=PORTS[1:])) == PORTS[0]
    # All came before it waited.
    assert last_handled(boot_that_waits(early=PORTS)) == PORTS[1]


def test_the_tree_shows_what_ended_a_wait() -> None:
    boot = boot_that_waits(*PORTS)
    lines = outline(boot).splitlines()
    position = next(number for number, line in enumerate(lines) if "_wait_for_instance_events()" in line)
    assert lines[position + 1] == f"- ended by {the_wait(boot).text('ended_by')}"


def test_a_wait_without_all_of_its_events_has_no_end() -> None:
    assert "ended_by" not in the_wait(boot_that_waits(PORTS[0])).attributes
    assert "ended_by" not in the_wait(boot_that_waits()).attributes
    assert "ended_by" not in the_wait(boot_that_waits(*PORTS, error="InstanceEventTimeout")).attributes
