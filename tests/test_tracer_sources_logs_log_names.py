"""Names of logs: the program that a file, its folder, a unit or a container names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.model import participants
from tracer.sources.logs import log_names, reader

_ID = "0123456789abcdef" * 4
_LINE = "2026-11-22 12:00:00.000 {pid} INFO {logger} [-] text\n"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("nova-compute.log", "nova-compute"), ("nova-compute.log.1", "nova-compute"), ("n-cpu.txt.gz", "n-cpu"),
        ("nova-compute.log-20240101.gz", "nova-compute"), ("screen-n-cpu.2013-12-18-112345.log", "screen-n-cpu"),
        ("api.log.2.xz", "api"), ("api.log.zst", "api"), (".log", ".log"), ("a.b.log", "a.b"), ("messages", "messages"),
    ],
)  # fmt: skip
def test_a_log_is_named_without_suffixes_and_rotation(file: str, name: str) -> None:
    assert log_names.name_of(Path("x") / file) == name


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("n-cpu", "compute"), ("screen-n-sch", "scheduler"), ("devstack@n-cond-cell1.service", "conductor"),
        ("devstack@q-svc", "network"), ("key", "identity"), ("nova_api_wsgi", "API"),
        ("placement-api_error", "placement"),
        ("placement_wsgi_access", "placement"), ("keystone_wsgi_public", "identity"),
        ("tripleo_nova_compute", "compute"),
        ("edpm_nova_compute", "compute"), ("openstack-nova-conductor", "conductor"), ("unit-nova-compute-0", "compute"),
        ("nova-cell1-conductor-conductor", "conductor"), ("nova_metadata", "API"), ("quantum-server", "network"),
        (f"nova-compute-default-x7x2p_openstack_nova-compute-{_ID}", "compute"), ("nova_placement", "placement"),
        (f"keystone-api-6d5-abc_openstack_keystone-api-{_ID}", "identity"),
    ],
)  # fmt: skip
def test_a_name_stands_for_a_program(name: str, service: str) -> None:
    assert participants.of_command(log_names.program(name)) == service


@pytest.mark.parametrize("name", ["horizon", "messages", "paste", "compute1", "0", "n-novnc", "nova", ""])
def test_other_names_stand_for_none(name: str) -> None:
    assert log_names.program(name) == ""


@pytest.mark.parametrize(
    ("path", "logger", "service"),
    [
        ("glance/api.log", "eventlet.wsgi.server", "image"), ("neutron/server.log", "oslo_service.service", "network"),
        ("cinder/archive/volume.log", "oslo_service.service", "volume"),
        ("nova/api.log", "oslo_service.service", "API"),
        ("infra1_nova_api_container-0a1b2c3d/wsgi.log", "oslo_service.service", "API"),
        ("openstack_nova-compute-x_u/nova-compute/0.log", "oslo_service.service", "compute"),
        # Code that only one service runs is more certain than a folder of any name.
        ("nova-compute-0/paste.txt", "nova.scheduler.manager", "scheduler"),
        # A service's log may hold another's logger: conductors ran inside nova-compute (use_local).
        ("nova-compute.log", "nova.conductor.manager", "compute"), ("x/paste.txt", "nova.compute.api", "API"),
        ("x/paste.txt", "nova.virt.libvirt.driver", "compute"), ("x/paste.txt", "nova.filters", "scheduler"),
        ("x/paste.txt", "nova.api.openstack.placement.handler", "placement"),
        ("x/paste.txt", "eventlet.wsgi", "client"),
    ],
)  # fmt: skip
def test_a_process_is_named_by_file_folder_and_logger(tmp_path: Path, path: str, logger: str, service: str) -> None:
    log = tmp_path / path
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(_LINE.format(pid=4321, logger=logger))
    (process,) = reader.read(log).processes
    assert participants.of_command(process.argv) == service


@pytest.mark.parametrize(("pid", "count"), [("7", 2), ("4321", 1)])
def test_services_in_containers_of_one_number_are_separated(tmp_path: Path, pid: str, count: int) -> None:
    """A number that no container has is one process, as in a Nova whose services run in one."""
    loggers = ("nova.scheduler.manager", "oslo_db", "nova.compute.manager", "oslo_db", "nova.scheduler.filters")
    (tmp_path / "paste.txt").write_text("".join(_LINE.format(pid=pid, logger=logger) for logger in loggers))
    events = reader.read(tmp_path / "paste.txt").events
    services = {event.process.key: participants.of_command(event.process.argv) for event in events}
    assert list(services.values()) == ["scheduler", "compute"][:count]
    if count == 2:
        assert [services[event.process.key] for event in events] == ["scheduler"] * 3 + ["compute"] * 2
