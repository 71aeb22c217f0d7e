"""bootseq on a real cloud: up, boots, load, record, attach, ask, echo, truth, down.

As root, ten minutes for every release: `make test-cloud`, which prints the results.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.cloud.boots import Boot
from examples.cloud.content import FLAVOR
from examples.cloud.environments import environment
from examples.cloud.hypervisor import domains
from examples.cloud.load import beside
from examples.cloud.plan import Plan, load_plan
from examples.cloud.shell import client_variables
from tests.support.clouds import REAL, ROOT, bootseq, cloud, report, running
from tests.support.log_traces import at_info
from tests.support.taps import Tap, assert_confirmed, chapters, steps

pytestmark = REAL


@pytest.fixture(scope="module", params=os.environ.get("CLOUD_RELEASES", "34").split())
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("c")
    done = cloud("up", "--release", request.param, "--state", str(folder))
    try:
        assert done.returncode == 0, done.stderr
        yield folder
    finally:
        cloud("down", "--state", str(folder))


def test_a_second_up_starts_no_process(state: Path) -> None:
    """The same processes before and after."""
    before = cloud("status", "--json", "--state", str(state)).stdout
    assert cloud("up", "--release", load_plan(state).release, "--state", str(state)).returncode == 0
    assert cloud("status", "--json", "--state", str(state)).stdout == before


@pytest.mark.parametrize("network", ["none", "net"])
def test_a_server_becomes_active_and_has_a_domain(state: Path, network: str) -> None:
    """Checked by openstackclient and libvirt."""
    before = len(domains(load_plan(state)))
    done = cloud("boot", f"with-{network}", "--network", network, "--state", str(state))
    assert done.returncode == 0, done.stderr
    assert "ACTIVE" in done.stdout
    assert len(domains(load_plan(state))) == before + 1


def test_a_load_has_no_failures(state: Path) -> None:
    """Boots and deletes, two at a time."""
    done = cloud("load", "--seconds", "20", "--workers", "2", "--network", "--state", str(state))
    tally = json.loads(done.stdout)
    assert done.returncode == 0, tally["errors"]
    assert tally["boots"] == tally["deletes"] > 0


def test_witnesses_log_a_boot(state: Path) -> None:
    """MariaDB's general log has the boot's INSERT, libvirtd's log its domain."""
    files = json.loads(cloud("witness", "on", "--state", str(state)).stdout)
    assert cloud("boot", "witnessed", "--state", str(state)).returncode == 0
    assert cloud("witness", "off", "--state", str(state)).returncode == 0
    assert "INSERT INTO instances" in Path(files["mariadb"]).read_text()
    assert "virDomainCreateWithFlags" in Path(files["libvirtd"]).read_text()
    assert '"POST /v2.1/servers' in Path(files["nova-api"]).read_text() or load_plan(state).release == "29"


def create(state: Path, name: str, network: str = "none") -> list[str]:
    return Boot(name, network).command(load_plan(state))


def test_record_under_load_has_the_steps_of_all_services(state: Path, tmp_path: Path) -> None:
    """From the client through all services to libvirt, with their inner steps."""
    file = str(tmp_path / "boot.trace.jsonl.gz")
    with beside(load_plan(state), workers=2, network=True) as tally:
        bootseq(state, "record", "-o", file, "--", *create(state, "recorded", "net"))
    steps = json.loads(bootseq(state, "show", file, "recorded", "--json"))
    legs = Counter((step["service"], step["kind"]) for step in steps)
    report(f"record: {len(steps)} steps, of {len({step['pid'] for step in steps})} processes; load: {tally.as_dict()}")
    report("\n".join(f"{count:5} {kind:8} {service}" for (service, kind), count in sorted(legs.items())))
    wanted = {(name, "http") for name in ("client", "API", "network", "image", "placement", "identity")}
    wanted |= {(name, "rpc") for name in ("API", "conductor", "scheduler", "compute", "network")}
    wanted |= {(name, "sql") for name in ("API", "conductor", "scheduler", "network", "placement", "identity")}
    assert wanted | {("compute", "libvirt"), ("compute", "command"), ("conductor", "state")} <= {*legs}
    assert not tally.failed


