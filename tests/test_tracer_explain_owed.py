"""``bootseq explain`` of boots that wait in vain for a neighbour: who owes what, by hooks and by logs."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support import legs
from tests.support.explanations import explain, json_of, text_of
from tests.support.log_traces import at_info
from tracer.cli import main

DATA = Path(__file__).parent / "data" / "explain"
PORT = "cf8c9e70-b683-4e43-b28c-b00535dbe981"
VOLUME = "c2a10f5c-1d6e-4b0a-8f0e-37a9d1f5b3c2"
IMAGE = "7c0e3d52-93a6-4d2b-8f41-5f2c6d1b0a97"
WITNESSES = ("hooks", "DEBUG", "INFO")


def logs(name: str, level: str, folder: Path) -> Path:
    """Return a folder with the logs of a recording as they are at a level."""
    with tarfile.open(DATA / f"{name}.logs.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    if level == "DEBUG":
        return folder / name
    info = folder / "info"
    info.mkdir()
    return at_info(folder / name, info)


def ingest(*paths: Path, output: Path) -> Path:
    result = CliRunner().invoke(main, ["ingest", "-o", str(output), *map(str, paths)])
    assert result.exit_code == 0, result.stderr
    return output


def trace_of(name: str, witness: str, folder: Path) -> Path:
    if witness == "hooks":
        return DATA / f"{name}.trace.jsonl.gz"
    return ingest(logs(name, witness, folder), output=folder / "trace.jsonl")


def quoted(*arguments: object) -> str:
    """Return the first cause and its evidence as they are printed."""
    return text_of(*arguments).partition("First cause: ")[2].partition("\n\n")[0]


@pytest.mark.parametrize("witness", WITNESSES)
class TestPortThatNeverComesUp:
    """The agent's loop had died fourteen minutes before the boot."""

    @pytest.fixture
    def path(self, witness: str, tmp_path: Path) -> Path:
        return trace_of("agent-dead", witness, tmp_path)

    def test_the_agent_of_the_host_owes_the_port(self, path: Path) -> None:
        cause = json_of(path)["cause"]
        assert "agent on compute1 owes network-vif-plugged for port " + PORT in cause["text"]
        assert cause["service"].startswith("network")
        assert cause["host"] == "compute1"
        assert "compute waited 300 s for it" in cause["text"]

    def test_the_timeout_is_quoted(self, path: Path) -> None:
        assert "Timeout waiting for" in quoted(path)

    def test_the_next_commands_show_the_agent_and_the_port(self, path: Path) -> None:
        text = text_of(path)
        assert "openstack network agent list --host compute1" in text
        assert f"openstack port show {PORT}" in text

    def test_what_the_agent_and_the_server_logged_is_quoted(self, path: Path, witness: str) -> None:
        evidence = quoted(path)
        if witness != "INFO":
            assert f"Bound port: {PORT}, host: compute1" in evidence
            assert "will not be triggered until provisioned by entity L2" in evidence
        if witness != "hooks":
            assert "Agent main thread died of an exception" in evidence


class TestPortWithoutTheAgentsLog:
    def test_who_of_neutron_owes_it_is_not_guessed(self, tmp_path: Path) -> None:
        folder = logs("agent-dead", "INFO", tmp_path)
        path = ingest(*folder.glob("nova-*.log"), output=tmp_path / "trace.jsonl")
        text = json_of(path)["cause"]["text"]
        assert text.startswith(f"Neutron owes Nova network-vif-plugged for port {PORT}; whether ")
        assert "is not in the trace" in text

    def test_a_port_that_was_reported_up_is_the_server_s(self, tmp_path: Path) -> None:
        folder = logs("agent-dead", "INFO", tmp_path)
        agent = folder / "neutron-openvswitch-agent.log"
        head = "251 INFO neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent"
        ids = "[None req-c39867da-96bd-4174-9646-e22ce1133036 - - - - - -]"
        lines = (
            "Agent rpc_loop - iteration:9 started",
            f"Configuration for devices up ['{PORT}'] and devices down [] completed.",
            "Agent rpc_loop - iteration:9 completed. Processed ports statistics: {}. Elapsed:0.3",
        )
        with agent.open("a") as file:
            file.writelines(f"2026-11-30 12:41:05.000 {head} {ids} {line}\n" for line in lines)
        path = ingest(folder, output=tmp_path / "trace.jsonl")
        assert "Neutron's server owes Nova network-vif-plugged" in json_of(path)["cause"]["text"]


@pytest.mark.parametrize("witness", WITNESSES)
class TestVolume:
    """A volume that goes to error; nothing of Cinder was recorded."""

    @pytest.fixture
    def path(self, witness: str, tmp_path: Path) -> Path:
        return trace_of("volume-and-image", witness, tmp_path)

    def test_cinder_owes_it_and_why_is_unknown(self, path: Path) -> None:
        cause = json_of(path, "volume" if path.name.endswith("gz") else "1")["cause"]
        assert cause["text"] == f"Cinder owes volume {VOLUME}, whose status is error; why is not in the trace."
        assert cause["service"] == "volume"

    def test_cinder_s_logs_are_asked_for(self, path: Path) -> None:
        text = text_of(path, "1")
        assert "/var/log/cinder" in text
        assert f"openstack volume show {VOLUME}" in text


