"""The playbooks of the CI jobs, run by ansible-playbook on this machine: roles of other projects are stubs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.ci.tempest_log import by_request
from tests.support.devstack import CAPTURE, DevStack
from tracer import trace_file

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PLAYBOOKS = ROOT / "examples/ci/playbooks"
#: The boot in the capture.
REQUEST = "req-ce323f02-0098-44d1-97f2-97533bc32853"
#: Zuul has actions of its own in place of these; the one for packages would change this machine.
ACTION = """
from ansible.plugins.action import ActionBase
import json, os
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        with open(os.environ["LOG"], "a") as log:
            log.write("{name} " + json.dumps(self._task.args, sort_keys=True) + chr(10))
        return dict(changed=False)
"""
INVENTORY = """
[tempest]
controller ansible_connection=local
[control]
controller
"""


@dataclass
class Ansible:
    """A folder with an inventory of this machine, actions and roles in place of Zuul's, DevStack's and Tempest's."""

    stubs: DevStack

    def __post_init__(self) -> None:
        self.root = self.stubs.root
        (self.root / "actions").mkdir()
        for name in ("package", "synchronize", "zuul_return"):
            (self.root / f"actions/{name}.py").write_text(ACTION.replace("{name}", name))
        (self.root / "inventory").write_text(INVENTORY)

    def role(self, name: str, *commands: str) -> None:
        """Write a role that runs commands."""
        tasks = self.root / "roles" / name / "tasks"
        tasks.mkdir(parents=True)
        tasks.joinpath("main.yaml").write_text(json.dumps([{"shell": command} for command in commands]))

    def play(self, playbook: str, variables: Mapping[str, object], **codes: int) -> subprocess.CompletedProcess[str]:
        """Run a playbook with variables; the interpreter is this one, and nobody becomes root."""
        values = {"ansible_become": False, "ansible_python_interpreter": sys.executable, **variables}
        environment = self.stubs.environment(**codes) | {
            "ANSIBLE_ACTION_PLUGINS": f"{self.root}/actions", "ANSIBLE_ROLES_PATH": f"{self.root}/roles",
            "ANSIBLE_LOCAL_TEMP": f"{self.root}/tmp", "ANSIBLE_REMOTE_TEMP": f"{self.root}/tmp",
            "ANSIBLE_PIPELINING": "1", "ANSIBLE_GATHERING": "explicit",
            "ANSIBLE_HOME": f"{self.root}/ansible", "PWD": str(self.root), "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        command: list[str | Path] = [Path(sys.executable).with_name("ansible-playbook"), "-i", self.root / "inventory"]
        return subprocess.run(
            [*command, "-e", json.dumps(values), PLAYBOOKS / playbook], cwd=self.root, env=environment, check=False,
            capture_output=True, text=True,
        )  # fmt: skip


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(DevStack(tmp_path))


def bootseq_calls(ansible: Ansible) -> list[str]:
    return [line.split()[1] for line in ansible.stubs.log if line.startswith("bootseq ")]


def test_a_deployment_is_recorded_while_a_command_runs(ansible: Ansible) -> None:
    """Hooks in, boots, hooks out, captures to one trace file, a spec checked; the command's own failure comes last."""
    root = ansible.root
    (root / "boot.spec.yaml").write_text("version: 1\ncounts:\n  rpc.cast.build_and_run_instance: 1\n")
    variables = {
        "bootseq_hosts": "control", "bootseq_venv": f"{root}/venv", "bootseq_python": f"{root}/stubs/python3",
        "bootseq_data": f"{root}/data", "bootseq_transfer": f"{root}/transfer",
        "bootseq_services": ["nova-*", "neutron-*"], "bootseq_spec": f"{root}/boot.spec.yaml",
        "bootseq_command": ["sh", "-c", f"touch {root}/booted; exit 3"],
    }  # fmt: skip
    done = ansible.play("deployment.yaml", variables, ATTACH_CODE=1, INGEST_CODE=0)
    assert (done.returncode, (root / "booted").exists()) == (2, True), done.stdout
    assert "exited with 3" in done.stdout
    assert [line for line in ansible.stubs.log if line.startswith(("python ", "pip "))] == [
        f"python -m venv {root}/venv", "pip install --quiet bootseq",
    ]  # fmt: skip
    attached = f"bootseq attach -o {root}/data/capture --for 2h --service nova-* --service neutron-*"
    assert attached in ansible.stubs.log
    assert bootseq_calls(ansible) == ["attach", "detach", "ingest", "list", "check"]
    results = root / "bootseq-results"
    assert (results / "check.txt").read_text().endswith(": passed\n")
    assert len(trace_file.read(results / "boots.trace.jsonl.gz").boots) == 1
    assert not (results / "captures").exists()
    assert not (root / "data/capture").exists()


def tempest(ansible: Ansible) -> dict[str, object]:
    """Write the roles of DevStack and Tempest; return the variables of the Zuul job."""
    root = ansible.root
    ansible.role("orchestrate-devstack", f"mkdir -p {root}/data/capture && tar -xf {CAPTURE} -C {root}/data/capture")
    for name in ("setup-tempest-run-dir", "setup-tempest-data-dir", "acl-devstack-files"):
        ansible.role(name, f"echo role {name} >>$LOG")
    (root / "tempest").mkdir()
    line = (
        f"2026-05-06 07:19:15.063 1 INFO tempest.lib.common.rest_client [{REQUEST} ] Request (TestServerBasicOps:test)"
    )
    ansible.role(
        "run-tempest", f"echo '{line}: 202 POST http://h/compute/v2.1/servers 1.5s' >{root}/tempest/tempest.log"
    )
    environment = ansible.stubs.environment() | {"INGEST_CODE": "0"}
    subprocess.run([root / "stubs/python3", "-m", "venv", root / "venv"], check=True, env=environment)
    subprocess.run([root / "venv/bin/pip", "install"], check=True, env=environment)
    return {
        "bootseq_venv": f"{root}/venv", "bootseq_data": f"{root}/data", "bootseq_transfer": f"{root}/transfer",
        "bootseq_results": f"{root}/results", "bootseq_checkout": str(ROOT), "devstack_base_dir": str(root),
        "bootseq_baselines": f"{root}/baselines",
    }  # fmt: skip


def test_tempests_boots_are_judged_by_test(ansible: Ansible) -> None:
    """Undecided without a baseline; the report links what is there."""
    variables = tempest(ansible)
    done = ansible.play("tempest.yaml", variables, INGEST_CODE=0)
    assert done.returncode == 2, done.stdout
    assert bootseq_calls(ansible) == ["detach", "ingest", "list"]
    assert f"TestServerBasicOps.test: undecided, no {variables['bootseq_baselines']}" in done.stdout
    assert by_request([ansible.root / "tempest/tempest.log"]) == {REQUEST: "TestServerBasicOps.test"}
    done = ansible.play("tempest-post.yaml", variables, INGEST_CODE=0)
    assert done.returncode == 0, done.stdout
    assert bootseq_calls(ansible) == []
    assert any("controller/logs/bootseq-results/" in line for line in ansible.stubs.log)


def test_boots_are_kept_although_the_tests_failed(ansible: Ansible) -> None:
    """The job's last playbook removes the hooks and reads what they recorded."""
    variables = tempest(ansible)
    (ansible.root / "roles/run-tempest/tasks/main.yaml").write_text('[{"command": "false"}]')
    assert ansible.play("tempest.yaml", variables, INGEST_CODE=0).returncode == 2
    assert bootseq_calls(ansible) == []
    done = ansible.play("tempest-post.yaml", variables, INGEST_CODE=0)
    assert done.returncode == 0, done.stdout
    assert bootseq_calls(ansible) == ["detach", "ingest", "list"]
    assert len(trace_file.read(ansible.root / "results/boots.trace.jsonl.gz").boots) == 1


def test_reports_are_collected_although_the_comparison_failed(ansible: Ansible) -> None:
    checkout = ansible.root / "src/bootseq/examples/ci"
    checkout.mkdir(parents=True)
    script = checkout / "compare-releases"
    script.write_text(f'#!/bin/sh\necho "compare $*" >>"$LOG"\nmkdir {ansible.root}/reports\nexit 1\n')
    script.chmod(0o755)
    variables = {
        "bootseq_old": "32", "bootseq_new": "34", "bootseq_reports": f"{ansible.root}/reports",
        "ansible_user_dir": str(ansible.root),
        "zuul": {"project": {"src_dir": "src/bootseq"}, "executor": {"log_root": f"{ansible.root}/logs"}},
    }  # fmt: skip
    done = ansible.play("run.yaml", variables)
    assert done.returncode == 2, done.stdout
    packages, compare = ansible.stubs.log
    assert packages.startswith("package ")
    assert compare.startswith("compare --old 32 --new 34 ")
    done = ansible.play("post.yaml", variables)
    assert done.returncode == 0, done.stdout
    assert [line.split()[0] for line in ansible.stubs.log] == ["synchronize", "zuul_return"]
    assert os.path.basename(json.loads(ansible.stubs.log[0].partition(" ")[2])["src"]) == "reports"
