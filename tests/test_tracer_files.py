"""Files are written completely or not at all, whatever happens during the write."""

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
    """Until then the old file stays."""
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
    """Limit files to a few bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """And no half-written file beside it."""
    path = tmp_path / "f"
    path.write_text("old")
    with full_disk(), pytest.raises(TracerError, match=r"/f: cannot be written: File too large$"):
        write(path, b"x" * 100)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    """The exception is passed on unchanged."""
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(error):
        begin(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none/f", "No such file or directory"),
        (".", "a folder, not a file"),
        ("", "a folder, not a file"),
        ("plain/f", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("ring", "Too many levels of symbolic links"),
    ],
)
def test_an_unwritable_path_is_refused_with_the_reason(tmp_path: Path, name: str, reason: str) -> None:
    """The path as the user wrote it, and the system's reason."""
    (tmp_path / "plain").write_text("x")
    (tmp_path / "ring").symlink_to("ring")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(TracerError) as raised:
        write(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: cannot be written: {reason}"
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_missing_permission_is_reported(tmp_path: Path) -> None:
    """In a folder without write permission."""
    tmp_path.chmod(0o500)
    with pytest.raises(TracerError, match="cannot be written: Permission denied"):
        write(tmp_path / "f")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Its target is replaced."""
    (tmp_path / "f").symlink_to("target")
    write(tmp_path / "f")
    assert (tmp_path / "f").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_devices_and_pipes_are_written_to(tmp_path: Path) -> None:
    """They are never replaced by a file; ``-o /dev/stdout`` is one."""
    pipe = tmp_path / "p"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    assert received == [b"new"]
    assert pipe.is_fifo()
    write(Path("/dev/null"))
    with pytest.raises(TracerError, match="/dev/full: cannot be written: No space left on device"):
        write(Path("/dev/full"))


def test_the_default_mode_follows_the_umask(tmp_path: Path) -> None:
    """Like any new file of the user."""
    (tmp_path / "f").touch()
    assert default_mode() == (tmp_path / "f").stat().st_mode & 0o777
