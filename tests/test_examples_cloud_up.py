"""bootseq on a real cloud: up from nothing, boots, a load, record, attach, ask, echo, truth, down. As root, ten minutes
for each release: `make test-cloud`, whose output says what was done.
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

from examples.cloud.environments import environment
from examples.cloud.hypervisor import domains
from examples.cloud.load import beside
from examples.cloud.plan import Plan, load_plan
from examples.cloud.shell import client_variables, create_arguments
from tests.support.taps import Tap, assert_confirmed, chapters, steps

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif("CLOUD_RELEASES" not in os.environ, reason="a real cloud: CLOUD_RELEASES='34 32', as root"),
]
ROOT = Path(__file__).resolve().parents[1]


def cloud(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.cloud", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module", params=os.environ.get("CLOUD_RELEASES", "34").split())
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("c")
    done = cloud("up", "--release", request.param, "--state", str(folder))
    try:
        assert done.returncode == 0, done.stderr
        yield folder
    finally:
        cloud("down", "--state", str(folder))


def running(state: Path) -> list[str]:
    """Command lines that name the cloud's folder, or that a process started in it has."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(state) in os.readlink(entry / "cwd") or str(state) in (entry / "cmdline").read_text():
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except (OSError, UnicodeDecodeError):
                continue
    return found


def test_up_twice_starts_nothing_anew(state: Path) -> None:
    """The same processes before and after."""
    before = cloud("status", "--json", "--state", str(state)).stdout
    assert cloud("up", "--release", load_plan(state).release, "--state", str(state)).returncode == 0
    assert cloud("status", "--json", "--state", str(state)).stdout == before


@pytest.mark.parametrize("network", ["none", "net"])
def test_server_is_active_with_a_domain(state: Path, network: str) -> None:
    """By openstackclient, and libvirt has a running domain more."""
    before = len(domains(load_plan(state)))
    done = cloud("boot", f"with-{network}", "--network", network, "--state", str(state))
    assert done.returncode == 0, done.stderr
    assert "ACTIVE" in done.stdout
    assert len(domains(load_plan(state))) == before + 1


def test_load_fails_nowhere(state: Path) -> None:
    """Boots and deletes, two at a time."""
    done = cloud("load", "--seconds", "20", "--workers", "2", "--network", "--state", str(state))
    tally = json.loads(done.stdout)
    assert done.returncode == 0, tally["errors"]
    assert tally["boots"] == tally["deletes"] > 0


def test_witnesses_write(state: Path) -> None:
    """MariaDB's general log has the boot's INSERT, libvirtd's log its domain; off, they are silent."""
    files = json.loads(cloud("witness", "on", "--state", str(state)).stdout)
    assert cloud("boot", "seen", "--state", str(state)).returncode == 0
    assert cloud("witness", "off", "--state", str(state)).returncode == 0
    assert "INSERT INTO instances" in Path(files["mariadb"]).read_text()
    assert "virDomainCreateWithFlags" in Path(files["libvirtd"]).read_text()
    assert '"POST /v2.1/servers' in Path(files["nova-api"]).read_text() or load_plan(state).release == "29"


def tell(what: str) -> None:
    """For whoever ran `make test-cloud`: what was done."""
    sys.stdout.write(f"{what}\n")


def bootseq(state: Path, *arguments: str) -> str:
    """Its output; bootseq's own commands, with what the client needs."""
    plan = load_plan(state)
    command = [sys.executable, "-m", "tracer", *arguments]
    variables = os.environ | client_variables(plan)
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def create(state: Path, name: str, network: str = "none") -> list[str]:
    return [str(state / "bin" / "openstack"), *create_arguments(name, network), "--wait"]


def test_record_under_load_has_all_legs(state: Path, tmp_path: Path) -> None:
    """One command; the tree goes from the client to libvirt, through all services, with what they did inside."""
    file = str(tmp_path / "boot.trace.jsonl.gz")
    with beside(load_plan(state), workers=2, network=True) as tally:
        bootseq(state, "record", "-o", file, "--", *create(state, "recorded", "net"))
    steps = json.loads(bootseq(state, "show", file, "recorded", "--json"))
    legs = Counter((step["service"], step["kind"]) for step in steps)
    tell(f"record: {len(steps)} steps, of {len({step['pid'] for step in steps})} processes; load: {tally.as_dict()}")
    tell("\n".join(f"{count:5} {kind:8} {service}" for (service, kind), count in sorted(legs.items())))
    wanted = {(name, "http") for name in ("client", "API", "network", "image", "placement", "identity")}
    wanted |= {(name, "rpc") for name in ("API", "conductor", "scheduler", "compute", "network")}
    wanted |= {(name, "sql") for name in ("API", "conductor", "scheduler", "network", "placement", "identity")}
    assert wanted | {("compute", "libvirt"), ("compute", "command"), ("conductor", "state")} <= {*legs}
    assert not tally.failed


def test_attach_and_detach_disturb_nobody(state: Path) -> None:
    """Each of Nova's services a few times, under load: proved, no failed request, no restart."""
    done = cloud("cycles", "--cycles", "3", "--workers", "2", "--state", str(state))
    tell(done.stdout)
    assert done.returncode == 0, done.stderr


