"""The recorder: nothing is lost when segments roll, a full disk or capture is counted, files are the owner's alone."""

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

THREADS, EACH = 8, 3_000


def segments(folder: Path, stem: str = "h-1-2", size: int = 1 << 16, cap: int = 1 << 30) -> patches_segments.Segments:
    """A recorder whose files are there."""
    made = patches_segments.Segments(str(folder), stem, patches_segments.about_process(("told", "x")), size, cap)
    made.open()
    return made


def counts(folder: Path) -> tuple[int, int]:
    """(dropped, failures) as the only open table says."""
    (path,) = folder.glob("*.open")
    magic, dropped, failures, _ = record_format.OPEN_HEAD.unpack_from(path.read_bytes())
    assert magic == record_format.MAGIC
    return dropped, failures


def test_many_threads_lose_nothing_over_many_segments(tmp_path: Path) -> None:
    """Each record stands in the files once, each thread's in its order within a segment."""
    recorder = segments(tmp_path)
    start = threading.Barrier(THREADS)

    def write(thread: int) -> None:
        start.wait()
        for number in range(EACH):
            recorder.write((thread, number, "x" * (number % 50)))

    workers = [threading.Thread(target=write, args=(thread,)) for thread in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = read_all(tmp_path)
    assert Counter(found) == Counter((t, n, "x" * (n % 50)) for t in range(THREADS) for n in range(EACH))
    assert len(list(tmp_path.glob("*.seg"))) > 10
    assert (recorder.dropped, counts(tmp_path)) == (0, (0, 0))


def test_nobody_waits_for_the_next_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread makes it, others put their records down and go on; all of them are written."""
    recorder = segments(tmp_path, size=record_format.HEADER_SIZE + 400)
    recorder.write(("x" * 380,))
    making, made = threading.Event(), threading.Event()
    create = memory_files.create

    def slow(path: str, size: int) -> Any:
        making.set()
        assert made.wait(10)
        return create(path, size)

    monkeypatch.setattr(patches_segments, "create", slow)
    maker = threading.Thread(target=recorder.write, args=(("maker", "x" * 90),))
    maker.start()
    assert making.wait(10)
    for number in range(3):
        recorder.write(("meanwhile", number))  # would hang here for ten seconds if it waited
    assert len(read_all(tmp_path)) == 1
    made.set()
    maker.join()
    assert sorted(payload[0] for payload in read_all(tmp_path)[1:]) == ["maker", "meanwhile", "meanwhile", "meanwhile"]


def test_a_full_backlog_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a segment takes bounded memory."""
    monkeypatch.setattr(patches_segments, "MAX_BACKLOG", 2)
    recorder = segments(tmp_path, size=record_format.HEADER_SIZE + 40)
    recorder.write(("x" * 15,))
    recorder._tokens.clear()  # somebody else is making the next one
    for number in range(5):
        recorder.write(("later", number))
    assert (recorder.dropped, len(recorder._backlog)) == (3, 2)


def test_a_capture_at_its_cap_counts_drops(tmp_path: Path) -> None:
    """Its files never take more than the cap; what has no room is counted, and nothing is raised."""
    size, table = 1 << 14, record_format.SCRATCH + record_format.SLOT.size
    recorder = segments(tmp_path, size=size, cap=3 * size + table)
    for number in range(2_000):
        recorder.write(("event", number))
    found = read_all(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 3 * size + table
    assert [number for _, number in found] == list(range(len(found)))
    assert counts(tmp_path) == (2_000 - len(found), 0)


def test_processes_that_start_together_share_the_cap(tmp_path: Path) -> None:
    """The second finds the capture full, with its own file counted, and leaves none."""
    size, table = 1 << 14, record_format.SCRATCH + record_format.SLOT.size
    cap = 2 * (size + table) - 1
    first, second = (segments(tmp_path, stem=stem, size=size, cap=cap) for stem in ("h-1-1", "h-2-2"))
    first.write(("event",))
    second.write(("event",))
    assert (first.dropped, second.dropped) == (0, 1)
    assert [path.name for path in tmp_path.glob("*.seg")] == ["h-1-1-0000.seg"]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.ENOMEM])
def test_a_full_disk_counts_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    """The disk is asked once; no file is left half made, and what was recorded before stays readable."""
    recorder = segments(tmp_path, size=1 << 13)
    recorder.write(("event", 0))
    asked = []

    def full(descriptor: int, start: int, length: int) -> None:
        asked.append(length)
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "posix_fallocate", full)
    for number in range(1, 1_000):
        recorder.write(("event", number))
    found = read_all(tmp_path)
    assert 0 < len(found) < 1_000
    assert counts(tmp_path) == (1_000 - len(found), 0)
    assert len(asked) == 1
    assert len(list(tmp_path.glob("*.seg"))) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, where we may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "bootseq-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_is_really_full_does_not_kill(small_disk: Path) -> None:
    """No SIGBUS from a mapped file without room behind it: what was written is there, the rest is counted."""
    recorder = segments(small_disk, size=1 << 16)
    for number in range(10_000):
        recorder.write(("event", number, "x" * 50))
    found = read_all(small_disk)
    assert [payload[1] for payload in found] == list(range(len(found)))
    assert len(found) > 1_000
    assert counts(small_disk) == (10_000 - len(found), 0)


def test_a_record_larger_than_a_segment_is_dropped(tmp_path: Path) -> None:
    """The next one still finds its place."""
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


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """0600, whatever the umask."""
    before = os.umask(0)
    try:
        segments(tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_recorder_makes_its_files_with_its_first_record(tmp_path: Path) -> None:
    """A forked child that execs at once leaves none."""
    recorder = patches_segments.Segments(str(tmp_path), "h-1-2", (), 1 << 14, 1 << 20)
    record_format.SLOT.pack_into(recorder.table, recorder.take_slot(), 1, 2, 3, 4, 5)
    assert list(tmp_path.iterdir()) == []
    recorder.write(("first",))
    assert read_all(tmp_path) == [("first",)]
    assert {path.suffix for path in tmp_path.iterdir()} == {".seg", ".open"}


def test_what_was_abandoned_writes_nowhere(tmp_path: Path) -> None:
    """In a forked child the calls in flight end without a trace in the parent's files."""
    recorder = segments(tmp_path)
    recorder.write(("before",))
    held = {path: path.read_bytes() for path in tmp_path.iterdir()}
    recorder.abandon()
    recorder.write(("after",))
    recorder.failed()
    record_format.SLOT.pack_into(recorder.table, recorder.take_slot(), 1, 2, 3, 4, 5)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == held


def test_an_unwritable_record_is_the_hooks_to_count(tmp_path: Path) -> None:
    """What marshal refuses raises, and the next record is written."""
    recorder = segments(tmp_path)
    with pytest.raises(ValueError, match="unmarshallable"):
        recorder.write((object(),))
    recorder.write(("next",))
    assert read_all(tmp_path) == [("next",)]
