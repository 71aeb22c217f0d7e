"""Creating a capture: a private folder with the options of the hooks; other folders stay unchanged."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.test_tracer_files import full_disk
from tracer.errors import TracerError
from tracer.recording import capture


def make(path: Path, ask: str = "ask") -> None:
    capture.make(path, points=[("a", ["b"], [])], ask=[ask], echo=False, cap=1 << 20)


def test_a_capture_is_private_and_contains_the_options(tmp_path: Path) -> None:
    """Under any umask."""
    path = tmp_path / "c"
    make(path)
    assert capture.is_capture(path)
    assert path.stat().st_mode & 0o777 == 0o700
    options = path / "capture.json"
    assert options.stat().st_mode & 0o777 == 0o600
    assert json.loads(options.read_text()) == {
        "format": 1, "segment_size": capture.SEGMENT_SIZE, "cap": 1 << 20, "points": [["a", ["b"], []]],
        "ask": ["ask"], "echo": False,
    }  # fmt: skip
    assert os.listdir(path) == ["capture.json"]


def test_an_existing_capture_is_continued(tmp_path: Path) -> None:
    """The recording stays; the options are those of the new command."""
    make(tmp_path / "c")
    (tmp_path / "c" / "segments").mkdir()
    make(tmp_path / "c", ask="other")
    assert json.loads((tmp_path / "c" / "capture.json").read_text())["ask"] == ["other"]
    assert sorted(os.listdir(tmp_path / "c")) == ["capture.json", "segments"]


def test_an_empty_folder_becomes_a_capture(tmp_path: Path) -> None:
    make(tmp_path)
    assert capture.is_capture(tmp_path)


def test_many_simultaneous_commands_create_one_capture(tmp_path: Path) -> None:
    """All services of a cloud start together."""
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: make(tmp_path / "c"), range(40)))
    assert os.listdir(tmp_path / "c") == ["capture.json"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mine", "not a capture and not empty; name a folder that does not exist yet"),
        ("file", "cannot create a capture: Not a directory"),
        ("none/c", "cannot create a capture: No such file or directory"),
        ("file/c", "cannot create a capture: Not a directory"),
        ("x" * 300, "cannot create a capture: File name too long"),
    ],
)
def test_a_folder_that_cannot_be_a_capture_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    """A folder with other content, a file: they stay unchanged."""
    (tmp_path / "mine").mkdir(mode=0o755)
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(TracerError) as raised:
        make(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: {reason}"
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o755


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    """The options are complete or missing."""
    with full_disk(), pytest.raises(TracerError, match=r"capture\.json: cannot be written: File too large"):
        make(tmp_path / "c")
    assert os.listdir(tmp_path / "c") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_missing_permission_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(TracerError, match="cannot create a capture: Permission denied"):
        make(tmp_path / "c")


def test_a_folder_without_options_is_no_capture(tmp_path: Path) -> None:
    """Nor is a file, nor a missing path."""
    (tmp_path / "f").write_text("x")
    assert not any(capture.is_capture(path) for path in (tmp_path, tmp_path / "f", tmp_path / "none"))
