"""Malformed input files: one clear line and exit code 2, the rest read, memory and time bounded."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from diagrams import RENDERERS
from diagrams.page.critical_path import critical_path
from tests.support.builders import boot, call, small_boot
from tests.support.log_traces import DIABLO
from tracer import trace_file
from tracer.cli import main
from tracer.model import Step, Trace
from tracer.sources.logs import blocks, reader

LINE = "2026-11-22 08:14:11.514 27098 INFO {} [None req-c29ec537-4c93-4257-b1e1-a97407e9c85d a b - - - -] {}\n"


def bootseq(*arguments: object) -> Result:
    """Run a command, which may end with an exit code but not with an unexpected exception."""
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "a bug in bootseq" not in done.output
    return done


def refused(*arguments: object) -> str:
    """Run a command that fails with exit code 2, and return the single line that it prints."""
    done = bootseq(*arguments)
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
    return done.output


def write_trace(path: Path, *steps: Step) -> Path:
    """Write a trace file of one boot with these chapters."""
    request = boot(*steps, server="a", uuid="u", outcome="active") if steps else small_boot()
    trace_file.write(path, Trace([request]))
    return path


def write_value(path: Path, value: str) -> Path:
    """Write a trace file in which a step has an attribute with this literal text."""
    write_trace(path, call("API", "m:f", x="@"))
    path.write_text(path.read_text().replace('"@"', value))
    return path


def readers(path: Path) -> list[list[object]]:
    """Return command lines that read a trace file and show everything in it."""
    drawn = [["draw", path, "-o", path.with_suffix(f".{suffix}"), "--detail", "full"] for suffix in RENDERERS]
    return [
        ["list", path], ["list", "--json", path], ["show", path, "--detail", "full"], ["show", "--json", path],
        ["show", "--findings", path], ["show", "--timeline", path], ["list", "--instances", path],
        ["diff", path, path], ["baseline", path, "-o", path.with_suffix(".b")], *drawn,
    ]  # fmt: skip


@pytest.mark.parametrize("time", ["1e308", "1e400", "-1", "1" + "0" * 400, "NaN", "true", '"x"', "[1]", "1e300"])
def test_a_copy_with_a_time_out_of_range_is_named_and_the_others_are_read(tmp_path: Path, time: str) -> None:
    first, *others = (DIABLO / "rpc.jsonl").read_text().splitlines(keepends=True)
    bad = f'{{"payload": {{"method":"x","args":{{}}}}, "trace_key":"publish.x", "ts": {time}}}\n'
    (tmp_path / "copies.jsonl").write_text("".join([first, bad, *others]))
    done = bootseq("ingest", "-o", tmp_path / "t", tmp_path / "copies.jsonl")
    assert done.exit_code == 2
    assert "1 line skipped: not a message copy" in done.output
    assert trace_file.read(tmp_path / "t").boots
    (tmp_path / "copies.jsonl").write_text(bad)
    refused("ingest", "-o", tmp_path / "t", tmp_path / "copies.jsonl")


@pytest.mark.parametrize(
    "value", ["[" * 600 + "]" * 600, '{"a":' * 100 + "1" + "}" * 100, "[" * 100_000 + "]" * 100_000]
)
def test_a_trace_nested_too_deep_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    path = write_value(tmp_path / "t.jsonl", value)
    for command in readers(path):
        assert f"{path}:2: " in refused(*command)


@pytest.mark.parametrize("value", ["1" + "0" * 400, "-1" + "0" * 400, "1e400", "-1e99", "NaN", "9" * 5000])
def test_a_trace_with_a_number_out_of_range_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    path = write_value(tmp_path / "t.jsonl", value)
    for command in readers(path)[:8]:
        assert f"{path}:2: " in refused(*command)


@pytest.mark.parametrize("value", ["[" * 60 + "]" * 60, "1" + "0" * 76, "-1e50", "1e-300", '"\\ud800"'])
def test_a_value_in_bounds_is_shown_in_every_format(tmp_path: Path, value: str) -> None:
    for command in readers(write_value(tmp_path / "t.jsonl", value)):
        assert bootseq(*command).exit_code == 0


@pytest.mark.parametrize("field", ["start", "end", "pid", "thread"])
def test_a_step_with_a_number_out_of_range_is_refused_with_its_line(tmp_path: Path, field: str) -> None:
    path = write_trace(tmp_path / "t.jsonl", call("API", "m:f"))
    header, line = path.read_text().splitlines()
    path.write_text(f"{header}\n{json.dumps(json.loads(line) | {field: 10**400})}\n")
    assert f"{path}:2: " in refused("list", path)


def test_a_step_that_took_no_time_has_no_ratio(tmp_path: Path) -> None:
    """0 ns before, a second now: slower, without a factor."""
    old = write_trace(tmp_path / "old.jsonl", call("API", "m:f", call("API", "m:g")))
    lines = old.read_text().splitlines()
    steps = [json.loads(line) for line in lines[1:]]
    for step in steps:
        step["end"] = step["start"]
    old.write_text("\n".join([lines[0], *map(json.dumps, steps)]) + "\n")
    new = write_trace(tmp_path / "new.jsonl", call("API", "m:f", call("API", "m:g", took=1000)))
    done = bootseq("diff", "--details", old, new)
    assert done.exit_code in (0, 1)
    assert "1000 ms" in done.output


def test_a_baseline_with_an_impossible_duration_is_refused_with_its_line(tmp_path: Path) -> None:
    trace = write_trace(tmp_path / "t.jsonl", call("API", "m:f", took=141))
    assert bootseq("baseline", trace, "-o", tmp_path / "b").exit_code == 0
    text = (tmp_path / "b").read_text()
    (tmp_path / "b").write_text(text.replace("~141 ms", f"~{'9' * 400} ms"))
    assert text != (tmp_path / "b").read_text()
    assert f"{tmp_path / 'b'}:" in refused("diff", tmp_path / "b", trace)


@pytest.mark.parametrize(
    "statement", ["INSERT INTO x ) VALUES (1)", ")", "UPDATE )) SET", "INSERT " + "(" * 5000, "WITH a AS ( ) )", "'"]
)
def test_malformed_statements_are_ingested(tmp_path: Path, statement: str) -> None:
    log = tmp_path / "nova-api.log"
    log.write_text("".join(LINE.format("sqlalchemy.engine.Engine", message) for message in (statement, "[raw sql] ()")))
    assert bootseq("ingest", "-o", tmp_path / "t", log).exit_code == 0


def test_a_log_that_is_truncated_while_being_read_is_read_up_to_the_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """logrotate's copytruncate does this; reading through a memory map would raise SIGBUS."""
    monkeypatch.setattr(blocks, "PIECE", 4096)
    monkeypatch.setattr(reader, "_BATCH", 10)
    log = tmp_path / "nova-api.log"
    log.write_text("".join(LINE.format("nova.x", f"line {number}") for number in range(500)))
    contents = reader.read(log, on_progress=lambda share: os.truncate(log, 0))
    assert 0 < len(contents.events) < 500
    assert contents.warnings == [f"{log}: truncated while being read; only the part before the cut is read"]
    assert contents.damaged


