"""The job that compares two releases: definitions for CI systems, committed reports, a real run of the script."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from examples.ci import __main__ as command_line
from examples.ci import commands as bootseq
from examples.ci import comparison
from examples.ci.recordings import Plan, Recording
from examples.embedded import EmbeddedError
from examples.embedded.boot import Boot
from examples.embedded.release import RELEASES
from tests.support import golden
from tracer.cli import main
from tracer.commands import inputs
from tracer.diff.baseline import reader
from tracer.diff.compare.compare import compare
from tracer.diff.policy.rules import judge

FOLDER = Path(comparison.__file__).parent
ROOT = FOLDER.parents[1]
REPORTS = FOLDER / "reports"
WORKFLOW = FOLDER / "github-workflow.yaml"
SCRIPT = FOLDER / "compare-releases"


def load_yaml(*names: str) -> Any:
    """Load a YAML file of the example."""
    return yaml.safe_load(FOLDER.joinpath(*names).read_text())


def jobs() -> dict[str, dict[str, Any]]:
    """Return Zuul's jobs by name."""
    return {entry["job"]["name"]: entry["job"] for entry in load_yaml("zuul.yaml") if "job" in entry}


def steps() -> list[dict[str, Any]]:
    """Return the steps of the workflow."""
    return list(load_yaml("github-workflow.yaml")["jobs"]["compare"]["steps"])


def tasks(playbook: str) -> list[dict[str, Any]]:
    """Return the tasks of a playbook with one play."""
    (play,) = load_yaml("playbooks", playbook)
    return list(play["tasks"])


def calls() -> list[str]:
    """Return the commands by which both systems call the script."""
    commands = [step["run"] for step in steps() if "run" in step] + [
        task["command"]["cmd"] for task in tasks("run.yaml") if "command" in task
    ]
    return [command for command in commands if SCRIPT.name in command]


def test_the_workflows_conform_to_githubs_schema() -> None:
    """The schema is the one in check-jsonschema."""
    files = sorted(str(path) for path in FOLDER.glob("github-*.yaml"))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *files]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_publishes_after_any_verdict() -> None:
    """Summary, comment and artifacts follow a failed comparison too, and the token may comment."""
    compared = next(index for index, step in enumerate(steps()) if SCRIPT.name in step.get("run", ""))
    after = steps()[compared + 1 :]
    assert all("!cancelled()" in step["if"] for step in after)
    commands = "\n".join(step.get("run", step.get("uses", "")) for step in after)
    assert all(word in commands for word in ("$GITHUB_STEP_SUMMARY", "gh pr comment", "--body-file", "upload-artifact"))
    assert load_yaml("github-workflow.yaml")["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_zuuls_jobs_are_complete() -> None:
    """Their playbooks and parents exist, and all variables of the playbooks are defined."""
    base = jobs()["bootseq-compare-releases"]
    assert {"parent", "run", "post-run", "nodeset", "timeout", "vars", "irrelevant-files"} <= base.keys()
    assert base["parent"] == "base"
    assert all((ROOT / base[key]).is_file() for key in ("run", "post-run"))
    assert all(re.compile(pattern) for pattern in base["irrelevant-files"])
    used = re.findall(r"\{\{ (bootseq_\w+)", "".join((ROOT / base[key]).read_text() for key in ("run", "post-run")))
    assert set(used) == set(base["vars"])
    assert all(
        job["parent"] in (*jobs(), "base") and job["vars"].keys() <= base["vars"].keys() for job in jobs().values()
    )
    (project,) = (entry["project"] for entry in load_yaml("zuul.yaml") if "project" in entry)
    assert {name for pipeline in project.values() for name in pipeline["jobs"]} == set(jobs())


def test_zuul_collects_the_reports() -> None:
    """Into its log folder, with links to them."""
    copied = next(task["synchronize"] for task in tasks("post.yaml") if "synchronize" in task)
    assert copied["dest"] == "{{ zuul.executor.log_root }}/"
    assert copied["mode"] == "pull"
    returned = next(task["zuul_return"] for task in tasks("post.yaml") if "zuul_return" in task)
    folder = Path(jobs()["bootseq-compare-releases"]["vars"]["bootseq_reports"]).name
    urls = [Path(artifact["url"]) for artifact in returned["data"]["zuul"]["artifacts"]]
    assert {url.parent.name for url in urls} == {folder}
    assert {url.name for url in urls} <= set(comparison.REPORTS)


@pytest.mark.parametrize("command", calls())
def test_both_systems_call_the_script_with_valid_arguments(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options and files exist."""
    calls_: list[Any] = []

    def record(*arguments: Any) -> int:
        calls_.append(arguments)
        return 0

    monkeypatch.setattr(comparison, "compare", record)
    monkeypatch.chdir(ROOT)
    values = {"$OLD": "32", "$NEW": "34", "bootseq_old": "32", "bootseq_new": "34", "bootseq_reports": str(tmp_path)}
    filled = re.sub(r"\{\{ (\w+) \}\}|(\$\w+)", lambda match: values[match[1] or match[2]], command)
    script, *arguments = shlex.split(filled)
    assert os.access(ROOT / script, os.X_OK)
    outcome = CliRunner().invoke(command_line.main, ["compare", *arguments])
    assert outcome.exit_code == 0, outcome.output
    ((old, new, plan, _, policy),) = calls_
    assert (old.release, new.release, plan) == (RELEASES["32"], RELEASES["34"], Plan())
    assert policy == ["--policy=examples/ci/policy.yaml"]
    assert len(calls()) == 2


def test_a_failed_comparison_exits_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, for a cloud that does not start and for wrong options."""

    def broken(*_: object) -> int:
        raise EmbeddedError("nova-api ended with code 1")

    monkeypatch.setattr(comparison, "compare", broken)
    arguments = ["compare", "--old", "32", "--new", "34", "-o", str(tmp_path)]
    outcome = CliRunner().invoke(command_line.main, arguments)
    assert (outcome.exit_code, outcome.stderr) == (2, "compare: nova-api ended with code 1\n")
    outcome = CliRunner().invoke(command_line.main, [*arguments, "--driver", "fake"])
    assert (outcome.exit_code, "--driver is for --mode one-process" in outcome.stderr) == (2, True)


@pytest.mark.parametrize(
    ("verdict", "failed", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 2), (1, 1, 1), (2, 0, 2), (1, 2, 1)]
)
def test_a_failed_boot_is_reported(
    verdict: int, failed: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """It is not averaged, and prevents the verdict "same"; if all failed, the failures are compared."""
    commands: list[tuple[str, ...]] = []
    boots = [Boot(f"vm{n}", "u", "r", "error" if n <= failed else "active", "create.error", 1.0) for n in (1, 2)]
    monkeypatch.setattr(
        comparison, "record",
        lambda release, plan, folder, name: Recording(
            release.name, folder / name, boots if release.name == "34" else boots[2:]
        ),
    )  # fmt: skip
    monkeypatch.setattr(bootseq, "run", lambda *arguments: commands.append(arguments))
    monkeypatch.setattr(bootseq, "verdict", lambda *arguments, silent=False: verdict)
    (tmp_path / "report.txt").touch()
    pair = comparison.sides(RELEASES["32"], RELEASES["34"])
    assert comparison.compare(*pair, Plan(boots=2), tmp_path, []) == code
    assert commands[-1][-1] == ("error" if failed == 2 else "active")
    message = f"Nova 34: {failed} of 2 boots failed: vm1"
    assert (message in capfd.readouterr().err) == bool(failed)


@pytest.mark.parametrize("folder", sorted(REPORTS.iterdir()), ids=lambda path: path.name)
def test_the_committed_reports_are_current(folder: Path, tmp_path: Path) -> None:
    """They are the diff of the baselines beside them; UPDATE_GOLDEN=1 rewrites them."""
    old, new = sorted(folder.glob("*.baseline"))
    for name in ("report.md", "report.txt"):
        outcome = CliRunner().invoke(main, ["diff", str(old), str(new), "-o", str(tmp_path / name)])
        assert outcome.exit_code == 1, outcome.output
        golden.compare(name, (tmp_path / name).read_text(), folder=folder)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "29-to-32",
            ["service_get_minimum_version() (and 3", "SELECT allocations", "GreenPool.spawn → GreenThreadPool"],
        ),
        ("29-to-32-libvirt", ["service_get_minimum_version() (and 3", "SELECT share_mapping"]),
        ("32-to-34", ["service_get_minimum_version() (and 3", "root_required=OWNER_NOVA", "→ ThreadPoolExecutor"]),
    ],
)
def test_the_reports_contain_the_known_differences(name: str, expected: list[str]) -> None:
    """The differences that were found by hand are listed in the README."""
    report = (REPORTS / name / "report.md").read_text()
    assert [words for words in expected if words not in report] == []


