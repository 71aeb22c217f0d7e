"""``bootseq spec`` and ``bootseq check`` from outside: specs, verdicts, reports, refused inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.builders import boot, call, cast, failed_boot, http, rpc, served, small_boot, sql, state
from tests.test_tracer_cli import bootseq, refused
from tracer import trace_file
from tracer.model import Request, Trace

PORTS = (
    "0b5a0a0e-2f0c-4b6a-8a51-0d2f0ea0c001",
    "0b5a0a0e-2f0c-4b6a-8a51-0d2f0ea0c002",
    "0b5a0a0e-2f0c-4b6a-8a51-0d2f0ea0c003",
)
Writer = Callable[..., Path]


@pytest.fixture
def traced(tmp_path: Path) -> Writer:
    """Write boots into a trace file."""

    def write(*boots: Request, warnings: tuple[str, ...] = ()) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.trace.jsonl"
        for number, request in enumerate(boots, 1):
            request.number, request.server = number, f"vm{number}"
        trace_file.write(path, Trace(list(boots), warnings=list(warnings)))
        return path

    return write


def with_ports(number: int, statements: int | None = None) -> Request:
    """A boot that updates some ports, with a constant number of statements and two more for each port."""
    ports = [http("compute", "network", "PUT", f"/v2.0/ports/{port}") for port in PORTS[:number]]
    rows = [sql("compute", "SELECT", "instances") for _ in range(4 + 2 * number if statements is None else statements)]
    request = call("API", "nova.compute.api:API.create", cast("API", "compute", "build_and_run_instance", 2))
    built = served("compute", "build_and_run_instance", *ports, *rows, host="cmp1", opened_by="1-1")
    return boot(request, built, operation="boot", outcome="active")


def spec_of(path: Path, *more: str) -> Path:
    output = path.with_suffix(".spec.yaml")
    done = bootseq("spec", path, "-o", output, *more)
    assert done.exit_code == 0, done.stderr
    return output


def test_the_boots_of_a_spec_pass(traced: Writer) -> None:
    file = traced(small_boot(), small_boot())
    checked = bootseq("check", spec_of(file), file)
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert checked.stdout == f"{file} vm1: passed\n{file} vm2: passed\n"


def test_a_baselines_boots_pass_its_spec(traced: Writer, tmp_path: Path) -> None:
    file = traced(with_ports(1), with_ports(2))
    done = bootseq("baseline", file, "-o", tmp_path / "b")
    assert done.exit_code == 0, done.stderr
    assert bootseq("check", spec_of(tmp_path / "b"), file).exit_code == 0


def test_counts_that_grow_with_the_ports_are_written_so(traced: Writer) -> None:
    spec = spec_of(traced(*map(with_ports, (1, 2, 3))))
    assert "sql.select.instances: 4 + 2 per port" in spec.read_text()
    other = bootseq("check", spec, traced(with_ports(0), with_ports(3, statements=11)))
    assert other.exit_code == 1
    lines = other.stdout.splitlines()
    assert lines[0].endswith("vm1: passed")
    assert any("sql.select.instances within compute: 11, expected 4 + 2 per port = 10" in line for line in lines)


def test_two_amounts_are_not_enough_for_a_rule(traced: Writer) -> None:
    assert "sql.select.instances: 6 to 8" in spec_of(traced(with_ports(1), with_ports(2))).read_text()


def test_a_failure_shows_expectation_line_and_steps(traced: Writer, tmp_path: Path) -> None:
    spec = tmp_path / "boot.spec.yaml"
    spec.write_text("version: 1\ncounts:\n  sql.select.instances: at most 5\n  rpc.cast.*: 1\n")
    done = bootseq("check", spec, traced(with_ports(1)))
    assert done.exit_code == 1
    first, failure, *steps = done.stdout.splitlines()
    assert first.endswith(" vm1: 1 of 2 assertions fail")
    assert failure == f"  sql.select.instances: 6, expected at most 5 ({spec}:3)"
    assert len(steps) == 6
    assert steps[0] == "    2/1 [compute] sql: SELECT instances"


def test_a_count_holds_within_a_service(traced: Writer, tmp_path: Path) -> None:
    spec = tmp_path / "boot.spec.yaml"
    spec.write_text("version: 1\nwithin:\n  API:\n    sql.*: none\n  compute:\n    sql.*: at least 1\n")
    assert bootseq("check", spec, traced(with_ports(1))).exit_code == 0
    spec.write_text("version: 1\nwithin:\n  compute:\n    sql.*: none\n")
    assert bootseq("check", spec, traced(with_ports(1))).exit_code == 1


def test_steps_are_expected_in_an_order(traced: Writer, tmp_path: Path) -> None:
    spec, file = tmp_path / "boot.spec.yaml", traced(with_ports(1))
    spec.write_text("version: 1\norder:\n  - [rpc.cast.*, 'http.put./v2.0/ports/{id}', sql.select.instances]\n")
    assert bootseq("check", spec, file).exit_code == 0
    spec.write_text("version: 1\norder:\n  - [sql.select.instances, rpc.cast.build_and_run_instance]\n")
    assert "rpc.cast.build_and_run_instance before sql.select.instances" in bootseq("check", spec, file).stdout
    spec.write_text("version: 1\norder:\n  - [rpc.cast.never_sent, sql.select.instances]\n")
    done = bootseq("check", spec, file)
    assert done.exit_code == 1
    assert "no rpc.cast.never_sent" in done.stdout


def test_an_outcome_is_expected(traced: Writer, tmp_path: Path) -> None:
    spec = tmp_path / "boot.spec.yaml"
    spec.write_text("version: 1\noutcome: active\n")
    done = bootseq("check", spec, traced(failed_boot()))
    assert done.exit_code == 1
    assert "outcome active: error" in done.stdout
    spec.write_text("version: 1\noutcome: [active, error]\n")
    assert bootseq("check", spec, traced(failed_boot())).exit_code == 0


def test_reports_for_programs(traced: Writer, tmp_path: Path) -> None:
    spec, file = tmp_path / "boot.spec.yaml", traced(with_ports(1), with_ports(0))
    spec.write_text("version: 1\noutcome: active\ncounts:\n  sql.*: 4 + 1 per port\n")
    done = bootseq("check", spec, file, "-o", tmp_path / "r.json", "-o", tmp_path / "r.xml", "-o", tmp_path / "r.txt")
    assert done.exit_code == 1
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["format"], report["version"], report["verdict"]) == ("bootseq-check", 1, "failed")
    first, second = report["boots"]
    assert (first["ports"], first["hosts"], first["assertions"], second["failures"]) == (1, 1, 2, [])
    [failure] = first["failures"]
    assert (failure["line"], failure["observed"], failure["expected"]) == (4, "6", "4 + 1 per port = 5")
    assert [step["address"] for step in failure["steps"]] == [f"2/{number}" for number in range(1, 7)]
    root = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("4", "1")
    assert len(root.findall("testsuite")) == 2
    assert root.find(".//failure").get("message").startswith("sql.*: 6, expected 4 + 1 per port = 5")  # type: ignore[union-attr]
    assert "1 of 2 assertions fail" in (tmp_path / "r.txt").read_text()


def test_an_incomplete_recording_cannot_pass(traced: Writer, tmp_path: Path) -> None:
    file = traced(with_ports(1), warnings=("12 events dropped: the capture was full",))
    spec = tmp_path / "boot.spec.yaml"
    spec.write_text("version: 1\noutcome: active\n")
    undecided = bootseq("check", spec, file)
    assert undecided.exit_code == 2
    assert "cannot decide" in undecided.stderr
    assert bootseq("check", spec, file, "--partial").exit_code == 0
    spec.write_text("version: 1\noutcome: error\n")
    assert bootseq("check", spec, file).exit_code == 1
    assert "dropped" in refused("spec", file, "-o", tmp_path / "s")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "empty; a spec begins with version: 1"),
        ("outcome: active\n", 1, "a spec needs version: 1"),
        ("version: 2\noutcome: active\n", 1, "another version of specs"),
        ("version: 1\ncount:\n  a: 1\n", 2, "did you mean counts?"),
        ("version: 1\noutcome: happy\n", 2, "'happy' is not known"),
        ("version: 1\ncounts:\n  sql.select.instances: many\n", 3, "expected a count such as 4"),
        ("version: 1\ncounts:\n  sql.select.instances: [1, 2]\n", 3, "expected a count such as 4"),
        ("version: 1\ncounts:\n  tables.instances: 1\n", 3, "names no step"),
        ("version: 1\ncounts:\n  sql.a: 1\n  sql.a: 2\n", 4, "sql.a appears twice"),
        ("version: 1\norder: [rpc.call.a, rpc.cast.b]\n", 2, "expected a list of lists"),
        ("version: 1\norder:\n  - [rpc.call.a, 7]\n", 3, "expected text"),
        ("version: 1\nwithin: API\n", 2, "expected names, each with a value"),
        ("version: 1\ncounts: &a\n  sql.a: 1\nwithin:\n  API: *a\n", 5, "aliases"),
        ("version: 1\n\tcounts: 1\n", 2, "not YAML"),
    ],
)
def test_a_mistake_is_reported_with_its_line(
    traced: Writer, tmp_path: Path, text: str, line: int, message: str
) -> None:
    spec = tmp_path / "boot.spec.yaml"
    spec.write_text(text)
    error = refused("check", spec, traced(small_boot()))
    assert f"{spec}:{line}: " in error
    assert message in error


def test_a_spec_without_an_assertion_is_refused(traced: Writer, tmp_path: Path) -> None:
    spec = tmp_path / "boot.spec.yaml"
    spec.write_text("version: 1\n")
    assert "without an assertion" in refused("check", spec, traced(small_boot()))


def test_a_spec_of_boots_is_not_for_other_requests(traced: Writer, tmp_path: Path) -> None:
    spec = spec_of(traced(with_ports(1)))
    other = with_ports(1)
    other.operation = "DELETE /v2.1/servers/0b5a0a0e-2f0c-4b6a-8a51-0d2f0ea0c001"
    assert "is about boot" in refused("check", spec, traced(other))


def test_every_service_and_key_is_quoted_as_yaml_needs_it(traced: Writer) -> None:
    request = boot(
        call("it's: # odd", "nova.x:yes", sql("it's: # odd", "SELECT", "null"), state("on", vm_state=(None, "a: b"))),
        rpc("on", "off", "true", endpoint="nova.x:A.b"),
        operation="boot", outcome="active",
    )  # fmt: skip
    file = traced(request)
    assert bootseq("check", spec_of(file), file).exit_code == 0