def measured(*arguments: object, memory: int = 3 << 30) -> tuple[int, str, int]:
    """Run a command in a process of its own; return its exit code, its stderr and its peak memory in bytes."""
    child = [sys.executable, "-m", "tracer", *map(str, arguments)]
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))  # noqa: E731
    done = subprocess.run(
        [sys.executable, "-c", code, *child], capture_output=True, text=True, check=False, preexec_fn=limit
    )
    returned, kilobytes = map(int, done.stdout.split())
    return returned, done.stderr, kilobytes << 10


@pytest.mark.parametrize("inside", ["{},", "0,", '"a",', "[],"])
def test_a_header_that_unpacks_to_too_much_is_refused(tmp_path: Path, inside: str) -> None:
    head = '{"format":"bootseq-trace","version":1,"versions":{},"warnings":[],"x":['
    path = tmp_path / "bomb.trace.jsonl.gz"
    with gzip.open(path, "wt", 9) as file:
        file.write(head)
        for _ in range(40):
            file.write(inside * ((1 << 20) // len(inside)))
        file.write('0],"untied":[],"boots":[],"others":[]}\n')
    code, error, memory = measured("list", path)
    assert (code, error) == (2, f"bootseq: {path}:1: a line of over 16 MB; not a bootseq trace file\n")
    assert memory < 200 << 20


def test_an_endless_points_file_is_refused(tmp_path: Path) -> None:
    code, error, memory = measured("run", "-o", tmp_path / "cap", "--points", "/dev/zero", "--", "true")
    assert (code, error.count("\n")) == (2, 1), error
    assert memory < 200 << 20
    (tmp_path / "long.yaml").write_bytes(b"#" * (2 << 20))
    assert "more than" in refused("run", "-o", tmp_path / "cap", "--points", tmp_path / "long.yaml", "--", "true")


def test_the_critical_path_takes_time_linear_in_the_siblings() -> None:
    """Four times the siblings run about four times as many lines of code, not sixteen times."""
    assert _lines_run(2_000) < 5 * _lines_run(500)


def _lines_run(siblings: int) -> int:
    """Count the lines of code that run to find the critical path of this many siblings."""
    steps = [Step(str(n), "call", "API", "m:f", 1000 * n + 1, 1000 * n + 2) for n in range(siblings)]
    whole = boot(Step("x", "call", "API", "m:f", 0, 0))
    whole.chapters[0].children, whole.chapters[0].end = steps, 1000 * siblings
    lines = 0

    def count(frame: object, event: str, argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        assert len(critical_path(whole)) > siblings
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("name", [b"\xff\xfe.log", b"a\nb.log", b"\xed\xa0\x80.log", b"-x.log"])
def test_a_log_with_an_undecodable_name_is_read(tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:
        file.write((DIABLO / "nova-api.log").read_bytes())
    done = bootseq("ingest", "-o", tmp_path / "t", os.fsdecode(path))
    assert done.exit_code == 0
    assert bootseq("show", "--findings", tmp_path / "t").exit_code == 0


@pytest.mark.parametrize("command", [["ingest", "-o", "t", ""], ["list", ""], ["diff", "", "x"], ["show", ""]])
def test_an_empty_file_name_is_refused(command: list[Any]) -> None:
    assert ": empty name" in refused(*command)


def test_an_unexpected_exception_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It names the exception and its position; BOOTSEQ_DEBUG adds the traceback."""
    monkeypatch.setattr(trace_file, "read", lambda path: 1 // 0)
    done = CliRunner().invoke(main, ["list", str(tmp_path)])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "ZeroDivisionError at test_bad_input.py:" in done.output
    assert "a bug in bootseq" in done.output
    monkeypatch.setenv("BOOTSEQ_DEBUG", "1")
    assert "Traceback" in CliRunner().invoke(main, ["list", str(tmp_path)]).output
