"""The registry: in a private folder, correct after a reboot, with one writer at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.victims import Victim
from tests.support.waiting import wait_until
from tracer.attach import processes, registry, runtime_folder, spool_location
from tracer.attach.registry import Entry
from tracer.errors import TracerError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be another user")


def entry(pid: int = 0) -> Entry:
    """Return an entry for this process, or another."""
    process = processes.read(pid or os.getpid())
    assert process is not None
    return registry.entry(
        process, spool_location.Spool(Path("/x"), "/x"), {"hooks": ["sql"], "attributes": [("a", 1)]}, []
    )


def path_as(uid: int, **environ: str) -> str:
    """Return the path of another user's registry."""
    program = "import os; from tracer.attach import runtime_folder; "
    program += f"os.setgid({uid}); os.setuid({uid}); print(runtime_folder.path())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True, check=True, cwd="/",
    )  # fmt: skip
    return done.stdout.strip()


def test_an_added_entry_is_read(tmp_path: Path) -> None:
    with registry.locked(tmp_path) as registration:
        registration.renew(60)
        registration.add(entry())
        (read,) = registry.of(tmp_path).entries
        assert (read.process(), read.hooks) == (processes.read(os.getpid()), ["sql"])
        assert 59 < registry.of(tmp_path).seconds_left <= 60
        assert [registration_.capture for registration_ in registry.everything()] == [tmp_path]
        registration.drop(read)
    assert registry.everything() == []
    assert os.listdir(runtime_folder.path()) == []


def test_entries_are_invalid_after_a_reboot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Process ids are reused; the recording of an entry can still be collected."""
    with registry.locked(tmp_path) as registration:
        registration.renew(60)
        registration.add(entry())
        monkeypatch.setattr(runtime_folder, "boot_id", lambda: "another")
        now = registration.read()
        assert ([entry_.process() for entry_ in now.entries], now.seconds_left) == ([None], 0)
        registration.drop(now.entries[0])


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """The second waits, and recreates the folder that the first has removed."""
    order: list[str] = []

    def second() -> None:
        with registry.locked(tmp_path) as registration:
            order.append("second")
            registration.add(entry())
            registration.drop(entry())

    with registry.locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        wait_until(lambda: _waits_for_a_lock(thread))
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert os.listdir(runtime_folder.path()) == []


def _waits_for_a_lock(thread: threading.Thread) -> bool:
    return "locks_lock_inode_wait" in _wchan(thread) or "flock" in _wchan(thread) or _call(thread) == "73"


def _wchan(thread: threading.Thread) -> str:
    return Path(f"/proc/self/task/{thread.native_id}/wchan").read_text()


def _call(thread: threading.Thread) -> str:
    return Path(f"/proc/self/task/{thread.native_id}/syscall").read_text().split()[0]


@pytest.mark.parametrize("spoil", ["owner", "mode", "link"])
@needs_root
def test_a_folder_that_others_could_have_prepared_is_refused(
    spoil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    real = tmp_path / "real"
    (real if spoil == "link" else home).mkdir(mode=0o700)
    if spoil == "owner":
        os.chown(home, 65534, 65534)
    elif spoil == "mode":
        home.chmod(0o777)
    else:
        home.symlink_to(real)
        os.chown(home, 65534, 65534, follow_symlinks=False)
    monkeypatch.setattr(runtime_folder, "path", lambda: home)
    works: list[Any] = [registry.everything, lambda: registry.locked(tmp_path).__enter__()]
    for work in works:
        with pytest.raises(TracerError, match="cannot hold the list of what is attached"):
            work()
    assert list(real.iterdir() if spoil == "link" else home.iterdir()) == []


@needs_root
def test_neither_home_nor_another_users_runtime_folder_is_used(tmp_path: Path) -> None:
    """A sudo that keeps the environment leaves both set."""
    alice = tmp_path / "alice"
    alice.mkdir(mode=0o700)
    os.chown(alice, 1234, 1234)
    variables = {name: str(alice) for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")}
    assert path_as(0, **variables) == "/run/bootseq"
    assert path_as(65534, **variables) == "/tmp/bootseq-65534"
    tmp_path.chmod(0o755)
    for above in tmp_path.parents:
        if above == Path(tempfile.gettempdir()):
            break
        above.chmod(0o711)
    assert path_as(1234, **variables) == str(alice / "bootseq")
    alice.chmod(0o755)
    assert path_as(1234, **variables) == "/tmp/bootseq-1234"


def test_an_invalid_file_is_ignored(tmp_path: Path) -> None:
    with registry.locked(tmp_path) as registration:
        registration.renew(60)
        registration.add(entry())
        (folder,) = runtime_folder.path().iterdir()
        (folder / "7-7.process").write_text("{")
        (folder / "8-8.process").write_text('{"pid": "x"}')
        assert [entry_.pid for entry_ in registration.read().entries] == [os.getpid()]
        registration.drop(entry())
        for name in ("7-7.process", "8-8.process"):
            (folder / name).unlink()


def test_an_ended_process_is_not_confused_with_one_that_reuses_its_pid(tmp_path: Path) -> None:
    with Victim() as victim:
        ended = entry(victim.pid)
        assert ended.process() is not None
    assert ended.process() is None
    ended.started -= 1
    assert ended.process() is None
