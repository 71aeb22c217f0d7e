"""``bootseq ask``: lines with values from running services, in ask.log and in the capture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.victims import Victim
from tracer.attach import ask_points, detach, processes
from tracer.attach.attach import Attachment
from tracer.cli import main
from tracer.recording import capture as captures
from tracer.recording import launch
from tracer.sources.hooks import segments

SERVICE = """
class Manager:
    def select(self, spec, count=1):
        hosts = [spec["flavor"]] * count
        return hosts

def plain(n):
    return n
"""


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Path]:
    """Yield a capture, and detach from it afterwards."""
    path = tmp_path / "capture"
    captures.make(path, points=[("small_service", ["*"], [])], ask=["ask"], echo=False)
    yield path
    detach.detach(path)


def import_service(folder: Path, victim: Victim) -> None:
    """Import the small service into the victim."""
    (folder / "small_service.py").write_text(SERVICE)
    victim.ask(f"sys.path.insert(0, {str(folder)!r})")
    assert victim.ask("str(__import__('small_service'))").startswith("<module")


def attach(capture: Path, *victims: Victim) -> None:
    results = Attachment(capture, 60).attach([_process(victim.pid) for victim in victims])
    assert [report.state for report in results] == ["attached"] * len(victims)


def _process(pid: int) -> processes.Process:
    process = processes.read(pid)
    assert process is not None
    return process


def bootseq(*arguments: object) -> Result:
    """Run a command, which must not raise an unexpected exception."""
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def succeed(*arguments: object) -> str:
    """Run a command that succeeds, and return its output."""
    result = bootseq(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def fail(*arguments: object) -> str:
    """Run a command that fails, and return the single line that it prints."""
    result = bootseq(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("bootseq: ").strip()


def select(victim: Victim, flavor: str = "m1.tiny") -> Any:
    """Call the function that has ask points."""
    return victim.ask(f"sys.modules['small_service'].Manager().select({{'flavor': {flavor!r}}}, 2)")


def messages(capture: Path) -> list[str]:
    """Return the messages of ask points in the capture, in order."""
    events = sorted(segments.read(capture).events, key=lambda event: event.start)
    return [str(event.attributes["message"]) for event in events if event.kind == "ask"]


@pytest.mark.parametrize("mode", ["serve", pytest.param("eventlet", marks=pytest.mark.slow)])
def test_points_are_added_logged_listed_and_removed(mode: str, tmp_path: Path, capture: Path) -> None:
    """In a running service, with threads or greenlets; after the detach everything is restored."""
    with Victim(mode) as victim:
        import_service(tmp_path, victim)
        victim.ask("remember()")
        attach(capture, victim)
        where = "small_service:Manager.select"
        assert "added" in succeed("ask", "add", where, "spec['flavor'], count")
        succeed("ask", "add", where, "len(result)", "--return")
        succeed("ask", "add", where, "hosts", "--line", 5)
        assert select(victim) == ["m1.tiny"] * 2
        rows = json.loads(succeed("ask", "list", "--json"))
        assert [(row["key"], row["when"], row["processes"][0]["lines"]) for row in rows] == [
            ("1", "entry", 1), ("2", "return", 1), ("3", 5, 1),
        ]  # fmt: skip
        assert f"2. {where} --return: len(result)" in succeed("ask", "list")
        assert "removed: 1, 3" in succeed("ask", "remove", 1, 3)
        select(victim)
        assert "removed: 2" in succeed("ask", "remove", "--all")
        select(victim)
        assert succeed("ask", "list") == "no ask points\n"
        assert [report.state for report in detach.detach(capture)] == ["detached"]
        assert victim.ask("differences()") == []
    assert messages(capture) == [
        f"{where} spec['flavor']='m1.tiny' count=2", f"{where} line 5 hosts=['m1.tiny', 'm1.tiny']",
        f"{where} returned len(result)=2", f"{where} returned len(result)=2",
    ]  # fmt: skip
    assert (capture / "ask.log").read_text().count(f"{victim.inner_pid} DEBUG ask [-] {where} ") == 4
    calls = {event.number for event in segments.read(capture).events if event.kind == "call"}
    assert {event.parent in calls for event in segments.read(capture).events if event.kind == "ask"} == {True}


@pytest.mark.slow
def test_a_point_is_added_to_processes_attached_or_forked_later(tmp_path: Path, capture: Path) -> None:
    """A point for one process stays with that process."""
    with Victim() as first, Victim() as second:
        for victim in (first, second):
            import_service(tmp_path, victim)
        attach(capture, first)
        succeed("ask", "add", "small_service:Manager.select", "count")
        succeed("ask", "add", "small_service:Manager.select", "0", "--pid", first.pid)
        attach(capture, second)
        select(second)
        assert messages(capture) == ["small_service:Manager.select count=2"]
        child = first.ask("(lambda pid: pid or (sys.modules['small_service'].plain(1), time.sleep(60)))(os.fork())")
        succeed("ask", "add", "small_service:plain", "n")
        first.ask("sys.modules['small_service'].plain(5)")
        rows = json.loads(succeed("ask", "list", "--json"))
        assert sorted(entry["pid"] for entry in rows[2]["processes"]) == sorted([first.pid, second.pid, child])
        os.kill(child, 9)
        assert messages(capture)[1:] == ["small_service:plain n=5"]


@pytest.mark.slow
def test_a_point_at_a_missing_name_is_refused_with_a_suggestion(tmp_path: Path, capture: Path) -> None:
    with Victim() as victim:
        import_service(tmp_path, victim)
        attach(capture, victim)
        for where, *more, reason in [
            ("small_service:Manager.selekt", "no such function Manager.selekt; did you mean Manager.select?"),
            ("small_service:select", "no such function select; did you mean Manager.select?"),
            ("smal_service:plain", "no such module smal_service; did you mean small_service?"),
            ("json.decodr:f", "no such module json.decodr; did you mean json.decoder"),
            ("small_service:plain", "--line", 3, "nothing happens on line 3; see lines 8 to 8, nearest 8"),
        ]:
            assert fail("ask", "add", where, "x", *more).startswith(f"{where}: {reason}")
        assert captures.asks(capture) == []
        assert "waiting: module not loaded yet" in succeed("ask", "add", "xml.dom.pulldom:parse", "x")
        assert len(captures.asks(capture)) == 1


def test_wrong_usage_is_refused_with_a_hint(capture: Path) -> None:
    where = "small_service:plain"
    assert fail("ask", "add", where, "n") == "nothing is attached; attach with: bootseq attach --all -o CAPTURE"
    assert fail("ask", "add", "small_service.plain", "n").startswith("small_service.plain: expected package.module")
    assert fail("ask", "add", where, "n.save()").startswith("n.save(): only these functions may be called: abs")
    assert fail("ask", "add", where, "n", "--line", 3, "--return").startswith("--return cannot be combined with --line")
    assert fail("ask", "add", where, "n", "--all", "--pid", 1) == "--all cannot be combined with --pid or --service"
    assert fail("ask", "remove") == "nothing to remove; pass KEY (see: bootseq ask list) or --all"
    assert fail("ask", "remove", 7) == "7: no such ask point; see: bootseq ask list"
    assert succeed("ask", "remove", "--all") == "no ask points\n"
    with Victim() as victim:
        attach(capture, victim)
        assert fail("ask", "add", where, "n", "--service", "nova-*").startswith("no process of 'nova-*' has hooks; ")
        assert (
            fail("ask", "add", where, "n", "--pid", 1)
            == "1: has no hooks; attach with: bootseq attach --pid 1 -o CAPTURE"
        )


@pytest.mark.slow
def test_a_stopped_process_is_reported_with_exit_code_1(tmp_path: Path, capture: Path) -> None:
    with Victim() as victim:
        import_service(tmp_path, victim)
        attach(capture, victim)
        os.kill(victim.pid, 19)
        deadline = time.monotonic() + 5
        while _process(victim.pid).state != "T" and time.monotonic() < deadline:
            time.sleep(0.01)
        result = bootseq("ask", "add", "small_service:plain", "n")
        os.kill(victim.pid, 18)
        assert (result.exit_code, "cannot: it is stopped" in result.output) == (1, True)
        assert captures.asks(capture) == []


@pytest.mark.slow
def test_a_process_started_under_the_hooks_has_the_points(tmp_path: Path, capture: Path) -> None:
    """Only those of this boot of this machine: an ask point is code that runs in services."""
    (tmp_path / "small_service.py").write_text(SERVICE)
    point = {"key": "1", "where": "small_service:plain", "when": "entry", "expressions": [["n", "n", ["n"]]]}
    rest = {"unsafe": False, "pids": [], "services": []}
    captures.write_asks(capture, [point | rest, point | rest | {"key": "2", "pids": [1]}])
    command = [sys.executable, "-c", "import small_service; small_service.plain(3)"]
    environment = launch.environment(dict(os.environ) | {"PYTHONPATH": str(tmp_path)}, capture)
    subprocess.run(command, env=environment, check=True, timeout=30)
    assert messages(capture) == ["small_service:plain n=3"]
    file_text = json.loads((capture / captures.ASKS).read_text()) | {"machine": "another"}
    (capture / captures.ASKS).write_text(json.dumps(file_text))
    subprocess.run(command, env=environment, check=True, timeout=30)
    assert len(messages(capture)) == 1
    assert captures.asks(capture) == []


@pytest.mark.slow
def test_points_are_selected_by_pid_and_service(capture: Path) -> None:
    process = _process(os.getpid())
    points = [{"pids": pids, "services": services} for pids, services in [([], []), ([1], []), ([], ["nova-*"])]]
    assert ask_points.meant_for(process, points) == points[:1]
    assert ask_points.meant_for(process, [{"pids": [process.pid], "services": ["nova-*"]}]) != []
