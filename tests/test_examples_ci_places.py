"""The places of OpenStack's CI: DevStack's plugin in a stubbed root, definitions and their schemas, GitHub's action."""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.devstack import DevStack
from tracer import trace_file

ROOT = Path(__file__).parent.parent
CI = ROOT / "examples/ci"
ACTION = CI / "github-action"
SCRIPTS = [ROOT / "devstack/plugin.sh", ROOT / "devstack/settings", ACTION / "compare", CI / "compare-releases"]
STACK = ("stack pre-install", "stack install", "stack post-config", "stack extra", "stack test-config")


@pytest.fixture
def devstack(tmp_path: Path) -> DevStack:
    return DevStack(tmp_path)


def called(log: list[str], program: str) -> list[str]:
    """Return the calls of a program."""
    return [line for line in log if line.startswith(f"{program} ")]


def phase(log: list[str], call: str) -> str:
    """Return the phase in which a call happened."""
    before = log[: next(index for index, line in enumerate(log) if line.startswith(call))]
    return [line for line in before if line.startswith("phase: ")][-1].removeprefix("phase: ").replace("-then-", " ")


def test_shellcheck_has_no_complaints() -> None:
    command = [Path(sys.executable).with_name("shellcheck"), *SCRIPTS]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def schemas() -> dict[Path, Any]:
    """Return the schema of each definition: GitHub's is the one in check-jsonschema."""
    github = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/github-actions.json"
    zuul = json.loads((ROOT / "tests/data/zuul.schema.json").read_text())
    actions = json.loads(github.read_text())
    return {ACTION / "action.yml": actions, CI / "zuul.yaml": zuul, CI / "zuul-tempest.yaml": zuul}


@pytest.mark.parametrize("path", schemas(), ids=lambda path: path.name)
def test_definitions_conform_to_their_schemas(path: Path) -> None:
    """A misspelt attribute does not."""
    schema = jsonschema.validators.validator_for(schemas()[path])(schemas()[path])
    assert [error.message for error in schema.iter_errors(yaml.safe_load(path.read_text()))] == []
    wrong = re.sub(r"\b(post-run|using):", "wrong-word:", path.read_text())
    assert list(schema.iter_errors(yaml.safe_load(wrong))) != []


def test_the_hooks_come_last_and_go_before_the_services(devstack: DevStack) -> None:
    """They are installed in the last phase of stack.sh, after which nothing restarts a service, with a lease."""
    code, log = devstack.run(*STACK)
    assert code == 0
    assert called(log, "bootseq") == [f"bootseq attach --all -o {devstack.data}/capture --for 4h"]
    assert phase(log, "bootseq attach") == "stack test-config"
    assert phase(log, "pip") == "stack install"
    code, log = devstack.run("unstack", INGEST_CODE=0)
    assert [call.split()[1] for call in called(log, "bootseq")] == ["status", "detach", "ingest"]
    (boot,) = trace_file.read(devstack.data / "boots.trace.jsonl.gz").boots
    assert boot.outcome == "active"
    assert not (devstack.data / "capture").exists()


def test_the_checkout_stays_the_users(devstack: DevStack) -> None:
    """Root installs a wheel that the stack user built elsewhere."""
    _, log = devstack.run("stack install")
    build, install = called(log, "pip")
    folder = re.search(r"--wheel-dir (\S+) ", build)
    assert folder
    assert build.endswith(f" {ROOT}")
    assert install == f"pip install --quiet --upgrade {folder[1]}/bootseq-1-py3-none-any.whl"
    assert not Path(folder[1]).exists()


@pytest.mark.parametrize(("setting", "attached_in"), [("extra", "stack extra"), ("none", None)])
def test_the_phase_of_the_hooks_is_a_setting(setting: str, attached_in: str | None, devstack: DevStack) -> None:
    code, log = devstack.run(*STACK, localrc=f"BOOTSEQ_PHASE={setting}")
    assert code == 0
    assert (phase(log, "bootseq attach") if called(log, "bootseq") else None) == attached_in


def test_wrong_settings_end_stack_early(devstack: DevStack) -> None:
    code, log = devstack.run(*STACK, localrc="BOOTSEQ_PHASE=install")
    assert (code, log[-1]) == (1, "died: BOOTSEQ_PHASE is install; expected test-config, extra or none")
    code, log = devstack.run(*STACK, PYTHON_CODE=1)
    assert code == 1
    assert log[-1].startswith("died: bootseq needs Python 3.11 or newer")


