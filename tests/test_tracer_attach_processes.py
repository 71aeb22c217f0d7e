"""The service of a command line: recognised by the program that it runs, not by other words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.victims import Victim
from tracer.attach import processes

SERVICES = {
    "/usr/bin/python3 /usr/bin/nova-compute --config-file /etc/nova/nova.conf": "nova-compute",
    "/opt/stack/data/venv/bin/python3.11 -u /opt/stack/data/venv/bin/nova-scheduler": "nova-scheduler",
    "python3 -m nova.cmd.conductor --config-dir /etc/nova": "nova-conductor",
    "python3 -X dev -W ignore -mnova.cmd.compute": "nova-compute",
    "/usr/bin/python3 /usr/bin/neutron-dhcp-agent": "neutron-dhcp-agent",
    "/usr/bin/python3 /usr/bin/glance-api --config-file /etc/glance/glance-api.conf": "glance-api",
    "/usr/bin/uwsgi_python3 --ini /etc/nova/nova-api-uwsgi.ini": "nova-api",
    "uwsgi --http-socket :8774 --module nova.wsgi.osapi_compute:application": "nova-api",
    "uwsgi --module keystone.wsgi.api:application --master": "keystone",
    "uwsgi --wsgi-file /usr/bin/placement-api --procname-prefix placement": "placement-api",
    "uwsgi --module placement.wsgi.api:application": "placement-api",
    "nova-apiuWSGI worker 2": "nova-api",
    "(wsgi:keystone-public) -k start": "keystone",
    "gunicorn: worker [nova.wsgi.osapi_compute:application]": "nova-api",
    "/usr/bin/python3 /usr/bin/gunicorn -b :8778 placement.wsgi.api:application": "placement-api",
    "nova-compute: worker": "nova-compute",
    "/usr/bin/python3 /usr/bin/privsep-helper --privsep_context nova.privsep.sys_admin_pctxt": "privsep-helper",
}
NONE = [
    "vim nova-compute.log",
    "tail -f /var/log/nova/nova-api.log",
    "grep -r nova-compute /etc",
    "bash -c nova-compute",
    "sudo nova-compute",
    "sudo privsep-helper --privsep_context nova.privsep.sys_admin_pctxt",
    "/usr/bin/python3 /usr/bin/bootseq attach --service nova-compute -o cap",
    "/usr/bin/python3 /usr/bin/openstack server create nova-compute",
    "/usr/bin/python3 /usr/bin/nova-manage db sync",
    "/usr/bin/python3 /usr/bin/nova-rootwrap-daemon /etc/nova/rootwrap.conf",
    "python3 -c nova-compute",
    "python3",
    "",
]


@pytest.mark.parametrize("command", SERVICES)
def test_a_service_is_recognised_by_its_program(command: str) -> None:
    words = (command,) if command.startswith(("nova-api", "nova-compute:")) else tuple(command.split())
    assert processes.service(words) == SERVICES[command]


@pytest.mark.parametrize("command", NONE)
def test_a_command_that_only_names_a_service_is_none(command: str) -> None:
    assert processes.service(tuple(command.split())) == ""


def test_a_uwsgi_configuration_file_names_the_service(tmp_path: Path) -> None:
    file = tmp_path / "api.ini"
    file.write_text("[uwsgi]\nprocesses = 2\nmodule = nova.wsgi.metadata:application\n")
    assert processes.service(("uwsgi", "--ini", str(file))) == "nova-api-metadata"


def test_a_process_is_read_from_proc() -> None:
    with Victim() as victim:
        process = processes.read(victim.pid)
        assert process is not None
        assert (process.uid, process.tracer, process.inner_pid) == (os.geteuid(), 0, victim.inner_pid)
        assert process.python == f"{os.sys.version_info[0]}.{os.sys.version_info[1]}"  # type: ignore[attr-defined]
        assert process.is_still()
    assert not process.is_still()
    assert processes.read(2**22 + 1) is None


def test_services_are_selected_by_a_glob(tmp_path: Path) -> None:
    program = tmp_path / "nova-bootseq-test"
    program.write_text((Path(__file__).with_name("support") / "victim_program.py").read_text())
    with Victim(program=program) as victim:
        assert [process.pid for process in processes.services("nova-bootseq-*")] == [victim.pid]
