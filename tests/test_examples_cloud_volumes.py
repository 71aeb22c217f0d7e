"""The cloud example's volumes without a cloud: their services, files, boots and actions."""

import configparser
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from examples.cloud import ceph, lifecycle, nfs, options, volumes
from examples.cloud.__main__ import main
from examples.cloud.actions import ACTIONS
from examples.cloud.boots import Boot
from examples.cloud.cinder import Cinder
from examples.cloud.config import write_service_configs
from examples.cloud.errors import CloudError
from examples.cloud.nova_config import write_nova_configs
from examples.cloud.plan import Plan, check_plan
from examples.cloud.readiness import wait_for_status
from examples.cloud.rest import Client
from examples.cloud.services import Services

CINDER = {"cinder-api", "cinder-scheduler", "cinder-volume"}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    # Without check_plan(), which refuses a path that is too long for sockets.
    plan_ = Plan(tmp_path / "cloud", "34", 15000, "default", echo=False, wrap="", secret="s3cret", volumes="ceph")
    plan_.save()
    return plan_


def answer(monkeypatch: pytest.MonkeyPatch, *states: str) -> list[str]:
    """Let a client answer with a volume in these states, one after another; return the paths of its requests."""
    paths: list[str] = []

    def send(client: Client, method: str, service: str, path: str, body: object = None) -> Any:
        paths.append(f"{method} {path}")
        return {"volume": {"id": "v1", "status": states[len(paths) - 1]}}

    monkeypatch.setattr("examples.cloud.readiness.STEP", 0)
    monkeypatch.setattr(Client, "send", send)
    return paths


def configs(plan: Plan, folder: Path) -> Mapping[str, configparser.ConfigParser]:
    """Return the written files of all services, by name."""
    binaries = {name: folder / name / "bin" for name in ("services", "cinder", "nova")}
    paste = folder / "nova" / "etc" / "nova" / "api-paste.ini"
    paste.parent.mkdir(parents=True)
    paste.touch()
    write_service_configs(plan, binaries, options.parts_of(plan))
    write_nova_configs(plan, binaries["nova"], options.parts_of(plan))
    result = {}
    for service in options.services_of(plan):
        result[service.name] = configparser.ConfigParser(interpolation=None)
        result[service.name].read(plan.config_file(service.name))
    return result


def test_a_cloud_without_volumes_has_no_process_or_setting_of_them(plan: Plan, tmp_path: Path) -> None:
    """The default."""
    none = replace(plan, volumes="none")
    assert not [name for name in options.processes_of(none) if name.startswith(("cinder", "ceph"))]
    assert "cinder" not in configs(none, tmp_path)["nova-compute"]


@pytest.mark.parametrize(("choice", "daemons"), [("ceph", {"ceph-mon", "ceph-mgr", "ceph-osd"}), ("nfs", set())])
def test_a_choice_adds_its_processes_databases_and_ports(plan: Plan, choice: str, daemons: set[str]) -> None:
    """The names for `status`, `down` and the check of ports."""
    chosen = replace(plan, volumes=choice)
    more = {*options.processes_of(chosen)} - {*options.processes_of(replace(plan, volumes="none"))}
    assert more == CINDER | daemons
    assert "cinder" in options.schemas_of(chosen)
    assert options.ports_of(chosen)["cinder-api"] == "cinder-api"
    assert options.ports_of(plan)["ceph-mon-v1"] == "ceph-mon"
    assert options.environment_names(chosen) == {"cinder": "cinder", "nova": "nova-34", "services": "services"}


@pytest.mark.parametrize("choice", ["ceph", "nfs"])
def test_cinder_and_nova_are_configured_for_the_backend(plan: Plan, tmp_path: Path, choice: str) -> None:
    """The volume manager has the driver, the compute service what it needs to open the volume."""
    files = configs(replace(plan, volumes=choice), tmp_path)
    (backend,) = files["cinder-volume"]["DEFAULT"]["enabled_backends"].split(",")
    assert "Driver" in files["cinder-volume"][backend]["volume_driver"]
    assert backend not in files["cinder-api"]
    wanted = {"ceph": "rbd_secret_uuid", "nfs": "nfs_mount_point_base"}[choice]
    assert wanted in files["nova-compute"]["libvirt"]
    assert {name for name, file in files.items() if "cinder" in file} == {"nova-api", "nova-compute"}


