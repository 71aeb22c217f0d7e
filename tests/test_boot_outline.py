"""An engineer's notes on a boot of 2011, checked against the logs and message copies of a real one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support import golden
from tests.support.log_traces import DATA, DIABLO
from tracer.cli import main

NOTES = DATA / "diablo-boot.outline"
#: Sources by the witnesses they contain.
WITNESSES = {"all": [DIABLO], "logs": sorted(DIABLO.glob("*.log")), "copies": [DIABLO / "rpc.jsonl"]}


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a trace file for every entry of WITNESSES."""
    folder = tmp_path_factory.mktemp("diablo")
    for name, paths in WITNESSES.items():
        run("ingest", "-o", folder / f"{name}.trace.jsonl.gz", *paths)
    return {name: folder / f"{name}.trace.jsonl.gz" for name in WITNESSES}


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "100"})


def changes(outline: Path, trace: Path) -> list[dict[str, Any]]:
    report = json.loads(run("diff", outline, trace, "--format", "json", "--partial").stdout)
    return list(report["changes"])


def mistakes(outline: Path, trace: Path) -> list[tuple[str, str, str]]:
    """Return class and addresses of the changes that fail or warn."""
    return [
        (change["class"], change["old"], change["new"])
        for change in changes(outline, trace)
        if change["severity"] in ("fail", "warn")
    ]


@pytest.mark.parametrize("name", ["all", "logs"])
def test_the_report_names_the_known_mistakes(traces: dict[str, Path], name: str) -> None:
    """Two known mistakes, and a third: a step without the condition that it needs."""
    done = run("diff", NOTES, traces[name], "--details")
    assert done.exit_code == 1
    golden.compare("tracer/diablo-outline.txt", done.stdout, [(rf"\b{name}\.trace", "TRACE.trace")])
    assert mistakes(NOTES, traces[name]) == [
        ("missing", "2-1-1-1", "2/1"),  # chance.schedule_run_instance
        ("missing", "3-1-5-5", ""),  # block_device_mapping_update, which only a snapshot needs
        ("unwritten", "", "3-1"),  # the network call
    ]


def test_copies_alone_report_messages_but_no_functions(traces: dict[str, Path]) -> None:
    assert mistakes(NOTES, traces["copies"]) == [("unwritten", "", "3-1")]

    assert {change["class"] for change in changes(NOTES, traces["copies"])} == {"unwritten", "unmet", "unseen"}


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("- to scheduler: run_instance", "- to scheduler: start_instance", ("missing", "1-1-2-2-1", "")),
        ("2-1-3. rpc.cast()", "2-1-3. rpc.call()", ("mode", "2-1-3", "2-1")),
        ("task_state SPAWNING", "task_state RESIZING", ("missing", "3-1-6", "")),
        ("ComputeManager -> run_instance()", "ComputeManager -> stop_instance()", ("unwritten", "", "3")),
        ("1. api/openstack/servers.py", "1. api/openstack/images.py", ("unwritten", "", "1")),
        ("3-1-8. self._get_power_state()", "3-1-8. rpc.call() to volume: get_power_state", ("missing", "3-1-8", "")),
    ],
)  # fmt: skip
def test_an_added_mistake_is_reported(
    traces: dict[str, Path], tmp_path: Path, old: str, new: str, mistake: tuple[str, str, str]
) -> None:
    text = NOTES.read_text()
    assert old in text
    changed = tmp_path / "changed.outline"
    changed.write_text(text.replace(old, new))
    assert mistake in mistakes(changed, traces["all"])


@pytest.mark.parametrize("name", list(WITNESSES))
@pytest.mark.parametrize("detail", ["brief", "calls", "full"])
def test_the_output_of_show_is_a_true_outline_of_its_trace(
    traces: dict[str, Path], tmp_path: Path, name: str, detail: str
) -> None:
    own = tmp_path / "own.outline"
    own.write_text(run("show", traces[name], "--detail", detail).stdout)
    assert changes(own, traces[name]) == []