IDS = "[req-{request} req-0c1d2e3f-4c93-4257-b1e1-a97407e9c85d u p - - - -]"
SCHEDULER = (
    "2026-11-30 13:01:00.000 31 WARNING cinder.scheduler.filter_scheduler {ids} No weighed backend found for "
    "volume with properties: {{'id': None}}\n"
    "2026-11-30 13:01:00.010 31 ERROR cinder.scheduler.flows.create_volume {ids} Failed to run task "
    "cinder.scheduler.flows.create_volume.ScheduleCreateVolumeTask;volume:create: No valid backend was found. "
    "No weighed backends available: cinder.exception.NoValidBackend: No valid backend was found. "
    "No weighed backends available\n"
)
MANAGER = (
    "2026-11-30 13:01:00.000 41 INFO cinder.volume.flows.manager.create_volume {ids} Volume {volume}: being created as "
    "image with specification: {{'status': 'creating'}}\n"
    "2026-11-30 13:01:00.010 41 ERROR cinder.volume.flows.manager.create_volume {ids} Failed to copy image to volume "
    "{volume} due to insufficient space: cinder.exception.ImageTooBig: Image c is not big enough\n"
    "2026-11-30 13:01:00.020 41 ERROR cinder.volume.flows.manager.create_volume {ids} Volume {volume}: create failed\n"
)


@pytest.mark.parametrize(
    ("log", "text", "error"),
    [("scheduler", SCHEDULER, "NoValidBackend"), ("volume", MANAGER, "ImageTooBig")],
    ids=["scheduler", "volume"],
)
def test_cinder_s_own_cause_is_named(log: str, text: str, error: str, tmp_path: Path) -> None:
    folder = logs("volume-and-image", "INFO", tmp_path)
    request = json_of(ingest(folder, output=tmp_path / "first.jsonl"), "1")["what"].rpartition("req-")[2].rstrip(")")
    lines = text.format(ids=IDS.format(request=request), volume=VOLUME)
    (folder / f"cinder-{log}.log").write_text(lines.replace("13:01:00", "12:59:50"))
    cause = json_of(ingest(folder, output=tmp_path / "trace.jsonl"), "1")["cause"]
    assert f"owes volume {VOLUME}, whose status is error: {error}" in cause["text"]
    assert cause["service"].startswith("volume")
    assert cause["error"].startswith(error)


class TestVolumeThatQemuCannotOpen:
    def test_the_words_of_qemu_are_the_cause(self) -> None:
        cause = json_of(DATA / "volume-not-opened.trace.jsonl.gz")["cause"]
        assert (
            "could not open volume 248757da-6d31-4a8f-b156-b29ccc0ddb9f: error connecting: Invalid argument"
            in (cause["text"])
        )


@pytest.mark.parametrize("witness", WITNESSES)
class TestImage:
    """An image that Glance does not have: the API refuses it, or a host that is to fetch it fails."""

    @pytest.fixture
    def path(self, witness: str, tmp_path: Path) -> Path:
        return trace_of("volume-and-image", witness, tmp_path)

    def test_glance_owes_the_image_to_the_host(self, path: Path) -> None:
        cause = json_of(path, "2")["cause"]
        assert f"Glance owes image {IMAGE}: it has none of this id for the project" in cause["text"]
        assert cause["service"] == "image"
        assert "ImageNotFound" in quoted(path, "2")

    def test_glance_owes_the_image_to_the_api(self, path: Path, witness: str) -> None:
        text = json_of(path, "3")["cause"]["text"]
        known = f"Glance owes image {IMAGE}: it has none of this id for the project, and answered 404."
        unknown = "Glance owes the image of the request: the API did not find it; its id is not in the trace."
        assert text == (unknown if witness == "INFO" else known)


class TestGuest:
    """Nothing in the cloud that is recorded sees whether a guest gets its address."""

    def test_the_witness_that_is_lacking_is_named(self, tmp_path: Path) -> None:
        path = ingest(legs.DATA / "ovn.logs.tar.xz", output=tmp_path / "trace.jsonl")
        (entry,) = (entry for entry in json_of(path)["next"] if "guest" in entry["text"])
        assert "ovn-controller on the guest's host" in entry["text"]
        assert "is not in the trace" in entry["text"]
        assert entry["command"].startswith("openstack console log show ")

    def test_a_subnet_without_dhcp_owes_it(self, tmp_path: Path) -> None:
        path = ingest(legs.DATA / "hyb.logs.tar.xz", output=tmp_path / "trace.jsonl")
        (entry,) = (entry for entry in json_of(path)["next"] if "guest" in entry["text"])
        assert "DHCP is off in the subnets of its network" in entry["text"]
        assert entry["command"].startswith("openstack subnet list --long --network ")

    def test_neutron_owes_the_network_a_dhcp_agent(self) -> None:
        """The database had no such port when Nova asked; lines at DEBUG, which say whether DHCP is on, are missing."""
        (entry,) = (entry for entry in json_of(legs.DATA / "hybrid.trace.jsonl.gz")["next"] if "guest" in entry["text"])
        assert "no DHCP agent had a port (network:dhcp) in its network" in entry["text"]
        assert "Neutron owes it one if DHCP is on in its subnets" in entry["text"]
        assert entry["command"].startswith("openstack network agent list --network ")

    def test_no_agent_is_needed_where_ovn_answers(self) -> None:
        entries = json_of(legs.DATA / "ovn.trace.jsonl.gz")["next"]
        assert not [entry for entry in entries if "DHCP agent had" in entry["text"]]

    def test_a_guest_without_a_port_is_not_mentioned(self) -> None:
        assert "guest" not in explain(DATA / "actions.trace.jsonl.gz").stdout
