"""Outcomes of boots by log lines alone: what was raised, the first cause of it, the host, and several instances."""

from __future__ import annotations

from itertools import count

from tests.support.builders import step
from tracer.correlation import outcomes, states
from tracer.model import Request, Step

UUID = "7a7a7a7a-0000-4000-8000-000000000001"
OTHER = "7a7a7a7a-0000-4000-8000-000000000002"
NO_HOST = "No valid host was found. There are not enough hosts available."
_times = count(1)


def line(message: str, logger: str = "compute.manager", uuid: str = UUID, host: str = "") -> Step:
    """Return a line of one of Nova's logs, later than the one before."""
    text = f"[instance: {uuid}] {message}" if uuid else message
    service = logger.partition(".")[0]
    step_ = step("log", service, name=f"nova.{logger}", logger=f"nova.{logger}", message=text, level="INFO")
    step_.start = step_.end = next(_times)
    step_.host = host
    return step_


def boot(*lines: Step, status: int = 202, others: tuple[Request, ...] = ()) -> Request:
    """Return a boot with these lines below the API's request, beside other requests."""
    head = step("http", "API", *lines, name="POST /servers", side="server", status=status)
    request = Request(1, "boot", [head])
    states.describe_instance(request, head, outcomes.deletes(others))
    return request


def delete(uuid: str = UUID, status: int = 204) -> Request:
    """Return the request that deletes an instance."""
    head = step("http", "API", side="server", method="DELETE", path=f"/v2.1/servers/{uuid}", status=status)
    head.start = head.end = next(_times)
    return Request(2, "DELETE", [head])


CLAIM = "Claim successful on node kite"
LAST = (
    "Error from last host: kite (node kite): ['Traceback (most recent call last):\\n', "
    "'nova.exception.RescheduledException: Build of instance X was re-scheduled: disk full\\n']"
)


def test_an_instance_that_was_built_is_active() -> None:
    result = boot(line(CLAIM, "compute.claims"), line("Took 6.20 seconds to build instance."))
    assert (result.outcome, result.uuid, result.host) == ("active", UUID, "kite")


def test_the_error_is_what_was_raised_and_what_that_was_raised_for() -> None:
    aborted = f"Build of instance {UUID} aborted: Failed to allocate the network(s), not rescheduling"
    failed = "Failed to allocate network(s): VirtualInterfaceCreateException: Virtual Interface creation failed"
    result = boot(line(CLAIM, "compute.claims"), line(failed), line(f"{aborted}."))
    first = "VirtualInterfaceCreateException: Virtual Interface creation failed"
    assert result.outcome == f"error: BuildAbortException: {aborted}; first: {first}"
    assert result.host == "kite"


def test_a_cause_that_the_error_names_is_not_repeated() -> None:
    failed = "Instance failed to spawn: libvirt.libvirtError: disk full"
    aborted = f"Build of instance {UUID} aborted: disk full"
    assert boot(line(failed), line(aborted)).outcome == f"error: BuildAbortException: {aborted}"


def test_a_failed_attempt_is_not_the_end() -> None:
    failed = "Instance failed to spawn: libvirt.libvirtError: disk full"
    assert boot(line(CLAIM, "compute.claims"), line(failed)).outcome == "unfinished"
    result = boot(
        line(CLAIM, "compute.claims"),
        line(failed),
        line(LAST, "scheduler.utils"),
        line("Claim successful on node lark", "compute.claims"),
        line("Took 6.20 seconds to build instance."),
    )
    assert (result.outcome, result.host) == ("active", "lark")


def test_out_of_retries_names_the_failure_of_the_last_host() -> None:
    text = f"Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for {UUID}"
    result = boot(
        line("Instance failed to spawn: libvirt.libvirtError: no space", host="kite"),
        line(LAST, "scheduler.utils"),
        line("Instance failed to spawn: libvirt.libvirtError: disk full", host="lark"),
        line(f"Setting instance to ERROR state.: nova.exception.MaxRetriesExceeded: {text}", "scheduler.utils"),
    )
    assert result.outcome == f"error: MaxRetriesExceeded: {text}; first: libvirtError: disk full"


def test_a_line_without_an_instance_is_about_all_of_the_request() -> None:
    failed = line(f"Failed to schedule instances: nova.exception.NoValidHost: {NO_HOST}", "conductor.manager", uuid="")
    ended = line("Setting instance to ERROR state.", "scheduler.utils")
    result = boot(failed, ended)
    assert (result.outcome, result.uuid) == (f"error: NoValidHost: {NO_HOST}", UUID)


