"""A boot as `nova boot` and `openstack server create` request it, from the shell to the request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from examples.embedded import EmbeddedCloud
from examples.embedded.boot import ENDS, IMAGE
from examples.embedded.release import clients
from tests.support.identity import identity
from tests.support.waiting import wait_until
from tracer import trace_file
from tracer.cli import main
from tracer.model import Request, Step, Trace

pytestmark = pytest.mark.slow

SERVER = ["--image", IMAGE, "--flavor", "1", "--nic", "none"]
NOVA = [
    "novaclient.shell:OpenStackComputeShell.main", "novaclient.v2.shell:do_boot",
    "novaclient.v2.servers:ServerManager.create", "novaclient.v2.servers:ServerManager._boot",
    "novaclient.base:Manager._create", "novaclient.client:SessionClient.request", "POST /v2.1/servers",
]  # fmt: skip
OPENSTACK = [
    "osc_lib.shell:OpenStackShell.run", "osc_lib.shell:OpenStackShell.run_subcommand",
    "osc_lib.command.command:Command.run", "openstackclient.compute.v2.server:CreateServer.take_action",
    "openstack.compute.v2._proxy:Proxy.create_server", "openstack.proxy:Proxy._create",
    "openstack.resource:Resource.create", "POST /v2.1/servers",
]  # fmt: skip


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Request]:
    """Return a boot by each client, of a cloud that records too."""
    folder = tmp_path_factory.mktemp("clients")
    with EmbeddedCloud("34", folder / "state", capture=folder / "cloud") as cloud:
        stub = f"http://127.0.0.1:{cloud.ports['stub']}"
        api = f"http://127.0.0.1:{cloud.ports['nova-api']}/v2.1"
        with identity({"compute": api, "image": stub, "network": stub}) as url:
            for name, command in {"nova": ["boot"], "openstack": ["server", "create"]}.items():
                request_server(folder / "cloud", url, [str(clients() / name), *command, *SERVER, f"{name}-vm"])
        wait_until(lambda: len(ends(cloud)) == 2, seconds=120)
        assert set(ends(cloud)) == {"instance.create.end"}
    outcome = CliRunner().invoke(main, ["ingest", "-o", str(folder / "boots.trace.jsonl"), str(folder / "cloud")])
    assert outcome.exit_code == 0, outcome.output
    boots = trace_file.read(folder / "boots.trace.jsonl").boots
    return {boot.server.removesuffix("-vm"): boot for boot in boots}


def request_server(capture: Path, url: str, command: list[str]) -> None:
    """Run a client under the hooks."""
    login = {
        "OS_AUTH_URL": url, "OS_USERNAME": "admin", "OS_PASSWORD": "x", "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default", "OS_COMPUTE_API_VERSION": "2.79",
    }  # fmt: skip
    bootseq = [sys.executable, "-m", "tracer", "run", "-o", str(capture), "--"]
    done = subprocess.run(
        [*bootseq, *command], env=os.environ | login, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "vm" in done.stdout


def ends(cloud: EmbeddedCloud) -> list[str]:
    """Return the notifications that end a boot, so far."""
    return [entry["event"] for entry in cloud.journal if entry["event"] in ENDS]


def path(boot: Request, name: str) -> list[str]:
    """Return the names from the first chapter down to the first step of this name, calls and requests alone."""

    def down(step: Step) -> list[str] | None:
        own = [step.name] if step.kind in ("call", "http") else []
        if step.name == name and step.kind == "http":
            return own
        below = (names for child in step.children if (names := down(child)) is not None)
        rest = next(below, None)
        return None if rest is None else own + rest

    return down(boot.chapters[0]) or []


@pytest.mark.parametrize(("client", "names"), [("nova", NOVA), ("openstack", OPENSTACK)])
def test_the_request_is_below_the_functions_of_the_client(
    traces: dict[str, Request], client: str, names: list[str]
) -> None:
    """From the shell to the request, with the API's own work below it in one tree."""
    boot = traces[client]
    assert boot.outcome == "active"
    assert path(boot, "POST /v2.1/servers") == names
    request = next(step for step in boot.chapters[0].walk() if step.name == names[-1])
    assert "nova.compute.api:API.create" in {step.name for step in request.walk()}
    assert [chapter.service for chapter in boot.chapters][:3] == ["client", "conductor", "compute"]


def test_the_trees_read_as_notes(traces: dict[str, Request], tmp_path: Path) -> None:
    """The client's first lines, as `show` prints them."""
    for client, line in {"nova": "novaclient/v2/shell.py -> do_boot()", "openstack": "self.run_subcommand()"}.items():
        file = tmp_path / f"{client}.trace.jsonl"
        trace_file.write(file, Trace([traces[client]]))
        lines = CliRunner().invoke(main, ["show", str(file), "--detail", "calls"]).stdout.splitlines()
        assert any(line in text for text in lines), lines[:20]
