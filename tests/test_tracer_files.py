"""Files are written whole or not at all, whatever happens in between."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tracer.errors import TracerError
from tracer.files.write import default_mode, written


def write(path: Path, data: bytes = b"new") -> None:
    with written(path) as file:
        file.write(data)


def test_the_file_appears_at_the_end(tmp_path: Path) -> None:
    """Who looks meanwhile sees the old one."""
    path = tmp_path / "f"
    path.write_text("old")
    with written(path, 0o640) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["f"]


def begin(path: Path, error: type[BaseException]) -> None:
    with written(path) as file:
        file.write(b"half")
        raise error


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond some bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """And nothing half-written beside it."""
    path = tmp_path / "f"
    path.write_text("old")
    with full_disk(), pytest.raises(TracerError, match=r"/f: cannot be written: File too large$"):
        write(path, b"x" * 100)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_meanwhile_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    """It stays what it was, and passes on."""
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(error):
        begin(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none/f", "No such file or directory"),
        (".", "a folder, not a file"),
        ("", "a folder, not a file"),
        ("plain/f", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("ring", "Too many levels of symbolic links"),
    ],
)
def test_where_nothing_can_be_written(tmp_path: Path, name: str, said: str) -> None:
    """The path as it was given, and the system's reason."""
    (tmp_path / "plain").write_text("x")
    (tmp_path / "ring").symlink_to("ring")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(TracerError) as raised:
        write(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: cannot be written: {said}"
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_is_told(tmp_path: Path) -> None:
    """In a folder that is not ours."""
    tmp_path.chmod(0o500)
    with pytest.raises(TracerError, match="cannot be written: Permission denied"):
        write(tmp_path / "f")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it points to is replaced."""
    (tmp_path / "f").symlink_to("target")
    write(tmp_path / "f")
    assert (tmp_path / "f").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_devices_and_pipes_are_written_to(tmp_path: Path) -> None:
    """``-o /dev/stdout`` and the like: never replaced by a file."""
    pipe = tmp_path / "p"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    assert got == [b"new"]
    assert pipe.is_fifo()
    write(Path("/dev/null"))
    with pytest.raises(TracerError, match="/dev/full: cannot be written: No space left on device"):
        write(Path("/dev/full"))


def test_the_default_mode_is_the_users(tmp_path: Path) -> None:
    """As any file that a program makes here."""
    (tmp_path / "f").touch()
    assert default_mode() == (tmp_path / "f").stat().st_mode & 0o777
