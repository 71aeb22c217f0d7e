"""Real boots on Nova in separate processes, checked against independent witnesses."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from examples.embedded import Boot as Booted
from examples.embedded import EmbeddedCloud
from tests.support import witnesses
from tests.support.witnesses import Agreement
from tracer import trace_file
from tracer.cli import main
from tracer.model import Request, Step, Trace

pytestmark = pytest.mark.slow

_KEY = (
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQDPebiC47I25YnQHOoOW2u3frkqSdUXgRXIKa70I7If2smeMub9VaZ93dh7grRSOqa7n51G"
    "rTJc15LMRf1BglmwFs9W++4D4BoZNUHbX4397Zm9ufu0m8c3R0WKZs8zUepNKK8JoymLfUBI421cEbgigN2jOGVfM97aCt3FadpC"
    "vyvrq0elAymF8oO9rDD7gWipy2I1iyAS9Z/TQ3Bwm+tSBSz4CSWpGIVD5fR38IRD+ZTWozLIltnaroONgP1DlpoZu6PGVJqL8A/6"
    "jS1r4IyfZx8Xbk8aPWn0VtGmzplSuxCNU3krxg+rdOBiVvRLWDY2LdjLUKxdbtmx1kWhExON"
)
SECRETS: dict[str, Any] = {
    "admin_pass": "Tr0ub4dor-and-3",
    "user_data": "#!/bin/sh\necho forty-two-lions\n",
    "key_name": "mykey",
    "public_key": f"{_KEY} someone@somewhere",
    "personality": {"/etc/banner": "four-hundred-elephants"},
}
#: Bytes of the secrets, plain and encoded, that must not be in a capture.
FORBIDDEN = (
    b"Tr0ub4dor",
    b"forty-two-lions",
    base64.b64encode(SECRETS["user_data"].encode()),
    b"AAAAB3NzaC1yc2E",
    _KEY[-40:].encode(),
    b"four-hundred-elephants",
    base64.b64encode(b"four-hundred-elephants").rstrip(b"="),
)
SERVICES = {"nova-api": "API", "nova-conductor": "conductor", "nova-scheduler": "scheduler", "placement": "placement"}


@dataclass(frozen=True)
class Run:
    """A recorded cloud: one boot alone, two at once, one that fails; and the trace of them."""

    state: Path
    capture: Path
    file: Path
    trace: Trace
    alone: Booted
    pair: list[Booted]
    failed: Booted

    def boot(self, booted: Booted) -> Request:
        """Return the boot in the trace for a boot that the client requested."""
        return next(boot for boot in self.trace.boots if boot.request_id == booted.request_id)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Record Nova 34, with SQL echo enabled in Nova's own configuration."""
    folder = tmp_path_factory.mktemp("processes")
    capture, file = folder / "cap", folder / "boot.trace.jsonl.gz"
    with EmbeddedCloud("34", folder / "state", capture=capture, echo=True) as cloud:
        alone = cloud.boot("alone", **SECRETS)
        pair = cloud.boot_all(["left", "right"])
        failed = cloud.boot("failed", flavor="huge")
    outcome = CliRunner().invoke(main, ["ingest", "-o", str(file), str(capture)])
    assert outcome.exit_code == 0, outcome.output
    return Run(folder / "state", capture, file, trace_file.read(file), alone, pair, failed)


def lines(run: Run, booted: Booted, *options: str) -> list[str]:
    """Return the lines that ``bootseq show`` prints for a boot."""
    outcome = CliRunner().invoke(main, ["show", str(run.file), booted.uuid, *options])
    assert outcome.exit_code == 0, outcome.output
    return outcome.output.splitlines()


def test_every_server_request_is_a_boot(run: Run) -> None:
    """Four servers were requested: four boots with their name, uuid and outcome."""
    boots = {boot.server: (boot.uuid, boot.outcome.partition(":")[0]) for boot in run.trace.boots}
    assert boots == {
        "alone": (run.alone.uuid, "active"),
        "left": (run.pair[0].uuid, "active"),
        "right": (run.pair[1].uuid, "active"),
        "failed": (run.failed.uuid, "error"),
    }


