"""``bootseq explain`` on recorded failures: the first cause, its way up, hosts, waits, phases, what is missing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support import builders
from tests.support.explanations import explain, json_of, text_of
from tracer import trace_file
from tracer.cli import main
from tracer.model import Request, Trace

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data" / "explain"
GALLERY = ROOT / "examples" / "gallery" / "boots.trace.jsonl.gz"


def recorded(name: str) -> Path:
    return DATA / f"{name}.trace.jsonl.gz"


class TestNoValidHost:
    """Placement offers no host for the flavor."""

    def test_only_the_failed_boot_of_four_is_explained(self) -> None:
        assert json_of(GALLERY)["what"].startswith("boot vm4 (instance 5cc28e60-")

    def test_the_cause_is_the_resource_that_no_host_has(self) -> None:
        cause = json_of(GALLERY)["cause"]
        assert (cause["service"], cause["error"]) == ("scheduler", "NoValidHost: No valid host was found.")
        assert cause["text"] == (
            "Placement had no host for DISK_GB 1024, MEMORY_MB 1048576, VCPU 1024: none has 1048576 MEMORY_MB."
        )

    def test_the_next_command_asks_placement_for_the_same(self) -> None:
        command = "openstack allocation candidate list --resource DISK_GB=1024 --resource MEMORY_MB=1048576"
        assert json_of(GALLERY)["next"][0]["command"] == f"{command} --resource VCPU=1024"

    def test_the_way_up_ends_with_the_instance_s_state(self) -> None:
        services = [(link["service"], link["error"][:11]) for link in json_of(GALLERY)["chain"]]
        assert services == [("scheduler", "NoValidHost"), ("conductor", "NoValidHost"), ("conductor", "")]

    def test_evidence_is_the_address_of_a_step_of_the_trace(self) -> None:
        addresses = {step.address for boot in trace_file.read(GALLERY).boots for step in boot.walk()}
        value = json_of(GALLERY)
        assert set(value["cause"]["evidence"]) <= addresses
        assert "2-1-2-1/3  [scheduler devstack] INFO nova.scheduler.manager: Got no allocation" in text_of(GALLERY)


class TestErrorOfAnotherService:
    """Neutron's OVN driver fails, which the user sees as ``Error creating server``."""

    def test_the_cause_is_the_first_exception_and_no_wrapper(self) -> None:
        cause = json_of(recorded("port-group"))["cause"]
        assert cause["service"] == "network"
        assert cause["host"] == "devstack"
        assert cause["error"] == "RuntimeError: Port group pg_ed8cd8c3_924c_4efa_9334_2a0c3c538629 does not exist"

    def test_each_service_on_the_way_up_has_a_link(self) -> None:
        chain = json_of(recorded("port-group"))["chain"]
        services = [link["service"] for link in chain]
        assert list(dict.fromkeys(services)) == ["network", "compute", "conductor", "client"]
        assert chain[-1]["error"] == "CommandError: Error creating server: o1"

    def test_the_host_has_the_first_error_as_its_reason(self) -> None:
        (attempt,) = json_of(recorded("port-group"))["hosts"]
        assert attempt["host"] == "compute1"
        assert attempt["failed"]
        assert "RuntimeError: Port group" in attempt["text"]

    def test_a_look_up_in_vain_is_no_cause(self) -> None:
        """The client looks for image, flavor and network by name first; Placement knows no consumer yet."""
        assert "NotFound" not in text_of(recorded("port-group"))


class TestReschedule:
    """The only host refuses, and cleaning up fails too."""

    def test_the_cause_is_the_host_s_refusal(self) -> None:
        value = json_of(recorded("reschedule"))
        assert value["cause"]["error"] == (
            "ComputeResourcesUnavailable: Insufficient compute resources: FakeRescheduleDriver."
        )
        assert [link["error"].partition(":")[0] for link in value["chain"]] == [
            "ComputeResourcesUnavailable",
            "RescheduledException",
        ]

    def test_the_host_and_its_reason_are_listed(self) -> None:
        (attempt,) = json_of(recorded("reschedule"))["hosts"]
        assert (attempt["host"], attempt["failed"]) == ("compute1", True)
        assert "Insufficient compute resources" in attempt["text"]


class TestUnansweredCalls:
    def test_an_answer_that_comes_too_late(self) -> None:
        value = json_of(recorded("timeout"))
        (wait,) = value["waits"]
        assert (wait["caller"], wait["peer"], wait["count"], wait["over"]) == ("conductor", "scheduler", 1, True)
        assert 8.2e9 < wait["longest"] < 8.4e9
        assert value["cause"]["text"].endswith("scheduler received it after 417 ms and answered 0.08 ms too late.")

    def test_a_service_that_is_dead(self) -> None:
        """The scheduler was killed before the boot."""
        value = json_of(recorded("no-scheduler"))
        assert value["cause"]["service"] == "scheduler"
        assert "no record shows that scheduler received it" in value["cause"]["text"]
        commands = ["openstack compute service list --service nova-scheduler", "bootseq doctor"]
        assert [item["command"] for item in value["next"]] == commands

    def test_the_innermost_of_nested_waits_is_the_cause(self) -> None:
        """The API waits for the conductor, which waits for a compute that was killed."""
        value = json_of(recorded("actions"), 42)
        assert (value["cause"]["service"], len(value["waits"])) == ("compute", 2)
        assert [wait["peer"] for wait in value["waits"]] == ["compute", "conductor"]