def test_truth(state: Path) -> None:
    """Everything that four witnesses saw of a boot stands in the tree of its record."""
    done = cloud("truth", "--network", "net", "--state", str(state))
    tell(done.stdout)
    assert done.returncode == 0, done.stderr


def broker_state(state: Path) -> str:
    """Its queues, and whether it traces."""
    asked = (["list_queues", "name", "durable", "arguments"], ["list_vhosts", "name", "tracing"])
    command = [str(state / "bin" / "rabbitmqctl"), "--quiet"]
    said = [subprocess.run([*command, *each], check=True, stdout=subprocess.PIPE, text=True).stdout for each in asked]
    return "".join("\n".join(sorted(each.splitlines())) for each in said)


def test_three_witnesses_of_one_boot(state: Path, tmp_path: Path) -> None:
    """Hooks, the services' own logs, the broker's copies: one tree. The tap leaves the broker as it was."""
    plan, file = load_plan(state), tmp_path / "hooked.trace.jsonl.gz"
    options = ("--from-config", str(plan.config_file("nova-compute")), "--rabbitmqctl", f"{state}/bin/rabbitmqctl")
    before = broker_state(state)
    size = {path: path.stat().st_size for path in (state / "logs").glob("*.log")}
    one = Tap(os.environ, tmp_path / "tap", *options)
    one.wait_for("switched on")
    bootseq(state, "record", "--keep", "-o", str(file), "--", *create(state, "confirmed", "net"))
    assert one.end() == 0
    tell(one.stderr)
    assert broker_state(state) == before
    (tmp_path / "logs").mkdir()
    for path, at in size.items():
        (tmp_path / "logs" / path.name).write_bytes(path.read_bytes()[at:])
    capture = file.with_name(f"{file.name}.capture")
    hooked = steps(tmp_path / "1.jsonl", "confirmed", capture)
    merged = steps(tmp_path / "3.jsonl", "confirmed", capture, tmp_path / "tap", tmp_path / "logs")
    tell(str(Counter((step["kind"], "+".join(step["witnesses"])) for step in merged)))
    assert_confirmed(merged, hooked)
    alone = steps(tmp_path / "2.jsonl", "confirmed", tmp_path / "tap")
    assert [service for service, _ in chapters(alone)][:3] == ["API", "conductor", "compute"]


def test_a_tap_that_is_killed_during_a_boot(state: Path, tmp_path: Path) -> None:
    """The boot goes on, and the broker is as it was."""
    plan = load_plan(state)
    options = ("--from-config", str(plan.config_file("nova-compute")), "--rabbitmqctl", f"{state}/bin/rabbitmqctl")
    before = broker_state(state)
    one = Tap(os.environ, tmp_path / "tap", *options)
    one.wait_for("switched on")
    command = create(state, "undisturbed", "net")
    client = subprocess.Popen(command, env=os.environ | client_variables(plan), stdout=subprocess.DEVNULL)
    while one.count() < 20:  # it is under way
        time.sleep(0.05)
    assert one.end(signal.SIGKILL) == -signal.SIGKILL
    assert client.wait() == 0
    assert broker_state(state) == before
    assert len(one.messages()) >= 20


def test_ask_points_and_echo_leave_nothing(state: Path, tmp_path: Path) -> None:
    """A line with the boot's request id at the step that was asked in, SQL in the services' logs; then no more."""
    plan, capture, file = load_plan(state), str(tmp_path / "cap"), str(tmp_path / "boot.trace.jsonl")
    folder = environment(f"nova-{plan.release}").parent / "lib"
    (source,) = folder.glob("python*/site-packages/nova/scheduler/manager.py")
    before = source.read_bytes()
    asked = "nova.scheduler.manager:SchedulerManager.select_destinations"
    bootseq(state, "attach", "--all", "--echo", "-o", capture)
    try:
        tell(bootseq(state, "ask", "add", asked, "spec_obj.flavor.name, len(instance_uuids)"))
        bootseq(state, "run", "-o", capture, "--", *create(state, "asked"))
        bootseq(state, "ask", "remove", "--all")
        cloud("boot", "unasked", "--state", str(state))
    finally:
        tell(bootseq(state, "detach", capture))
    bootseq(state, "ingest", "-o", file, capture)
    (boot,) = [each for each in json.loads(bootseq(state, "list", file, "--json")) if each["server"] == "asked"]
    lines = (tmp_path / "cap" / "ask.log").read_text().splitlines()
    tell("\n".join(lines))
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
    """Whether the services' own logs show SQL under the request's id."""
    lines = [line for name in ECHOED for line in plan.log(name).read_text(errors="replace").splitlines()]
    said = [line for line in lines if " sqlalchemy.engine" in line and request_id in line]
    tell(f"echo: {len(said)} lines of {request_id}, such as {said[0][:200] if said else ''}")
    return bool(said)


def test_down_leaves_nothing(state: Path) -> None:
    """No process, no domain, no device; a second time is fine. Last, since the others need the cloud."""
    assert running(state)
    taps = {path.name for path in Path("/sys/class/net").glob("tap*")}
    assert taps
    for _ in range(2):
        assert cloud("down", "--state", str(state)).returncode == 0
    assert running(state) == []
    assert not taps & {path.name for path in Path("/sys/class/net").glob("tap*")}