def test_attach_and_detach_under_load_cause_no_failure(state: Path) -> None:
    """All services of Nova a few times: proved, without failed requests or restarts."""
    done = cloud("cycles", "--cycles", "3", "--workers", "2", "--state", str(state))
    report(done.stdout)
    assert done.returncode == 0, done.stderr


def boots(state: Path, file: Path) -> dict[str, tuple[str, str]]:
    """Return (outcome without the text of its error, host) of a trace's boots, by uuid."""
    rows = json.loads(bootseq(state, "list", "--json", str(file)))
    return {row["uuid"]: (" ".join(row["outcome"].split()[:2]), row["host"]) for row in rows}


def test_logs_at_info_alone_agree_with_the_hooks(state: Path, tmp_path: Path) -> None:
    """A boot that becomes active, and one of a flavor for which no host is large enough."""
    client, variables = str(state / "bin" / "openstack"), os.environ | client_variables(load_plan(state))
    huge = [client, "flavor", "create", "--ram", "1000000", "huge"]
    subprocess.run(huge, check=True, env=variables, capture_output=True)
    recorded: dict[str, tuple[str, str]] = {}
    for name, flavor in (("small-at-info", FLAVOR), ("huge-at-info", "huge")):
        command = [flavor if word == FLAVOR else word for word in create(state, name)]
        file = tmp_path / f"{name}.trace.jsonl.gz"
        record = [sys.executable, "-m", "tracer", "record", "-o", str(file), "--", *command]
        subprocess.run(record, check=False, cwd=ROOT, env=variables, capture_output=True)
        recorded |= boots(state, file)
    (tmp_path / "info").mkdir()
    logs = at_info(load_plan(state).log("nova-api").parent, tmp_path / "info")
    file = tmp_path / "info.trace.jsonl.gz"
    bootseq(state, "ingest", "-o", str(file), str(logs))
    logged = boots(state, file)
    assert sorted(outcome for outcome, _ in recorded.values()) == ["active", "error: NoValidHost:"]
    # At INFO, Nova names the hypervisor's node, not the service's host.
    nodes = {"compute1": os.uname().nodename}
    assert {uuid: logged.get(uuid) for uuid in recorded} == {
        uuid: (outcome, nodes.get(host, host)) for uuid, (outcome, host) in recorded.items()
    }
    report(bootseq(state, "explain", str(file)))


def test_the_tree_contains_all_witnessed_events(state: Path) -> None:
    """The events of four witnesses."""
    done = cloud("truth", "--network", "net", "--state", str(state))
    report(done.stdout)
    assert done.returncode == 0, done.stderr


def broker_state(state: Path) -> str:
    """Return the broker's queues and its tracing state."""
    command = [str(state / "bin" / "rabbitmqctl"), "--quiet"]
    outputs = [
        subprocess.run([*command, *query], check=True, stdout=subprocess.PIPE, text=True).stdout
        for query in (["list_queues", "name", "durable", "arguments"], ["list_vhosts", "name", "tracing"])
    ]
    return "".join("\n".join(sorted(output.splitlines())) for output in outputs)


def test_three_witnesses_confirm_one_boot(state: Path, tmp_path: Path) -> None:
    """Hooks, the services' own logs, the broker's copies form one tree; the tap leaves the broker unchanged."""
    plan, file = load_plan(state), tmp_path / "hooked.trace.jsonl.gz"
    options = ("--from-config", str(plan.config_file("nova-compute")), "--rabbitmqctl", f"{state}/bin/rabbitmqctl")
    before = broker_state(state)
    size = {path: path.stat().st_size for path in (state / "logs").glob("*.log")}
    tap = Tap(os.environ, tmp_path / "tap", *options)
    tap.wait_for("switched on")
    bootseq(state, "record", "--keep", "-o", str(file), "--", *create(state, "confirmed", "net"))
    assert tap.end() == 0
    report(tap.stderr)
    assert broker_state(state) == before
    (tmp_path / "logs").mkdir()
    for path, offset in size.items():
        (tmp_path / "logs" / path.name).write_bytes(path.read_bytes()[offset:])
    capture = file.with_name(f"{file.name}.capture")
    hooked = steps(tmp_path / "1.jsonl", "confirmed", capture)
    merged = steps(tmp_path / "3.jsonl", "confirmed", capture, tmp_path / "tap", tmp_path / "logs")
    report(str(Counter((step["kind"], "+".join(step["witnesses"])) for step in merged)))
    assert_confirmed(merged, hooked)
    alone = steps(tmp_path / "2.jsonl", "confirmed", tmp_path / "tap")
    assert [service for service, _ in chapters(alone)][:3] == ["API", "conductor", "compute"]