@pytest.mark.parametrize("name", sorted(CINDER))
def test_each_service_of_cinder_has_its_own_database_user(plan: Plan, tmp_path: Path, name: str) -> None:
    """MariaDB's general log distinguishes services by user."""
    assert f"://{name}:s3cret@" in configs(plan, tmp_path)[name]["database"]["connection"]


def test_cinders_api_reads_its_configuration_from_its_arguments(plan: Plan, tmp_path: Path) -> None:
    """It has no variable for the path."""
    (service,) = [service for service in options.services_of(plan) if service.name == "cinder-api"]
    words = Services(plan, {"cinder": tmp_path})._command(service)
    assert words[words.index("--pyargv") + 1] == f"--config-file {plan.config_file('cinder-api')}"


def test_the_volume_manager_starts_once_its_scheduler_listens(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise nobody receives the report of its pool, and no volume could be scheduled for a minute."""
    order: list[str] = []
    monkeypatch.setattr(Services, "start", lambda _, service: order.append(f"start {service.name}"))
    monkeypatch.setattr(lifecycle, "wait_for_service", lambda _, service: order.append(f"ready {service.name}"))
    monkeypatch.setattr(lifecycle, "log_in", Client)
    monkeypatch.setattr(Cinder, "wait", lambda *_: order.append("pool"))
    for name in ("ensure_content", "wait_for_host"):
        monkeypatch.setattr(lifecycle, name, lambda _: None)
    lifecycle._start_services(Services(plan, {}), None)
    assert order[:2] == ["start keystone", "ready keystone"]
    assert order.index("ready cinder-scheduler") < order.index("start cinder-volume")
    assert order.index("pool") < order.index("start nova-compute")


def test_a_folder_does_not_change_its_kind_of_volumes(plan: Plan) -> None:
    """Its databases have no Cinder."""
    replace(plan, volumes="none").save()
    with pytest.raises(CloudError, match=r"--volumes none: choose another for --volumes ceph|too long"):
        check_plan(plan)


def test_ceph_listens_on_ports_of_the_plan_only(plan: Plan) -> None:
    """Two clouds run beside each other; the distribution's ports remain free."""
    ceph.write_ceph_config(plan)
    config = configparser.ConfigParser(interpolation=None)
    config.read(ceph.config_file(plan))
    assert config["global"]["mon_host"] == "[v2:127.0.0.1:15300,v1:127.0.0.1:15789]"
    assert int(config["global"]["ms_bind_port_min"]) == 15800
    assert plan.state / "ceph" in Path(config["osd"]["osd_data"]).parents


def test_the_stand_in_binds_the_exported_folder(tmp_path: Path) -> None:
    """Run with a `mount` that prints its arguments."""
    mount = tmp_path / "mount"
    mount.write_text('#!/bin/sh\necho "$@"\n')
    mount.chmod(0o755)
    helper = tmp_path / "mount.nfs"
    helper.write_text(nfs.STAND_IN)
    command = ["sh", str(helper), "127.0.0.1:/srv/a:b", "/mnt", "-o", "vers=4"]
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
    assert done.stdout == "--bind /srv/a:b /mnt\n"


def test_a_foreign_mount_command_is_not_replaced(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to nfs-common."""
    helper = tmp_path / "mount.nfs"
    helper.write_text("another")
    monkeypatch.setattr(nfs, "HELPER", helper)
    part = nfs.Nfs()
    (plan.state / nfs.EXPORT).mkdir(parents=True)
    with pytest.raises(CloudError, match="remove the package nfs-common"):
        part.prepare(plan)
    part.clean(plan)
    assert helper.read_text() == "another"


def test_mounts_are_removed_from_the_last_on_and_only_while_they_exist(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of one may be the end of its peers."""
    folder = plan.state / "nova" / "mnt"
    mounts = [str(folder), f"{folder}/share", f"{folder}/share"]
    removed: list[str] = []

    def run(command: str, *arguments: str) -> None:
        removed.append(arguments[-1])
        mounts[:] = [target for target in mounts if target != arguments[-1]]

    monkeypatch.setattr(nfs, "HELPER", tmp_path / "mount.nfs")
    monkeypatch.setattr(nfs, "_mounted", lambda _: list(mounts))
    monkeypatch.setattr(nfs, "_run", run)
    nfs.Nfs().clean(plan)
    assert removed == [f"{folder}/share", str(folder)]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), ["--image", "empty"]),
        (("image",), ["--image", "empty", "--boot-from-volume", "1"]),
        (("snapshot",), ["--snapshot", "s1"]),
        (("existing",), ["--volume", "v1"]),
    ],
)
def test_a_boot_has_the_root_disk_of_its_kind(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], expected: list[str]
) -> None:
    """With and without a blank second disk."""
    monkeypatch.setattr("examples.cloud.boots.log_in", Client)
    monkeypatch.setattr(volumes, "ensure_snapshot", lambda client, image: "s1")
    monkeypatch.setattr(volumes, "create_bootable", lambda client, name, image: "v1")
    for blank in (0, 1):
        words = Boot("vm1", volumes=(*kinds, *["blank"] * blank)).command(plan)
        assert words[3 : 3 + len(expected)] == expected
        assert words.count("--block-device") == blank


