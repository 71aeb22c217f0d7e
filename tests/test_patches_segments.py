"""Segment files: no record is lost at a roll, records dropped on a full disk are counted, files are private."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import memory_files, record_format
from patches import segments as patches_segments
from tests.support.raw_segments import read_all

THREADS, RECORDS = 8, 3_000


def segments(folder: Path, stem: str = "h-1-2", size: int = 1 << 16, cap: int = 1 << 30) -> patches_segments.Segments:
    """Create segments whose files exist."""
    result = patches_segments.Segments(str(folder), stem, patches_segments.about_process(("key", "x")), size, cap)
    result.open()
    return result


def counts(folder: Path) -> tuple[int, int]:
    """Return (dropped, failures) of the only open table."""
    (path,) = folder.glob("*.open")
    magic, dropped, failures, _ = record_format.OPEN_HEAD.unpack_from(path.read_bytes())
    assert magic == record_format.MAGIC
    return dropped, failures


def test_many_threads_lose_no_record_over_many_segments(tmp_path: Path) -> None:
    """Every record is in the files once."""
    recorder = segments(tmp_path)
    start = threading.Barrier(THREADS)

    def write(thread: int) -> None:
        start.wait()
        for number in range(RECORDS):
            recorder.write((thread, number, "x" * (number % 50)))

    workers = [threading.Thread(target=write, args=(thread,)) for thread in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    records = read_all(tmp_path)
    assert Counter(records) == Counter((t, n, "x" * (n % 50)) for t in range(THREADS) for n in range(RECORDS))
    assert len(list(tmp_path.glob("*.seg"))) > 10
    assert (recorder.dropped, counts(tmp_path)) == (0, (0, 0))


def test_writers_do_not_wait_for_the_next_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread creates it, others queue their records and go on; all of them are written."""
    recorder = segments(tmp_path, size=record_format.HEADER_SIZE + 400)
    recorder.write(("x" * 380,))
    creating, created = threading.Event(), threading.Event()
    create = memory_files.create

    def slow(path: str, size: int) -> Any:
        creating.set()
        assert created.wait(10)
        return create(path, size)

    monkeypatch.setattr(patches_segments, "create", slow)
    maker = threading.Thread(target=recorder.write, args=(("maker", "x" * 90),))
    maker.start()
    assert creating.wait(10)
    for number in range(3):
        recorder.write(("meanwhile", number))  # would hang here for ten seconds if it waited
    assert len(read_all(tmp_path)) == 1
    created.set()
    maker.join()
    assert sorted(payload[0] for payload in read_all(tmp_path)[1:]) == ["maker", "meanwhile", "meanwhile", "meanwhile"]


