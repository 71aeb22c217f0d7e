"""``bootseq draw`` of several boots from outside: the merged boots, their names, refused inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagrams import MERGED
from tests.support.builders import call
from tests.test_tracer_cli import bootseq, refused
from tests.test_tracer_commands_diff import NEW, Traced, boots, deletion, failed, traced
from tests.test_tracer_files import full_disk

__all__ = ["traced"]  # the fixture


@pytest.mark.parametrize("suffix", MERGED)
def test_merged_boots_are_drawn_in_every_format(suffix: str, traced: Traced, tmp_path: Path) -> None:
    """A step that only some boots have is in a fragment, with the share of boots."""
    file, target = traced("t.jsonl", *boots(1), *boots(1, NEW)), tmp_path / f"x.{suffix}"
    done = bootseq("draw", file, "--merged", "-o", target, "--detail", "full")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{target}: ")
    text = target.read_text()
    assert "opt" in text
    assert "1 of 2 boots: t:2" in text  # both servers are vm1


def test_merged_boots_are_drawn_as_png_and_on_pages(traced: Traced, tmp_path: Path) -> None:
    file = traced("t.jsonl", *boots(1), *boots(1, NEW))
    assert bootseq("draw", file, "--merged", "-o", tmp_path / "x.png").exit_code == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert bootseq("draw", file, "--merged", "--pages", "a4", "-o", tmp_path / "y.svg").exit_code == 0
    assert list(tmp_path.glob("y*.svg"))


def test_boots_are_selected_by_name_and_from_further_files(traced: Traced, tmp_path: Path) -> None:
    """Named boots, all of a file, all of several files; where names are equal, the file is shown."""
    first, second = traced("one.jsonl", *boots(3)), traced("other.trace.jsonl.gz", *boots(1, NEW))
    target = tmp_path / "x.txt"

    def names(*arguments: object) -> str:
        assert bootseq("draw", *arguments, "-o", target).exit_code == 0
        return target.read_text().splitlines()[1].removeprefix("# ")

    assert names(first, "vm1", "3") == "vm1, vm3"
    assert names(first, "--merged") == "vm1, vm2, vm3"
    assert names(first, "--also", second) == "one:vm1, vm2, vm3, other:vm1"
    assert names(first, "vm2", "--also", second, "--also", first) == "one:2, other:vm1, one:vm1, one:2, vm3"
    assert names(second, "--merged") == "vm1"


def test_other_requests_are_drawn_by_number(traced: Traced, tmp_path: Path) -> None:
    """But not together with boots."""
    file = traced("t.jsonl", *boots(1), others=(deletion(), deletion()))
    assert bootseq("draw", file, "2", "3", "-o", tmp_path / "x.txt").exit_code == 0
    assert (tmp_path / "x.txt").read_text().startswith("# DELETE /v2.1/servers/")
    line = refused("draw", file, "1", "2", "-o", tmp_path / "y.txt")
    assert line.endswith("DELETE /v2.1/servers/{id} and boot are different requests; choose some with WHAT")
    only = traced("only.jsonl", others=(deletion(),))
    line = refused("draw", file, "--merged", "--also", only, "-o", tmp_path / "y.txt")
    assert (
        line
        == f"{only} holds no boots; choose another request with WHAT and its number (see: bootseq list --all {only})"
    )
    assert not (tmp_path / "y.txt").exists()


def test_boots_with_different_outcomes_are_drawn_together(traced: Traced, tmp_path: Path) -> None:
    file = traced("t.jsonl", *boots(1), failed())
    assert bootseq("draw", file, "--merged", "-o", tmp_path / "x.txt").exit_code == 0
    assert (tmp_path / "x.txt").read_text().startswith("# boot: 2 boots merged, 1 active, 1 error")


def test_a_selection_that_cannot_be_drawn_is_refused(traced: Traced, tmp_path: Path) -> None:
    """In one line, without a file."""
    file, target = traced("t.jsonl", *boots(2)), tmp_path / "x.svg"
    assert refused("draw", file, "vm1", "--merged", "-o", target) == (
        "--merged cannot be combined with WHAT: it takes all boots of FILE"
    )
    assert refused("draw", file, "vm1", "x99", "-o", target).startswith(f"{file} holds no boot 'x99'; see: ")
    assert refused("draw", file, "--merged", "--also", tmp_path / "none", "-o", target).startswith(
        f"{tmp_path / 'none'}: "
    )
    for suffix in ("html", "dot"):
        other = tmp_path / f"x.{suffix}"
        line = f"{other}: cannot draw several boots as .{suffix}; use one of: .txt, .md, .svg, .mmd, .puml, .png"
        assert refused("draw", file, "--merged", "-o", other) == line
    assert refused("draw", file, "--merged", "-o", tmp_path / "x.doc").startswith(
        f"{tmp_path / 'x.doc'}: cannot draw .doc"
    )
    (empty,) = boots(1)
    empty.chapters = []
    hollow = traced("e.jsonl", empty, *boots(1))
    assert refused("draw", hollow, "--merged", "-o", target) == f"{hollow}: a boot has no steps; name the others"
    assert not target.exists()


def test_a_full_disk_leaves_the_earlier_drawing(traced: Traced, tmp_path: Path) -> None:
    file, target = traced("t.jsonl", *boots(2, call("API", "nova.api:f"))), tmp_path / "x.svg"
    target.write_text("before")
    with full_disk():
        assert bootseq("draw", file, "--merged", "-o", target).exit_code == 2
    assert target.read_text() == "before"