def test_a_tap_that_is_killed_during_a_boot_disturbs_neither_boot_nor_broker(state: Path, tmp_path: Path) -> None:
    plan = load_plan(state)
    options = ("--from-config", str(plan.config_file("nova-compute")), "--rabbitmqctl", f"{state}/bin/rabbitmqctl")
    before = broker_state(state)
    tap = Tap(os.environ, tmp_path / "tap", *options)
    tap.wait_for("switched on")
    command = create(state, "undisturbed", "net")
    client = subprocess.Popen(command, env=os.environ | client_variables(plan), stdout=subprocess.DEVNULL)
    while tap.count() < 20:  # the boot has begun
        time.sleep(0.05)
    assert tap.end(signal.SIGKILL) == -signal.SIGKILL
    assert client.wait() == 0
    assert broker_state(state) == before
    assert len(tap.messages()) >= 20


def test_ask_points_and_echo_work_and_leave_nothing(state: Path, tmp_path: Path) -> None:
    """A line with the boot's request id below its step, SQL in the services' logs; afterwards neither."""
    plan, capture, file = load_plan(state), str(tmp_path / "cap"), str(tmp_path / "boot.trace.jsonl")
    folder = environment(f"nova-{plan.release}").parent / "lib"
    (source,) = folder.glob("python*/site-packages/nova/scheduler/manager.py")
    before = source.read_bytes()
    function = "nova.scheduler.manager:SchedulerManager.select_destinations"
    bootseq(state, "attach", "--all", "--echo", "-o", capture)
    try:
        report(bootseq(state, "ask", "add", function, "spec_obj.flavor.name, len(instance_uuids)"))
        bootseq(state, "run", "-o", capture, "--", *create(state, "asked"))
        bootseq(state, "ask", "remove", "--all")
        cloud("boot", "unasked", "--state", str(state))
    finally:
        report(bootseq(state, "detach", capture))
    bootseq(state, "ingest", "-o", file, capture)
    (boot,) = [row for row in json.loads(bootseq(state, "list", file, "--json")) if row["server"] == "asked"]
    lines = (tmp_path / "cap" / "ask.log").read_text().splitlines()
    report("\n".join(lines))
    assert [("tiny" in line, boot["request_id"] in line) for line in lines] == [(True, True)]
    steps = {step["address"]: step for step in json.loads(bootseq(state, "show", file, "asked", "--json"))}
    (note,) = [address for address, step in steps.items() if step["kind"] == "ask"]
    assert steps[note.rpartition("/")[0]]["name"].endswith("select_destinations")
    assert source.read_bytes() == before
    assert echoed(plan, boot["request_id"])
    offset = {name: plan.log(name).stat().st_size for name in ECHOED}
    assert cloud("boot", "silent", "--state", str(state)).returncode == 0
    assert not any(b" sqlalchemy.engine" in plan.log(name).read_bytes()[offset[name] :] for name in ECHOED)


ECHOED = ("nova-conductor", "nova-scheduler", "nova-api")


def echoed(plan: Plan, request_id: str) -> bool:
    """Return whether the services' own logs contain SQL with the request's id."""
    lines = [line for name in ECHOED for line in plan.log(name).read_text(errors="replace").splitlines()]
    statements = [line for line in lines if " sqlalchemy.engine" in line and request_id in line]
    report(f"echo: {len(statements)} lines of {request_id}, such as {statements[0][:200] if statements else ''}")
    return bool(statements)


def test_down_leaves_nothing(state: Path) -> None:
    """No process, domain or device; also twice. The last test, as the others need the cloud."""
    assert running(state)
    taps = {path.name for path in Path("/sys/class/net").glob("tap*")}
    assert taps
    for _ in range(2):
        assert cloud("down", "--state", str(state)).returncode == 0
    assert running(state) == []
    assert not taps & {path.name for path in Path("/sys/class/net").glob("tap*")}