def test_chapters_follow_the_casts(run: Run) -> None:
    """Client → API, then conductor, compute and the schedulers' fanout, each opened by the step that sent it."""
    boot = run.boot(run.alone)
    heads = [(chapter.service, chapter.name, chapter.opened_by) for chapter in boot.chapters]
    senders = {step.address: step for step in boot.walk()}
    assert [(service, name) for service, name, _ in heads] == [
        ("client", "openstack.compute.v2._proxy:Proxy.create_server"),
        ("conductor", "schedule_and_build_instances"),
        ("compute", "build_and_run_instance"),
        ("scheduler", "update_instance_info"),
    ]
    for chapter in boot.chapters[1:]:
        assert chapter.address in senders[chapter.opened_by].opens
    assert [senders[opened_by].service for _, _, opened_by in heads[1:]] == ["API", "conductor", "compute"]


def test_rpc_steps_are_named_by_their_method_and_have_both_ends(run: Run) -> None:
    """13 or 14 calls with the receiver's step below them, and 3 casts that open a chapter."""
    steps = [step for step in run.boot(run.alone).walk() if step.kind == "rpc" and step.text("side") == "client"]
    calls = [step for step in steps if step.text("mode") == "call"]
    casts = [step for step in steps if step.text("mode") in ("cast", "fanout")]
    assert 13 <= len(calls) <= 14
    assert Counter(step.name for step in casts) == Counter(
        ["schedule_and_build_instances", "build_and_run_instance", "update_instance_info"]
    )
    for step in calls:
        assert [child.service for child in step.children if child.text("side") == "server"] == [step.text("peer")]
    assert all(step.opens for step in casts)
    names = Counter(step.name for step in calls)
    assert names["Instance.save"] >= 5
    assert not {"object_action", "object_class_action_versions"} & set(names)


def test_a_request_to_placement_contains_its_sql(run: Run) -> None:
    """Below the request is Placement's own step, and below that its statements."""
    requests = [
        s
        for s in run.boot(run.alone).walk()
        if s.kind == "http" and s.text("peer") == "placement" and s.text("side") == "client"
    ]
    assert len(requests) >= 6
    for step in requests:
        (served,) = [child for child in step.children if child.kind == "http"]
        assert served.service == "placement"
        assert any(below.kind == "sql" for below in served.walk())


def test_states_are_below_the_steps_that_set_them(run: Run) -> None:
    """From building/scheduling to active, in Nova's order."""
    changes: list[Any] = [step.attributes["changes"] for step in run.boot(run.alone).walk() if step.kind == "state"]
    tasks = [change["task_state"][1] for change in changes if "task_state" in change]
    assert tasks == ["scheduling", None, "networking", "block_device_mapping", "spawning", None]
    assert changes[-1]["vm_state"] == ["building", "active"]
    text = "\n".join(lines(run, run.alone))
    assert "vm_state building → active, task_state spawning → None" in text


def test_no_event_of_a_boot_is_among_the_other_requests(run: Run) -> None:
    """Events are assigned by the boots' request ids."""
    own = {request_id for boot in run.trace.boots for request_id in boot.request_ids}
    others = (step for other in run.trace.others for step in other.walk())
    # Except for log lines: Nova logs a message's arrival under the id that the thread served last.
    unassigned = [s for s in others if s.kind != "log" and {s.request_id, s.global_request_id} & own]
    assert [f"{step.service} {step.name}" for step in unassigned] == []


