"""``bootseq baseline`` from outside: the written baseline, and refused inputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.test_tracer_cli import bootseq, refused
from tests.test_tracer_commands_diff import NEW, Traced, boots, deletion, failed, traced
from tests.test_tracer_files import full_disk
from tracer import trace_file
from tracer.diff.baseline.reader import read
from tracer.model import Trace

__all__ = ["traced"]  # the fixture


def test_a_baseline_covers_the_variation_of_its_boots(traced: Traced, tmp_path: Path) -> None:
    """In a diff against it, steps of some boots are no difference; steps of none are."""
    plain, other = traced("one.jsonl", *boots(5)), traced("other.jsonl.gz", *boots(2, NEW))
    done = bootseq("baseline", plain, other, plain, "-o", tmp_path / "b")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{tmp_path / 'b'}: 7 boots, ")
    assert done.stdout.endswith("1 of them vary\n")
    learned = read((tmp_path / "b").read_text(), "b")
    assert (learned.boots, learned.outcomes) == (7, ("active",))
    assert "_enforce_create_unified_limits() ×0–1" in (tmp_path / "b").read_text()
    for file in (plain, other):
        assert bootseq("diff", tmp_path / "b", file).exit_code == 0
    assert bootseq("baseline", plain, "-o", tmp_path / "c").exit_code == 0
    assert bootseq("diff", tmp_path / "c", other).exit_code == 1


def test_the_same_boots_result_in_the_same_text(traced: Traced, tmp_path: Path) -> None:
    """Baselines are committed to repositories, so they contain no times or paths of their making."""
    file = traced("one.jsonl", *boots(2))
    for name in ("a", "b"):
        assert bootseq("baseline", file, "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    (tmp_path / "plain").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_baseline_of_chosen_boots(traced: Traced, tmp_path: Path) -> None:
    """Also of other requests than boots; a note warns if there are few."""
    file = traced("t.jsonl", *boots(2), *boots(1, NEW), others=(deletion(),))
    done = bootseq("baseline", file, "-o", tmp_path / "b", "--boot", "1", "--boot", "2")
    assert done.exit_code == 0
    assert done.stderr == "bootseq: note: 2 boots; at least 5 are needed to show most of what varies\n"
    assert "unified_limits" not in (tmp_path / "b").read_text()
    assert bootseq("baseline", file, "-o", tmp_path / "d", "--boot", "4").exit_code == 0
    line = refused("baseline", file, "-o", tmp_path / "x", "--boot", "1", "--boot", "4")
    assert line.endswith("DELETE /v2.1/servers/{id} and boot are different requests; choose some with --boot")


def test_boots_with_different_outcomes_are_refused_without_a_choice(traced: Traced, tmp_path: Path) -> None:
    file = traced("t.jsonl", *boots(2), failed())
    assert refused("baseline", file, "-o", tmp_path / "b") == (
        "the boots ended differently: 2 active, 1 error; choose some with --outcome active or --boot"
    )
    assert bootseq("baseline", file, "-o", tmp_path / "b", "--outcome", "active").exit_code == 0
    assert "# outcome: active\n" in (tmp_path / "b").read_text()
    assert bootseq("baseline", file, "-o", tmp_path / "e", "--outcome", "error").exit_code == 0
    assert "# outcome: error\n" in (tmp_path / "e").read_text()
    assert bootseq("diff", tmp_path / "b", tmp_path / "e").exit_code == 1
    assert (
        refused("baseline", file, "-o", tmp_path / "x", "--outcome", "done") == "no boot ended done: 2 active, 1 error"
    )
    assert not (tmp_path / "x").exists()


def test_incomplete_or_missing_recordings_are_refused(traced: Traced, tmp_path: Path) -> None:
    """Incomplete recordings, unfinished boots, baselines, no boots, no files: no file is written."""
    lost = traced("lost.jsonl", *boots(1), warnings=("nova-api (pid 7): 3 events dropped", "torn"))
    target = tmp_path / "out" / "b"
    target.parent.mkdir()
    line = refused("baseline", lost, "-o", target)
    assert line == (f"{lost}: nova-api (pid 7): 3 events dropped (and 1 more like it); record again or pass --partial")
    cut = traced("cut.jsonl", *boots(1, outcome="unfinished"))
    assert refused("baseline", cut, "-o", target).startswith("1 unfinished: cannot learn from an unfinished boot")
    assert refused("baseline", traced("no.jsonl"), "-o", target).endswith(" holds no boots")
    assert refused("baseline", tmp_path / "none", "-o", target).endswith("cannot be read: No such file or directory")
    assert os.listdir(target.parent) == []
    assert bootseq("baseline", lost, "-o", target, "--partial").exit_code == 0
    assert refused("baseline", target, "-o", target).endswith("already a baseline; learn from trace files")


def test_a_baseline_that_cannot_be_written_leaves_the_earlier_file(traced: Traced, tmp_path: Path) -> None:
    file = traced("t.jsonl", *boots(1))
    (tmp_path / "b").write_text("earlier")
    with full_disk():
        assert refused("baseline", file, "-o", tmp_path / "b").endswith("cannot be written: File too large")
    assert (tmp_path / "b").read_text() == "earlier"


@pytest.mark.parametrize("versions", [{"nova": "32.2.1"}, {}])
def test_several_releases_in_one_baseline_are_warned_about(
    traced: Traced, tmp_path: Path, versions: dict[str, str]
) -> None:
    """Most likely one of the files is the wrong one."""
    file = traced("t.jsonl", *boots(5))
    trace_file.write(tmp_path / "old.jsonl", Trace(boots(1), [], versions))
    done = bootseq("baseline", file, tmp_path / "old.jsonl", "-o", tmp_path / "b")
    assert done.exit_code == 0
    warning = "bootseq: warning: several releases of Nova in one baseline: 32.2.1, 34.0.0\n"
    assert done.stderr == (warning if versions else "")
