"""Folders and patterns as inputs: logs in a fixed order; one line for many files, deep folders, links in a circle."""

from __future__ import annotations

import glob
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tracer.cli import main
from tracer.errors import TracerError
from tracer.sources import inputs, listing

LINE = "2026-11-22 08:14:11.514 27098 INFO nova.x [None req-c29ec537-4c93-4257-b1e1-a97407e9c85d a b - - - -] hello\n"


def ingest(*sources: object, output: Path) -> Result:
    """Run ``bootseq ingest`` in this process."""
    return CliRunner().invoke(main, ["ingest", "-o", str(output), *map(str, sources)])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder of logs with folders, a hidden file, and links to a file, to a folder and to the top."""
    top = tmp_path / "site"
    for name in ("api.log", "a/b/compute.log", "a/rpc.jsonl", "a/c/notes", ".old/x.log", "a/.y.log"):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LINE)
    (top / "current.log").symlink_to("api.log")
    (top / "shortcut").symlink_to("a/b")
    (top / "a" / "top").symlink_to("..")
    (top / "a" / "again").symlink_to("..")
    return top


def names(top: Path, *patterns: str) -> list[str]:
    """Return the expanded inputs, relative to the top folder."""
    return [str(path.relative_to(top)) for path in inputs.expand(tuple(top / pattern for pattern in patterns))]


def test_a_folder_has_its_logs_then_its_copies(site: Path) -> None:
    """Links to files count, links to folders do not: each log is read once."""
    assert names(site, "") == [".old/x.log", "a/.y.log", "a/b/compute.log", "api.log", "current.log", "a/rpc.jsonl"]


@pytest.mark.parametrize("pattern", ["*.log", "a/*/*.log", "shortcut/*.log", "*/b/compute.log", "a/[rx]*", "*/*.jsonl"])
def test_a_pattern_matches_as_in_a_shell(site: Path, pattern: str) -> None:
    expected = {os.path.relpath(path, site) for path in glob.glob(str(site / pattern))}
    assert expected
    assert set(names(site, pattern)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/*.log", ["a/b/compute.log", "api.log", "current.log"]),
        ("a/**/compute.log", ["a/b/compute.log"]),
        ("*/**/*.log", ["a/b/compute.log", "shortcut/compute.log"]),
        ("**/b/*", ["a/b/compute.log"]),
        ("**/.y.log", ["a/.y.log"]),
    ],
)
def test_two_stars_match_folders_at_any_depth(site: Path, pattern: str, expected: list[str]) -> None:
    """Hidden names are not matched, and no link is followed that could lead back."""
    assert names(site, pattern) == expected


def test_links_in_a_circle_end(site: Path, tmp_path: Path) -> None:
    """With two links to the top there are 2**40 paths."""
    result = ingest(site / "**" / "none.log", output=tmp_path / "t.jsonl")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "none.log: cannot be read: No such file or directory" in result.output
    assert ingest(site, output=tmp_path / "t.jsonl").exit_code == 0


@pytest.mark.parametrize("pattern", ["", "*.log", "**/*.log"])
def test_too_many_files_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 5)
    for number in range(6):
        (tmp_path / f"{number}.log").write_text(LINE)
    result = ingest(tmp_path / pattern, output=tmp_path / "t.jsonl")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "more than 5 files and folders; name the logs among them" in result.output


def test_several_folders_share_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 5)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.log").write_text(LINE)
    with pytest.raises(TracerError, match="more than 5 files"):
        list(inputs.expand((tmp_path / "a", tmp_path / "b")))


@pytest.mark.parametrize("pattern", ["", "**/*.log"])
def test_folders_nested_too_deep_are_one_line(tmp_path: Path, pattern: str) -> None:
    """A thousand levels are deeper than Python's stack, and their path is longer than the kernel's longest."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("deepdeep", dir_fd=descriptor)
        below = os.open("deepdeep", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    result = ingest(tmp_path / pattern, output=tmp_path / "t.jsonl")
    # pytest removes folders by recursion, which would fail here.
    subprocess.run(["rm", "-rf", str(tmp_path / "deepdeep")], check=True)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert f"folders nested more than {listing.MAX_DEPTH} deep; name the logs in it" in result.output


@pytest.mark.slow
def test_a_folder_of_many_files_is_refused_at_the_real_bound(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(listing.MAX_ENTRIES + 1):
        (folder / f"{number}.log").touch()
    result = ingest(folder, output=tmp_path / "t.jsonl")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "more than 100,000 files and folders" in result.output