@pytest.mark.parametrize(
    ("choice", "kinds", "message"),
    [("ceph", ("image", "snapshot"), "one of image or snapshot"), ("none", ("blank",), "up --volumes ceph")],
)
def test_an_impossible_boot_is_refused(plan: Plan, choice: str, kinds: tuple[str, ...], message: str) -> None:
    """Before any request."""
    with pytest.raises(CloudError, match=message):
        Boot("vm1", volumes=kinds).command(replace(plan, volumes=choice))


def test_a_volume_is_awaited(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through its intermediate states."""
    paths = answer(monkeypatch, "creating", "downloading", "available")
    wait_for_status(Client(plan), "volume", "v1", "available")
    assert paths == ["GET /volumes/v1"] * 3


def test_a_volume_in_error_is_reported_at_once(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a log."""
    answer(monkeypatch, "creating", "error")
    with pytest.raises(CloudError, match=r"volume v1 is error, not available; a log: .*cinder-api\.log"):
        wait_for_status(Client(plan), "volume", "v1", "available")


@pytest.mark.parametrize(
    ("action", "thing", "expected"),
    [
        ("detach-volume", "", ["remove", "volume", "s1", "v2"]),
        ("resize", "", ["resize", "--flavor", "small", "--wait", "s1"]),
        ("resize", "large", ["resize", "--flavor", "large", "--wait", "s1"]),
        ("rebuild", "", ["rebuild", "--image", "empty", "--wait", "s1"]),
        ("shelve", "", ["shelve", "s1"]),
        ("unshelve", "", ["unshelve", "--wait", "s1"]),
        ("delete", "", ["delete", "--wait", "s1"]),
    ],
)
def test_an_action_runs_the_clients_command(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, action: str, thing: str, expected: list[str]
) -> None:
    """Without an object, the last disk is detached, and the flavor is the other one."""
    server = {"id": "s1", "name": "vm1", "flavor": {"original_name": "tiny"}}
    server["OS-EXT-SRV-ATTR:root_device_name"] = "/dev/vda"
    disks = [{"device": f"/dev/vd{letter}", "volumeId": f"v{n}"} for n, letter in enumerate("ab", 1)]
    monkeypatch.setattr(Client, "send", lambda *_: {"volumeAttachments": disks})
    assert next(ACTIONS[action](Client(plan), server, thing)) == expected


def test_the_commands_help_names_every_kind_and_action() -> None:
    """The help of `up`, `boot` and `do`."""
    for command, words in (
        ("up", options.VOLUMES),
        ("boot", ("blank", "image", "snapshot", "existing")),
        ("do", ACTIONS),
    ):
        # Wrapped lines are joined.
        text = "".join(CliRunner().invoke(main, [command, "--help"]).output.split())
        assert [word for word in words if word not in text] == []