class TestOtherRequests:
    def test_a_volume_that_does_not_exist(self) -> None:
        value = json_of(recorded("actions"), 30)
        assert value["cause"]["text"].startswith("Volume answered GET /v3/volumes/11111111-2222-4333-8444-555555555555")
        assert [link["error"] for link in value["chain"]] == [
            "HTTP 404",
            "AttributeError: 'str' object has no attribute 'get'",
            "HTTP 500",
        ]

    def test_a_migration_that_fails_after_it_was_accepted(self) -> None:
        value = json_of(recorded("actions"), 32)
        assert value["what"].startswith("migrate: POST /v2.1/servers/")
        assert value["outcome"].startswith("error: NoValidHost")
        assert value["cause"]["text"] == "The scheduler was to ignore compute1, and no other host remained."

    def test_a_resize_to_a_flavor_that_no_host_has_room_for(self) -> None:
        value = json_of(recorded("actions"), 40)
        assert value["what"].startswith("resize: POST /v2.1/servers/")
        assert "none has 1048576 MEMORY_MB" in value["cause"]["text"]

    def test_without_boots_the_failed_requests_are_explained(self) -> None:
        assert len(json_of(recorded("actions"))) == 3

    def test_a_volume_s_uuid_finds_the_request_that_names_it(self) -> None:
        assert json_of(recorded("actions"), "11111111-2222-4333-8444-555555555555") == json_of(recorded("actions"), 30)


class TestSuccess:
    def test_the_phases_partition_the_time(self) -> None:
        value = json_of(GALLERY, "vm1")
        phases = value["phases"]
        assert (value["outcome"], value["cause"], value["chain"]) == ("active", None, [])
        assert all(first["start"] + first["duration"] == second["start"] for first, second in pairwise(phases))
        names = [phase["name"] for phase in phases]
        assert names[1:3] == ["API answers POST /v2.1/servers", "message to conductor"]
        assert names[-1] == "spawn on the hypervisor"

    def test_a_phase_names_the_step_that_took_most_of_it(self) -> None:
        (phase,) = (phase for phase in json_of(GALLERY, "vm1")["phases"] if phase["name"] == "scheduler chooses a host")
        assert phase["most"].startswith("scatter_gather_cells.gather_result() ")

    def test_without_a_failure_that_is_reported_first(self, tmp_path: Path) -> None:
        path = tmp_path / "boot.jsonl"
        trace_file.write(path, Trace([builders.small_boot()]))
        assert text_of(path).startswith("No boot failed:\n\ncreate ")


class TestWhat:
    @pytest.mark.parametrize("word", ["vm4", "4", "5cc28e60-5815-4b4e-be9b-f69cdb6c18e2", "5cc28e60",
                                      "req-b91a6491-964c-4532-b9cd-a90d4acdc1a7", "b91a6491"])  # fmt: skip
    def test_names_ids_beginnings_and_numbers(self, word: str) -> None:
        assert json_of(GALLERY, word)["what"].startswith("boot vm4 ")

    def test_an_unknown_word_is_one_line_and_exit_2(self) -> None:
        result = explain(GALLERY, "vm9")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr == f"bootseq: {GALLERY} holds nothing of 'vm9'; see: bootseq list --all {GALLERY}\n"

    def test_a_trace_without_requests_is_one_line_and_exit_2(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.jsonl"
        trace_file.write(path, Trace([]))
        result = explain(path)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "holds no boot and nothing that failed" in result.stderr


def test_json_has_the_promised_fields() -> None:
    value = json_of(GALLERY)
    assert {"what", "outcome", "cause", "chain", "waits", "phases", "next"} <= set(value)
    assert {"text", "service", "host", "error", "evidence"} <= set(value["cause"])
    assert all(isinstance(address, str) for address in value["cause"]["evidence"])


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(main, ["explain", "--help"])
    assert "bootseq explain boot.trace.jsonl.gz vm1" in result.stdout


def _failed(text: str) -> Request:
    """Return a failed boot with ``text`` in its error, log line, host and name."""
    line = builders.step("log", "compute", level="ERROR", logger="nova.compute.manager", message=text)
    inner = builders.call("compute", "nova.compute.manager:ComputeManager.spawn", line, error=text, host=text)
    boot = builders.boot(builders.http("client", "API", "POST", "/v2.1/servers", inner, status=500))
    boot.server, boot.outcome = text, f"error: {text}"
    return boot


@pytest.mark.parametrize(
    "text", ["\x1b]0;title\x07", "\u202e", "a\nb\r\nFirst cause: x", "\x00", "x" * 5000, "{{ 7*7 }}"]
)
def test_hostile_texts_cannot_control_the_terminal_or_add_lines(text: str, tmp_path: Path) -> None:
    path = tmp_path / "boot.jsonl"
    trace_file.write(path, Trace([_failed(text)]))
    output = text_of(path)
    assert all(character.isprintable() or character == "\n" for character in output)
    assert sum(line.startswith("First cause:") for line in output.splitlines()) == 1
    assert max(map(len, output.splitlines())) < 700


def test_masked_values_stay_masked(tmp_path: Path) -> None:
    path = tmp_path / "boot.jsonl"
    trace_file.write(path, Trace([_failed("ValueError: admin_pass ***")]))
    assert "admin_pass ***" in text_of(path)