def test_the_policy_accepts_the_changes_of_34() -> None:
    """Until its last day, with every entry in use; on the day after, all of them fail."""
    folder = REPORTS / "32-to-34"
    policy = inputs.load_policy([FOLDER / "policy.yaml"])

    def judged(today: date) -> tuple[str, list[str]]:
        sides = (reader.read(path.read_text(), path.name) for path in sorted(folder.glob("*.baseline")))
        compared = compare(*sides)
        notes = judge(compared, policy, today)
        return compared.verdict, notes

    last = max(entry.until for entry in policy.allowed)
    assert judged(last) == ("same", [])
    verdict, notes = judged(date.fromordinal(last.toordinal() + 1))
    assert (verdict, len(notes)) == ("differs", len(policy.allowed))


def failing(report: Path) -> list[tuple[str, ...]]:
    """Return the failing and warning changes of a JSON report, except slower ones, which depend on the machine."""
    changes = json.loads(report.read_text())["changes"]
    return sorted(
        (change["severity"], change["class"], change["service"], change["text"])
        for change in changes
        if change["severity"] in ("fail", "warn") and change["class"] != "slower"
    )


@pytest.mark.slow
def test_the_script_writes_the_committed_reports(tmp_path: Path) -> None:
    """Two boots of 32 and 34 in separate processes: the same changes as in the committed reports."""
    folder = tmp_path / "reports"
    arguments = ["--old", "32", "--new", "34", "--boots", "2", "--fresh", "-o", str(folder)]
    done = subprocess.run([str(SCRIPT), *arguments], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("differs: ")
    suffixes = (".baseline", ".trace.jsonl.gz", ".packages.txt")
    recordings = {f"nova-{release}{suffix}" for release, suffix in itertools.product((32, 34), suffixes)}
    assert {path.name for path in folder.iterdir()} == {*comparison.REPORTS, *recordings}
    old, new = sorted((REPORTS / "32-to-34").glob("*.baseline"))
    committed = tmp_path / "committed.json"
    CliRunner().invoke(main, ["diff", str(old), str(new), "-o", str(committed)])
    assert failing(folder / "report.json") == failing(committed)
