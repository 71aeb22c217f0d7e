"""``bootseq draw`` of several boots, from outside: which are merged, what they are called, what is refused."""

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
def test_every_format(suffix: str, traced: Traced, tmp_path: Path) -> None:
    """What one boot has that the other lacks is in a fragment, with the share of boots."""
    file, target = traced("t.jsonl", *boots(1), *boots(1, NEW)), tmp_path / f"x.{suffix}"
    done = bootseq("draw", file, "--merged", "-o", target, "--detail", "full")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{target}: ")
    text = target.read_text()
    assert "opt" in text
    assert "1 of 2 boots: t:2" in text  # both servers are vm1


def test_pictures_of_pixels_and_pages(traced: Traced, tmp_path: Path) -> None:
    """As of one boot."""
    file = traced("t.jsonl", *boots(1), *boots(1, NEW))
    assert bootseq("draw", file, "--merged", "-o", tmp_path / "x.png").exit_code == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert bootseq("draw", file, "--merged", "--pages", "a4", "-o", tmp_path / "y.svg").exit_code == 0
    assert list(tmp_path.glob("y*.svg"))


def test_boots_by_name_and_of_further_files(traced: Traced, tmp_path: Path) -> None:
    """Those that are named, all of a file, all of several; where two are called the same, the file tells them apart."""
    one, other = traced("one.jsonl", *boots(3)), traced("other.trace.jsonl.gz", *boots(1, NEW))
    target = tmp_path / "x.txt"

    def names(*arguments: object) -> str:
        assert bootseq("draw", *arguments, "-o", target).exit_code == 0
        return target.read_text().splitlines()[1].removeprefix("# ")

    assert names(one, "vm1", "3") == "vm1, vm3"
    assert names(one, "--merged") == "vm1, vm2, vm3"
    assert names(one, "--also", other) == "one:vm1, vm2, vm3, other:vm1"
    assert names(one, "vm2", "--also", other, "--also", one) == "one:2, other:vm1, one:vm1, one:2, vm3"
    assert names(other, "--merged") == "vm1"


def test_other_requests(traced: Traced, tmp_path: Path) -> None:
    """By their numbers; but not together with boots."""
    file = traced("t.jsonl", *boots(1), others=(deletion(), deletion()))
    assert bootseq("draw", file, "2", "3", "-o", tmp_path / "x.txt").exit_code == 0
    assert (tmp_path / "x.txt").read_text().startswith("# DELETE /v2.1/servers/")
    said = refused("draw", file, "1", "2", "-o", tmp_path / "y.txt")
    assert said.endswith("DELETE /v2.1/servers/{id} and boot are different requests; choose some with WHAT")
    only = traced("only.jsonl", others=(deletion(),))
    said = refused("draw", file, "--merged", "--also", only, "-o", tmp_path / "y.txt")
    assert (
        said
        == f"{only} holds no boots; choose another request with WHAT and its number (see: bootseq list --all {only})"
    )
    assert not (tmp_path / "y.txt").exists()


def test_boots_that_ended_differently(traced: Traced, tmp_path: Path) -> None:
    """Are drawn together: that is what a reader wants to see."""
    file = traced("t.jsonl", *boots(1), failed())
    assert bootseq("draw", file, "--merged", "-o", tmp_path / "x.txt").exit_code == 0
    assert (tmp_path / "x.txt").read_text().startswith("# boot: 2 boots merged, 1 active, 1 error")


def test_what_is_refused(traced: Traced, tmp_path: Path) -> None:
    """One line each, and no file."""
    file, target = traced("t.jsonl", *boots(2)), tmp_path / "x.svg"
    assert refused("draw", file, "vm1", "--merged", "-o", target) == (
        "--merged cannot be combined with WHAT: it takes all boots of FILE"
    )
    assert refused("draw", file, "vm1", "vm7", "-o", target).startswith(f"{file} holds no boot 'vm7'; see: ")
    assert refused("draw", file, "--merged", "--also", tmp_path / "none", "-o", target).startswith(
        f"{tmp_path / 'none'}: "
    )
    for suffix in ("html", "dot"):
        other = tmp_path / f"x.{suffix}"
        said = f"{other}: cannot draw several boots as .{suffix}; use one of: .txt, .md, .svg, .mmd, .puml, .png"
        assert refused("draw", file, "--merged", "-o", other) == said
    assert refused("draw", file, "--merged", "-o", tmp_path / "x.doc").startswith(
        f"{tmp_path / 'x.doc'}: cannot draw .doc"
    )
    (empty,) = boots(1)
    empty.chapters = []
    hollow = traced("e.jsonl", empty, *boots(1))
    assert refused("draw", hollow, "--merged", "-o", target) == f"{hollow}: a boot has no steps; name the others"
    assert not target.exists()


def test_disk_that_is_full(traced: Traced, tmp_path: Path) -> None:
    """The earlier picture stays."""
    file, target = traced("t.jsonl", *boots(2, call("API", "nova.api:f"))), tmp_path / "x.svg"
    target.write_text("before")
    with full_disk():
        assert bootseq("draw", file, "--merged", "-o", target).exit_code == 2
    assert target.read_text() == "before"