def test_a_service_that_cannot_be_entered_does_not_end_stack(devstack: DevStack) -> None:
    code, log = devstack.run(*STACK, ATTACH_CODE=1)
    assert (code, log[-1]) == (0, f"warning: bootseq has not entered every service, see {devstack.data}/attach.txt")
    code, log = devstack.run("unstack", DETACH_CODE=1)
    assert f"warning: bootseq has not removed every hook, see {devstack.data}/detach.txt" in log
    assert called(log, "bootseq")[-1].startswith("bootseq ingest ")


def test_a_capture_that_cannot_be_read_stays(devstack: DevStack) -> None:
    devstack.run(*STACK)
    code, log = devstack.run("unstack", INGEST_CODE=2)
    assert (code, log[-1]) == (0, f"warning: bootseq has not read all of {devstack.data}/capture")
    assert (devstack.data / "capture").is_dir()


def test_unstack_without_stack_does_nothing(devstack: DevStack) -> None:
    code, log = devstack.run("unstack", "clean")
    assert (code, called(log, "bootseq"), called(log, "pip")) == (0, [], [])


def test_a_disabled_plugin_does_nothing(devstack: DevStack) -> None:
    code, log = devstack.run(*STACK, "unstack", localrc="enable_service() { :; }")
    assert code == 0
    assert all(line.startswith("phase: ") for line in log)


def test_clean_removes_data_and_environment(devstack: DevStack) -> None:
    devstack.run(*STACK, "unstack", "clean")
    assert not devstack.data.exists()
    assert not (devstack.root / "venv").exists()


def test_clean_spares_an_environment_of_another(devstack: DevStack) -> None:
    """A folder without bootseq is not the plugin's."""
    (devstack.root / "venv").mkdir()
    (devstack.root / "venv/pyvenv.cfg").write_text("")
    devstack.run("clean")
    assert (devstack.root / "venv/pyvenv.cfg").exists()


def action() -> dict[str, Any]:
    """Return GitHub's action."""
    loaded = yaml.safe_load((ACTION / "action.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(("code", "verdict"), [(0, "same"), (1, "differs"), (2, "undecided"), (127, "undecided")])
def test_the_action_reports_the_verdict(code: int, verdict: str, tmp_path: Path) -> None:
    """Its step exits as the comparison, after the report is on the run's page and the outputs are set."""
    folder = tmp_path / "examples/ci/github-action"
    folder.mkdir(parents=True)
    script = folder.parent / "compare-releases"
    # The folder of reports is the last argument.
    script.write_text(
        f'#!/bin/bash\nprintf "%s\\n" "$@" >arguments\nmkdir -p "${{@: -1}}"\necho "# Boots" >"${{@: -1}}/report.md"\n'
        f"exit {code}\n"
    )
    script.chmod(0o755)
    (step,) = (step for step in action()["runs"]["steps"] if "run" in step)
    defaults = {name: values.get("default", "") for name, values in action()["inputs"].items()}
    inputs = defaults | {"old": "32", "new": "34", "options": "--threads native", "policy": "a policy.yaml"}
    environment = os.environ | {
        name: inputs[match[1]] for name, value in step["env"].items()
        if (match := re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value))
    }  # fmt: skip
    compare = folder / "compare"
    compare.write_bytes((ACTION / "compare").read_bytes())
    compare.chmod(0o755)
    files = {name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, check=False, text=True,
        env=environment | files | {"GITHUB_ACTION_PATH": str(folder)},
    )  # fmt: skip
    assert done.returncode == code
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == "# Boots\n"
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == f"verdict={verdict}\nreports=reports\n"
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments == (
        ["--old", "32", "--new", "34", "--boots", "5", "--mode", "processes"]
        + ["--threads", "native", "--policy", "a policy.yaml", "-o", "reports"]
    )


def test_the_action_offers_what_its_step_sets() -> None:
    outputs = {name: values["value"] for name, values in action()["outputs"].items()}
    assert outputs == {name: f"${{{{ steps.compare.outputs.{name} }}}}" for name in ("verdict", "reports")}
    assert os.access(ACTION / "compare", os.X_OK)