def test_simultaneous_boots_are_not_mixed(run: Run) -> None:
    """A boot's steps name its own instance only, and both boots send the same messages."""
    first, second = (run.boot(booted) for booted in run.pair)
    for boot, other in ((first, second), (second, first)):
        for step in boot.walk():
            # Nova logs a message's arrival under the id that the thread served last, so log lines are left out.
            assert step.kind == "log" or other.request_id not in (step.request_id, step.global_request_id)
            # Not in paths: a compute asks Placement for the allocations of every instance it has.
            assert other.uuid not in step.text("arguments") + step.text("instance")
    names = [Counter(step.name for step in boot.walk() if step.kind == "rpc") for boot in (first, second)]
    assert names[0] == names[1]


def test_a_failing_boot_has_the_error_at_its_step_and_in_its_outcome(run: Run) -> None:
    """The scheduler raises NoValidHost."""
    boot = run.boot(run.failed)
    assert boot.outcome.startswith("error: NoValidHost")
    failed = [step for step in boot.walk() if step.error and step.error.startswith("NoValidHost")]
    assert "scheduler" in {step.service for step in failed}
    assert any("NoValidHost" in line for line in lines(run, run.failed))


def test_no_secret_is_in_the_capture(run: Run) -> None:
    """Neither admin password, user data, key, personality nor tokens."""
    for file in run.capture.rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        assert [secret for secret in FORBIDDEN if secret in data] == [], file.name
        assert file.stat().st_mode & 0o077 == 0
    assert any("Tr0ub4dor" in str(message) for message in witnesses.messages(run.state / "messages"))


def test_sql_equals_the_statements_in_the_services_logs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Witness 1, SQLAlchemy's echo: the boot's statements of every service, by text and count."""
    boot = run.boot(run.alone)
    for name, service in SERVICES.items():
        log = list(witnesses.echoed(run.state / "logs" / f"{name}.log"))
        mine = Counter(line.statement for line in log if any(own in line.ids for own in boot.request_ids))
        traced = witnesses.statements([step for step in boot.walk() if step.service == service])
        # Scatter-gather threads log without a context, and the resource tracker's queries are logged under the
        # compute service's own start-up id: statements beyond the boot's ids must be in the log under one of these.
        served_ids = {
            step.request_id
            for step in boot.walk()
            if step.kind == "rpc" and step.text("side") == "server" and step.request_id
        }
        foreign = served_ids - set(boot.request_ids)
        beyond = Counter(
            line.statement for line in log if "req-" not in line.ids or any(own in line.ids for own in foreign)
        )
        agreement = Agreement.of(f"{service}: SQL", Counter(mine), Counter(traced))
        with capsys.disabled():
            print(f"\n{agreement}")  # noqa: T201 - the figures are the purpose of the run
        assert agreement.missed == Counter()
        assert agreement.invented - Counter(beyond) == Counter()


def test_rpc_equals_the_messages_in_the_transports_folder(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Witness 2, the transport's files: the boot's requests and replies, by unique id."""
    boot = run.boot(run.alone)
    passed = list(witnesses.messages(run.state / "messages"))
    mine = [message for message in passed if message.get("_context_request_id") in boot.request_ids]
    msg_ids = {message["_msg_id"] for message in mine if "_msg_id" in message}
    replies = [message for message in passed if message.get("_msg_id") in msg_ids and "method" not in message]
    witnessed = Counter(str(message["_unique_id"]) for message in [*mine, *replies])
    traced = Counter(_unique_ids(boot))
    start_up = Counter(_unique_ids(boot, foreign=True))
    agreement = Agreement.of("RPC messages", Counter(witnessed), Counter(traced))
    with capsys.disabled():
        print(f"\n{agreement}; under the compute's own id: {start_up.total()}")  # noqa: T201
    assert agreement.missed == Counter()
    assert agreement.invented - Counter(start_up) == Counter()
    assert start_up - Counter(str(message["_unique_id"]) for message in passed) == Counter()


def _unique_ids(boot: Request, foreign: bool = False) -> Iterator[str]:
    """Yield the unique ids of the boot's messages; ``foreign``: of those sent under another request id."""
    for step in boot.walk():
        if step.kind != "rpc" or (foreign and step.request_id in boot.request_ids):
            continue
        if step.text("side") == "client" and step.text("unique_id"):
            yield step.text("unique_id")
        reply = step.attributes.get("reply")
        if isinstance(reply, dict):
            yield str(reply["unique_id"])


