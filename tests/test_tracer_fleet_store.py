"""The store: adding is idempotent and atomic, compaction loses nothing, damage is named, readers refuse it."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from click.testing import CliRunner, Result

from tests.support.real_boots import DATA
from tracer import trace_file
from tracer.cli import main
from tracer.errors import TracerError
from tracer.fleet import checking, compaction, engine, store
from tracer.fleet.batches import Batch
from tracer.fleet.rows import BootRows, rows_of
from tracer.fleet.store import Store

GALLERY = DATA.parents[1] / "examples" / "gallery" / "boots.trace.jsonl.gz"
TRACES = (GALLERY, DATA / "legs" / "ovn.trace.jsonl.gz", DATA / "fleet" / "nova29.trace.jsonl.gz")
#: The boots of the traces, and the sum of their steps' occurrences, as independent counts.
_QUERY = "SELECT (SELECT count(*) FROM boots), (SELECT sum(steps) FROM boots), (SELECT sum(n) FROM steps)"


def bootseq(*arguments: object) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, ["fleet", *map(str, arguments)])


def added(path: Path, *traces: Path) -> None:
    """Add traces, each by a command of its own."""
    for trace in traces:
        batch = Batch()
        for rows in _rows(trace):
            batch.add(rows)
        with store.created(path) as opened:
            batch.commit(opened)


@cache
def _rows(trace: Path) -> list[BootRows]:
    return [rows_of(boot, str(trace), {}) for boot in trace_file.read(trace).boots if boot.uuid]


def totals(path: Path) -> tuple[int, int]:
    """Return the boots of a store and their steps, which boots and steps must agree on."""
    with store.opened(path) as opened:
        boots, steps, occurrences = engine.ask(opened, lambda connection: connection.execute(_QUERY).fetchall())[0]
    assert steps == occurrences
    return boots, steps


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    path = tmp_path_factory.mktemp("expected") / "fleet"
    added(path, *TRACES)
    boots = sum(len(trace_file.read(trace).boots) for trace in TRACES)
    assert totals(path)[0] == boots
    return totals(path)


def files(path: Path) -> list[str]:
    """Return the files of a store."""
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def test_adding_twice_is_adding_once(tmp_path: Path, expected: tuple[int, int]) -> None:
    path = tmp_path / "fleet"
    added(path, *TRACES)
    before = files(path)
    done = bootseq("add", path, *TRACES[:1])
    assert done.exit_code == 0
    assert "0 boots added, 4 known already" in done.output
    assert files(path) == before
    assert totals(path) == expected


def test_folders_lists_and_traits(tmp_path: Path) -> None:
    traces = tmp_path / "traces" / "night"
    traces.mkdir(parents=True)
    shutil.copy(GALLERY, traces / "boots.trace.jsonl.gz")
    (traces / "notes.txt").write_text("no trace")
    uuid = trace_file.read(GALLERY).boots[0].uuid
    by_boot = tmp_path / "traits.json"
    by_boot.write_text(json.dumps({uuid: {"servers": 7}}))
    path = tmp_path / "fleet"
    assert bootseq("add", path, "--trait", "job=nightly", "--traits", by_boot, tmp_path / "traces").exit_code == 0
    listed = CliRunner().invoke(main, ["fleet", "add", str(path), "-"], input=f"{GALLERY}\n")
    assert listed.exit_code == 0
    boots = json.loads(bootseq("list", path, "--boots", "--json", "--where", "job=nightly,servers>6").stdout)
    assert [boot["uuid"] for boot in boots] == []  # the boots of the second command have no traits, and count
    assert bootseq("add", path, "--trait", "job=nightly", "--traits", by_boot, GALLERY).exit_code == 0
    boots = json.loads(bootseq("list", path, "--boots", "--json", "--where", "job=nightly,servers>6").stdout)
    assert [boot["uuid"] for boot in boots] == [uuid]
    assert boots[0]["traits"] == {"job": "nightly", "servers": "7"}


def test_a_trace_that_cannot_be_read_is_named_and_the_others_are_added(tmp_path: Path) -> None:
    broken = tmp_path / "broken.trace.jsonl"
    broken.write_text("{}")
    done = bootseq("add", tmp_path / "fleet", broken, GALLERY)
    assert done.exit_code == 2
    assert "broken.trace.jsonl: not a bootseq trace file" in done.stderr
    assert "4 boots added" in done.output


def _interrupted(monkeypatch: pytest.MonkeyPatch, method: str, after: int) -> Callable[[], bool]:
    """Let the nth call of a method of the store be the last thing that happens, as after kill -9."""
    calls = 0
    original: Any = getattr(Store, method)

    def count(self: Store, *arguments: Any) -> object:
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(Store, method, count)
    return lambda: calls > after


@pytest.mark.parametrize("after", [0, 1, 2, 3, 5])
def test_an_interrupted_add_leaves_the_state_before_or_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: tuple[int, int], after: int
) -> None:
    path = tmp_path / "fleet"
    added(path, *TRACES[:1])
    before = totals(path)
    with monkeypatch.context() as patch:
        interrupted = _interrupted(patch, "write", after)
        try:
            added(path, *TRACES[1:])
        except KeyboardInterrupt:
            assert interrupted()
    assert before[0] <= totals(path)[0] <= expected[0]
    added(path, *TRACES[1:])
    assert totals(path) == expected
    with store.opened(path) as opened:
        assert checking.check(opened, lambda step, share: None) == []


@pytest.mark.parametrize("method", ["write", "remove"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_interrupted_compaction_leaves_every_boot_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, after: int
) -> None:
    path = tmp_path / "fleet"
    single = _single_boots(tmp_path)
    added(path, *single, *single[:1])
    before = totals(path)
    day = date(2026, 11, 22)
    with monkeypatch.context() as patch:
        _interrupted(patch, method, after)
        with store.opened(path, write=True) as opened, contextlib.suppress(KeyboardInterrupt):
            compaction.compact_day(opened, day, "1GB")
    assert totals(path) == before
    assert bootseq("compact", path).exit_code == 0
    assert totals(path) == before
    with store.opened(path) as opened:
        assert len(opened.segments(day)) == 1
        assert checking.check(opened, lambda step, share: None) == []


def _single_boots(folder: Path) -> list[Path]:
    """Return traces of one boot each."""
    paths = []
    trace = trace_file.read(GALLERY)
    for number, boot in enumerate(trace.boots):
        path = folder / f"{number}.trace.jsonl.gz"
        trace_file.write(path, type(trace)([boot], [], trace.versions))
        paths.append(path)
    return paths


def test_a_changed_trace_counts_once_with_its_last_content(tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    added(path, GALLERY)
    before = totals(path)
    trace = trace_file.read(GALLERY)
    step = next(step for step in trace.boots[0].walk() if step.kind == "sql")
    step.kind = "log"
    step.attributes = {"level": "INFO", "logger": "x"}
    changed = tmp_path / "changed.trace.jsonl.gz"
    trace_file.write(changed, trace)
    added(path, changed)
    assert totals(path) == before
    (boot,) = json.loads(bootseq("list", path, "--boots", "--json", "--where", f"uuid={trace.boots[0].uuid}").stdout)
    assert boot["source"] == str(changed)


def test_adders_compaction_and_readers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    single = _single_boots(tmp_path)
    added(path, single[0])
    errors: list[BaseException] = []

    def work(action: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - reported by the test
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def compact() -> None:
        for _ in range(6):
            with store.opened(path, write=True) as opened:
                compaction.compact_day(opened, date(2026, 11, 22), "1GB")

    def read() -> None:
        for _ in range(6):
            assert 1 <= totals(path)[0] <= 4

    adders = [work(lambda: added(path, *single)) for _ in range(3)]
    for thread in [*adders, work(compact), work(read)]:
        thread.join()
    assert errors == []
    assert totals(path)[0] == 4


@pytest.mark.parametrize("kind", ["boots", "steps", "keys"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "missing", "foreign"])
def test_damage_is_named_and_no_question_is_answered(tmp_path: Path, kind: str, damage: str) -> None:
    path = tmp_path / "fleet"
    added(path, GALLERY)
    file = next((path / kind).rglob("*.parquet"))
    content = file.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    if damage == "missing" and kind == "keys":
        file.unlink()
        assert "1 fault" in bootseq("check", path).output
        return
    if damage == "missing" and kind == "boots":
        return  # a boots file that is not there is an add that was not committed
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"flipped": flipped, "cut": content[:middle], "foreign": b"PAR1" + content}[damage])
    done = bootseq("check", path)
    assert done.exit_code == 1
    assert str(file.relative_to(path)) in done.output
    for question in (("list",), ("odd",), ("report",)):
        done = bootseq(question[0], path)
        assert done.exit_code == 2
        assert file.name in done.stderr
        assert "fleet check" in done.stderr


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fleet"
    added(path, GALLERY)
    before = totals(path)

    def full(source: BinaryIO, target: BinaryIO, size: int) -> None:
        target.write(source.read(100))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tracer.files.folder.shutil.copyfileobj", full)
        with pytest.raises(TracerError, match="No space left on device"):
            added(path, TRACES[1])
    assert totals(path) == before
    assert not [name for name in files(path) if "/." in name]


def test_expiry_removes_whole_days(tmp_path: Path, expected: tuple[int, int]) -> None:
    path = tmp_path / "fleet"
    added(path, *TRACES)
    assert bootseq("expire", path, "--before", "2026-11-25").exit_code == 0
    rows = json.loads(bootseq("list", path, "--json").stdout)
    assert [row["day"] for row in rows] == ["2026-11-30"]
    assert totals(path)[0] == expected[0] - 4
    assert bootseq("expire", path, "--before", "soon").exit_code == 2


def test_folders_that_are_no_store(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    assert "neither a fleet store nor an empty folder" in bootseq("add", tmp_path / "photos", GALLERY).stderr
    assert "not a fleet store; make one with: bootseq fleet add" in bootseq("list", tmp_path / "photos").stderr
    assert bootseq("list", tmp_path / "nowhere").exit_code == 2
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "fleet.json").write_text('{"format": "bootseq-fleet", "version": 1, "key": 99}')
    assert "keys of version 99" in bootseq("list", tmp_path / "later").stderr


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    done = bootseq("add", tmp_path / "fleet", GALLERY)
    assert done.exit_code == 2
    assert done.stderr == "bootseq: bootseq fleet needs DuckDB: pip install 'bootseq[fleet]'\n"
    assert not (tmp_path / "fleet").exists()


def test_remnants_of_interrupted_commands_are_removed_when_they_are_old(tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    added(path, GALLERY)
    folder = next((path / "steps").iterdir())
    old, new = folder / ".old.draft", folder / ".new.draft"
    for file in (old, new):
        file.write_bytes(b"x")
    __import__("os").utime(old, (0, 0))
    assert "left by an interrupted command" in bootseq("check", path).output
    assert "1 remnant removed" in bootseq("compact", path).output
    assert (old.exists(), new.exists()) == (False, True)