def test_of_several_instances_the_worst_outcome_counts() -> None:
    built = line("Took 6.20 seconds to build instance.")
    assert boot(built, line("Instance failed to spawn", uuid=OTHER)).outcome == "unfinished"
    assert boot(built, line("Took 6.20 seconds to build instance.", uuid=OTHER)).outcome == "active"


def test_the_answers_status_is_completed_by_the_apis_words() -> None:
    text = "Quota exceeded for cores: Requested 1, but already used 20 of 20 cores"
    result = boot(line(f"HTTP exception thrown: {text}", "api.openstack.wsgi", uuid=""), status=403)
    assert result.outcome == f"error: HTTP 403, TooManyInstances: {text}"


def test_an_exception_says_more_than_another_text() -> None:
    """Nova of 2014 logs its own words before those of the answer."""
    text = "Quota exceeded for cores,ram: Requested 2, 4096, but already used 20, 51200 of 20, 51200 cores, ram"
    logged = line("cores quota exceeded for p1, tried to run 1 instances. Cannot run any more.", "compute.api", uuid="")
    result = boot(logged, line(f"HTTP exception thrown: {text}", "api.openstack.wsgi", uuid=""), status=413)
    assert result.outcome == f"error: HTTP 413, TooManyInstances: {text}"


def test_a_delete_in_the_same_request_does_not_end_the_boot() -> None:
    """Nova of 2014 logs ``Terminating instance`` where it cleans up after a failed spawn."""
    failed = "Instance failed to spawn"
    assert (
        boot(line(failed), line("Terminating instance"), line("Instance destroyed successfully.")).outcome
        == "unfinished"
    )


def test_the_only_instance_that_lines_name_is_the_boots() -> None:
    assert boot(line("Ignoring supplied device name: /dev/vda", "compute.manager")).uuid == UUID
    assert boot(line("Ignoring it"), line("Ignoring it", uuid=OTHER)).uuid == ""


def test_an_instance_that_the_hypervisor_started_is_active() -> None:
    """Nova of 2014 logs nothing after that."""
    assert boot(line("Instance spawned successfully.", "virt.libvirt.driver")).outcome == "active"
    ended = line("Setting instance vm_state to ERROR"), line("Instance spawned successfully.", "virt.libvirt.driver")
    assert boot(*ended).outcome.startswith("error")


def test_an_instance_deleted_before_its_end_is_deleted() -> None:
    begun = line(CLAIM, "compute.claims")
    assert boot(begun, others=(delete(),)).outcome == "deleted"
    assert boot(begun, others=(delete(OTHER), delete(status=404))).outcome == "unfinished"
    reported = Request(2, "log lines", [line("Terminating instance")])
    assert boot(begun, others=(reported,)).outcome == "deleted"


def test_a_delete_counts_if_it_began_before_the_spawn_ended() -> None:
    early = delete()
    spawned = line("Instance spawned successfully.", "virt.libvirt.driver")
    assert boot(spawned, others=(early,)).outcome == "deleted"
    assert boot(spawned, others=(delete(),)).outcome == "active"
    built = line("Took 6.20 seconds to build instance.")
    assert boot(spawned, built, others=(early,)).outcome == "active"


def other(*lines: Step, outcome: str = "done") -> str:
    """Return the outcome of a request that creates nothing, with these lines."""
    head = step("http", "API", *lines, name="POST /servers/U/action", side="server")
    for step_ in head.walk():
        step_.witnesses = ("logs",)
    request = Request(1, head.name, [head], outcome=outcome)
    outcomes.describe_other(request)
    return request.outcome


def test_another_request_ends_as_messages_report() -> None:
    failed = line(f"Failed to compute_task_migrate_server: {NO_HOST}", "scheduler.utils", uuid="")
    assert other(failed) == f"error: NoValidHost: {NO_HOST}"
    resized = line("Setting instance vm_state to ERROR: libvirt.libvirtError: disk full")
    assert other(resized, outcome="unknown") == "error: libvirtError: disk full"
    attached = line("Failed to attach v1 at /dev/vdb: cinderclient.exceptions.ClientException: no such target")
    assert other(line("Attaching volume v1 to /dev/vdb"), attached) == "error: ClientException: no such target"
    assert other(line("Attaching volume v1 to /dev/vdb")) == "done"


def test_another_request_that_was_refused_has_the_apis_words() -> None:
    refused = line("HTTP exception thrown: Image x could not be found.", "api.openstack.wsgi", uuid="")
    assert other(refused, outcome="error: HTTP 404") == "error: HTTP 404, ImageNotFound: Image x could not be found."