def test_http_equals_the_servers_access_lines(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Witness 3, access lines: all requests that the servers answered during the capture."""
    for name, service in (("nova-api", "API"), ("placement", "placement")):
        witnessed = witnesses.access_lines(run.state / "logs" / f"{name}-access.log")
        traced = Counter(_served(run.trace, service))
        agreement = Agreement.of(f"{service}: HTTP", Counter(witnessed), Counter(traced))
        with capsys.disabled():
            print(f"\n{agreement}")  # noqa: T201 - the figures are the purpose of the run
        assert agreement.missed == Counter()
        assert agreement.invented == Counter()


def _served(trace: Trace, service: str) -> Iterator[tuple[str, str, str]]:
    steps: Iterator[Step] = (step for boot in [*trace.boots, *trace.others] for step in boot.walk())
    for step in steps:
        if step.kind == "http" and step.text("side") == "server" and step.service == service:
            yield step.text("method"), step.text("path"), step.text("status")


@pytest.fixture(scope="module")
def confirmed(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trace]:
    """Ingest the same capture with the services' logs and copies of the transport's messages."""
    folder = tmp_path_factory.mktemp("confirmed")
    file, copies = folder / "boot.trace.jsonl.gz", folder / "copies.jsonl"
    copies.write_text("".join(json.dumps(copy) + "\n" for copy in witnesses.copies(run.state / "messages")))
    logs = [str(run.state / "logs" / f"{name}.log") for name in (*SERVICES, "nova-compute")]
    outcome = CliRunner().invoke(main, ["ingest", "-o", str(file), str(run.capture), *logs, str(copies)])
    assert outcome.exit_code == 0, outcome.output
    return file, trace_file.read(file)


def test_logs_and_copies_beside_hooks_change_no_address(run: Run, confirmed: tuple[Path, Trace]) -> None:
    """The tree of all three witnesses is the tree of the hooks, without duplicate steps."""
    _, trace = confirmed
    assert len(trace.boots) == len(run.trace.boots)
    for mine, both in zip(run.trace.boots, trace.boots, strict=True):
        steps = {step.address: (step.service, step.kind, step.name, step.start) for step in mine.walk()}
        assert {step.address: (step.service, step.kind, step.name, step.start) for step in both.walk()} == steps
        assert both.outcome == mine.outcome


def test_a_step_names_all_its_witnesses(confirmed: tuple[Path, Trace]) -> None:
    _, trace = confirmed
    for boot in trace.boots:
        steps = list(boot.walk())
        assert {step.witnesses for step in steps if step.kind == "sql"} == {("hooks", "logs")}
        rpc = [step for step in steps if step.kind == "rpc" and step.text("mode") != "notify"]
        assert {step.witnesses for step in rpc} == {("hooks", "logs", "broker")}
        served = [step for step in steps if step.kind == "http" and step.text("side") == "server"]
        assert {step.witnesses for step in served if step.service in ("API", "placement")} == {("hooks", "logs")}


def test_a_complete_recording_lacks_nothing(run: Run, confirmed: tuple[Path, Trace]) -> None:
    """Its findings are the boot that failed, and lines that Nova logged as errors."""
    for file in (run.file, confirmed[0]):
        outcome = CliRunner().invoke(main, ["show", str(file), "--findings", "--json"])
        rows = json.loads(outcome.output)
        assert {row["class"] for row in rows} <= {"failed", "error"}
        # A compute that starts for the first time asks for its own record, which does not exist yet.
        failed = [row["text"] for row in rows if row["class"] == "failed" and "ComputeHostNotFound" not in row["text"]]
        assert [text.partition(": No valid")[0] for text in failed] == ["boot failed: error: NoValidHost"]