def test_a_full_backlog_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that wait for a segment take bounded memory."""
    monkeypatch.setattr(patches_segments, "MAX_BACKLOG", 2)
    recorder = segments(tmp_path, size=record_format.HEADER_SIZE + 40)
    recorder.write(("x" * 15,))
    recorder._tokens.clear()  # another thread is creating the next segment
    for number in range(5):
        recorder.write(("later", number))
    assert (recorder.dropped, len(recorder._backlog)) == (3, 2)


def test_a_capture_at_its_cap_counts_dropped_records(tmp_path: Path) -> None:
    """Its files never exceed the cap; a record without room is counted, and raises nothing."""
    size, table = 1 << 14, record_format.SCRATCH + record_format.SLOT.size
    recorder = segments(tmp_path, size=size, cap=3 * size + table)
    for number in range(2_000):
        recorder.write(("event", number))
    records = read_all(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 3 * size + table
    assert [number for _, number in records] == list(range(len(records)))
    assert counts(tmp_path) == (2_000 - len(records), 0)


def test_processes_that_start_together_share_the_cap(tmp_path: Path) -> None:
    """For the second, counting its own file, the capture is full: it leaves no file."""
    size, table = 1 << 14, record_format.SCRATCH + record_format.SLOT.size
    cap = 2 * (size + table) - 1
    first, second = (segments(tmp_path, stem=stem, size=size, cap=cap) for stem in ("h-1-1", "h-2-2"))
    first.write(("event",))
    second.write(("event",))
    assert (first.dropped, second.dropped) == (0, 1)
    assert [path.name for path in tmp_path.glob("*.seg")] == ["h-1-1-0000.seg"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.ENOMEM])
def test_records_dropped_on_a_full_disk_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """Allocation is tried once; no incomplete file stays, and earlier records stay readable."""
    recorder = segments(tmp_path, size=1 << 13)
    recorder.write(("event", 0))
    allocations = []

    def full(descriptor: int, start: int, length: int) -> None:
        allocations.append(length)
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "posix_fallocate", full)
    for number in range(1, 1_000):
        recorder.write(("event", number))
    records = read_all(tmp_path)
    assert 0 < len(records) < 1_000
    assert counts(tmp_path) == (1_000 - len(records), 0)
    assert len(allocations) == 1
    assert len(list(tmp_path.glob("*.seg"))) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 256 KiB, where the test may mount one."""
    mount_point = tmp_path / "small"
    mount_point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "bootseq-test", str(mount_point)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield mount_point
    subprocess.run(["umount", "--lazy", str(mount_point)], check=True)


def test_a_really_full_disk_does_not_kill_the_process(small_disk: Path) -> None:
    """No SIGBUS from a mapped file without blocks: written records are readable, the others counted."""
    recorder = segments(small_disk, size=1 << 16)
    for number in range(10_000):
        recorder.write(("event", number, "x" * 50))
    records = read_all(small_disk)
    assert [payload[1] for payload in records] == list(range(len(records)))
    assert len(records) > 1_000
    assert counts(small_disk) == (10_000 - len(records), 0)


def test_a_record_larger_than_a_segment_is_dropped(tmp_path: Path) -> None:
    """The next record is written."""
    recorder = segments(tmp_path, size=1 << 13)
    recorder.write(("x" * (1 << 13),))
    recorder.write(("small",))
    assert read_all(tmp_path) == [("small",)]
    assert counts(tmp_path) == (1, 0)


def test_space_is_allocated_before_it_is_written(tmp_path: Path) -> None:
    """A hole in a mapped file would kill the host by SIGBUS on a full disk."""
    segments(tmp_path, size=1 << 16)
    for path in tmp_path.iterdir():
        assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_files_are_private(tmp_path: Path) -> None:
    """0600 under any umask."""
    before = os.umask(0)
    try:
        segments(tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_the_files_are_created_with_the_first_record(tmp_path: Path) -> None:
    """A forked child that execs at once leaves none."""
    recorder = patches_segments.Segments(str(tmp_path), "h-1-2", (), 1 << 14, 1 << 20)
    record_format.SLOT.pack_into(recorder.table, recorder.take_slot(), 1, 2, 3, 4, 5)
    assert list(tmp_path.iterdir()) == []
    recorder.write(("first",))
    assert read_all(tmp_path) == [("first",)]
    assert {path.suffix for path in tmp_path.iterdir()} == {".seg", ".open"}


def test_abandoned_segments_write_no_file(tmp_path: Path) -> None:
    """In a forked child, calls in flight must not write to the parent's files."""
    recorder = segments(tmp_path)
    recorder.write(("before",))
    held = {path: path.read_bytes() for path in tmp_path.iterdir()}
    recorder.abandon()
    recorder.write(("after",))
    recorder.failed()
    record_format.SLOT.pack_into(recorder.table, recorder.take_slot(), 1, 2, 3, 4, 5)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == held


def test_an_unmarshallable_record_raises_and_the_next_is_written(tmp_path: Path) -> None:
    recorder = segments(tmp_path)
    with pytest.raises(ValueError, match="unmarshallable"):
        recorder.write((object(),))
    recorder.write(("next",))
    assert read_all(tmp_path) == [("next",)]
