"""The command line: help with examples, errors in one line, the fields of --json."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from tests.support.builders import EPOCH, failed_boot, small_boot
from tests.support.captures import craft
from tests.test_tracer_files import full_disk
from tracer import times, trace_file
from tracer.cli import main
from tracer.commands import progress
from tracer.files.folder import Folder
from tracer.model import Trace

UUID = "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"


def bootseq(*arguments: object) -> Result:
    """Run a command in this process; unexpected exceptions reach the test."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def refused(*arguments: object) -> str:
    """Run a command that the user has called wrongly, and return its only line on stderr."""
    done = bootseq(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bootseq: ")
    assert line.isprintable()
    return line.removeprefix("bootseq: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a trace file of two boots and another request."""
    trace = Trace([small_boot(), failed_boot()], [failed_boot()])
    trace.others[0].operation, trace.others[0].server = "DELETE /servers/1", ""
    for number, boot in enumerate([*trace.boots, *trace.others], 1):
        boot.number = number
    trace_file.write(tmp_path / "t.jsonl.gz", trace)
    return tmp_path / "t.jsonl.gz"


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_help_has_a_valid_example(name: str) -> None:
    """Its command and options exist."""
    done = bootseq(name, "--help")
    assert done.exit_code == 0
    examples = [line.split() for line in done.stdout.splitlines() if line.startswith("    bootseq ")]
    assert examples
    for _, first, *words in examples:
        command = main.commands[first]
        if isinstance(command, click.Group) and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {"-", *(option for parameter in command.params for option in parameter.opts)}
        own = words[: next((index for index, word in enumerate(words) if word in ("--", "|")), len(words))]
        assert {word for word in own if word.startswith("-")} <= known


def test_the_main_help_lists_every_command() -> None:
    """With a sentence for every command."""
    done = bootseq("--help")
    for name, command in main.commands.items():
        assert name in done.stdout
        assert command.get_short_help_str(200).endswith(".")
    assert bootseq("-h").stdout == done.stdout


def test_version_is_printed() -> None:
    assert bootseq("--version").stdout.startswith("bootseq, version ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["show"],
        ["show", "--nosuch", "f"],
        ["draw", "f"],
        ["run", "-o", "c"],
        ["run", "--cap", "1", "-o", "c", "ls"],
        ["attach", "--cap", "7", "-o", "c", "--pid", "1"],
    ],
)
def test_wrong_usage_exits_with_2_and_refers_to_the_help(arguments: list[str]) -> None:
    done = bootseq(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: " in done.stderr
    assert "--help" in done.stderr


@pytest.mark.parametrize("command", ["list", "show", "draw"])
def test_a_file_that_is_no_trace_is_refused_with_the_reason(tmp_path: Path, command: str) -> None:
    """Missing, a folder, foreign, damaged, or with escapes in its name."""
    (tmp_path / "foreign").write_text("{}")
    (tmp_path / "cut").write_bytes(b"\x1f\x8b\x08\x00")
    (tmp_path / "\x1b[31m\n").write_text("x")
    more = ["-o", tmp_path / "x.svg"] if command == "draw" else []
    for name, reason in [
        ("none", "none: cannot be read: No such file or directory"),
        ("none/x", "none/x: cannot be read: No such file or directory"),
        ("", ": a folder, not a trace file; make one with: bootseq ingest -o FILE "),
        ("foreign", "foreign: not a bootseq trace file; make one with: bootseq ingest -o FILE CAPTURE"),
        ("cut", "cut: cut off or damaged; ingest the capture again"),
        ("\x1b[31m\n", "�[31m�: not a bootseq trace file; make one with: bootseq ingest -o FILE CAPTURE"),
    ]:
        line = refused(command, tmp_path / name, *more)
        assert line.startswith(str(tmp_path))
        assert reason in line
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.parametrize("command", ["list", "show 1", "draw 1 -o {}.svg", "diff {}", "baseline -o {}", "ingest -o {}"])
def test_permission_is_checked_by_opening_the_file(command: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by click beforehand, which would print four lines."""
    monkeypatch.setattr(os, "access", lambda *arguments, **more: False)
    monkeypatch.setattr(Folder, "open", _forbidden)
    monkeypatch.setattr(Path, "open", _forbidden)
    name, *more = command.format(file).split()
    assert refused(name, file, *more).endswith(": cannot be read: Permission denied")


def _forbidden(path: Path, *arguments: Any, **more: Any) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def test_list_prints_a_line_for_every_boot(file: Path) -> None:
    """In aligned columns; other requests only with --all."""
    header, *lines = bootseq("list", file).stdout.splitlines()
    assert header.split()[:4] == ["#", "server", "instance", "request"]
    assert [line.split()[:3] for line in lines] == [
        ["1", "vm1", "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"],
        ["2", "vm2", "-"],
    ]
    assert lines[0].index("req-client") == lines[1].index("req-2")
    assert "✗ error: NoValidHost" in lines[1]
    everything = bootseq("list", "--all", file).stdout.splitlines()
    assert everything[3].split()[:3] == ["3", "DELETE", "/servers/1"]


def test_list_json_has_the_documented_fields(file: Path) -> None:
    """The fields that programs may rely on (docs/formats.md)."""
    rows = json.loads(bootseq("list", "--json", file).stdout)
    assert len(rows) == 2
    assert len(json.loads(bootseq("list", "--json", "--all", file).stdout)) == 3
    row = rows[0]
    promised = {
        "server": str,
        "uuid": str,
        "request_id": str,
        "outcome": str,
        "started": str,
        "host": str,
        "steps": int,
    }
    assert {name: type(row[name]) for name in promised} == promised
    assert row["started"] == "2026-01-01T00:00:00.000+00:00"
    assert isinstance(row["duration_ms"], float)
    assert sum(row["counts"].values()) == row["steps"]


def test_dates_are_truncated_without_floats() -> None:
    """A float is too small for nanoseconds since 1970, and would lose a millisecond."""
    assert times.iso(EPOCH + 1_000_000) == "2026-01-01T00:00:00.001+00:00"
    assert times.iso(EPOCH + 999_999_999) == "2026-01-01T00:00:00.999+00:00"


def test_list_of_an_empty_trace_succeeds(tmp_path: Path) -> None:
    trace_file.write(tmp_path / "t", Trace([]))
    assert bootseq("list", tmp_path / "t").stdout == "no boots; for other requests pass --all\n"
    assert bootseq("list", "--all", tmp_path / "t").stdout == "no boots\n"
    assert json.loads(bootseq("list", "--json", tmp_path / "t").stdout) == []


def test_show_json_has_the_documented_fields(file: Path) -> None:
    """For every step in the tree's order (docs/formats.md)."""
    steps = json.loads(bootseq("show", "--json", file, "1").stdout)
    assert [step["address"] for step in steps] == [step.address for step in small_boot().walk()]
    promised = (
        "address", "kind", "service", "host", "pid", "name", "start", "end", "request_id", "error", "attributes",
        "witnesses", "tied_by",
    )  # fmt: skip
    assert all(set(promised) <= set(step) for step in steps)


@pytest.mark.parametrize("word", ["1", "vm1", UUID, "req-client"])
def test_a_boot_is_selected_by_any_of_its_names(file: Path, word: str) -> None:
    """Number, server, uuid, request id."""
    assert bootseq("show", file, word).stdout == bootseq("show", file, "1").stdout


def test_an_ambiguous_or_missing_boot_is_refused(file: Path, tmp_path: Path) -> None:
    """Only a single boot may be left unnamed; boots of the same name need their number."""
    assert refused("show", file) == f"{file} holds 2 boots; choose one by number (see: bootseq list {file})"
    assert refused("show", file, "x99") == f"{file} holds no boot 'x99'; see: bootseq list {file}"
    assert "DELETE" not in bootseq("show", file, "2").stdout
    assert bootseq("show", file, "3").exit_code == 0
    same = failed_boot()
    same.number, same.request_id = 2, "req-3"
    trace_file.write(tmp_path / "same", Trace([failed_boot(), same]))
    assert "'vm2' matches 2 boots; choose one by number" in refused("show", tmp_path / "same", "vm2")
    trace_file.write(tmp_path / "other", Trace([], [failed_boot()]))
    assert "holds no boots; for other requests, see: bootseq list --all" in refused("show", tmp_path / "other")


def test_show_prints_more_at_higher_detail(file: Path) -> None:
    lengths = [len(bootseq("show", file, "1", "--detail", detail).stdout) for detail in ("brief", "calls", "full")]
    assert lengths == sorted(set(lengths))


@pytest.mark.parametrize("suffix", ["svg", "md", "mmd", "puml", "dot", "txt", "SVG", "png"])
def test_draw_writes_the_format_of_the_suffix(file: Path, tmp_path: Path, suffix: str) -> None:
    """With the permissions of an ordinary new file."""
    target = tmp_path / f"x.{suffix}"
    done = bootseq("draw", file, "1", "-o", target)
    assert done.exit_code == 0
    assert done.stdout == f"{target}: {target.stat().st_size / 1000:.0f} kB\n"
    (tmp_path / "plain").touch()
    assert target.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_draw_writes_a_numbered_file_for_every_page(file: Path, tmp_path: Path) -> None:
    """Numbered so that they sort; a single page has the requested name."""
    done = bootseq("draw", file, "1", "--detail", "full", "--pages", "a4", "-o", tmp_path / "x.svg")
    assert done.exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["x-1.svg", "x-2.svg"]
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == sorted(map(str, tmp_path.glob("*.svg")))
    assert bootseq("draw", file, "2", "--pages", "screen", "-o", tmp_path / "y.png").exit_code == 0
    assert (tmp_path / "y.png").read_bytes().startswith(b"\x89PNG")
    assert "x.md: --pages needs one of .svg, .png" in refused(
        "draw", file, "1", "--pages", "a4", "-o", tmp_path / "x.md"
    )


def test_a_failed_draw_leaves_no_file(file: Path, tmp_path: Path) -> None:
    """After an unknown suffix, a missing folder or a full disk."""
    before = sorted(os.listdir(tmp_path))
    assert "x.bmp: cannot draw .bmp; use one of: .txt, " in refused("draw", file, "1", "-o", tmp_path / "x.bmp")
    line = refused("draw", file, "1", "-o", tmp_path / "x")
    assert "x: missing suffix, which is the format; use one of: .txt, " in line
    line = refused("draw", file, "1", "-o", tmp_path / "none" / "x.svg")
    assert line.endswith("x.svg: cannot be written: No such file or directory")
    with full_disk():
        assert refused("draw", file, "1", "-o", tmp_path / "x.svg").endswith("cannot be written: File too large")
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_fills_up_during_the_output_is_reported(file: Path, tmp_path: Path, unbuffered: str) -> None:
    """In one line, with and without Python's buffering."""
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "tracer", "show", file, "1"], stdout=out, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8)),
        )  # fmt: skip
    assert (tmp_path / "out").stat().st_size == 8
    assert (done.returncode, done.stderr) == (2, "bootseq: cannot write: File too large\n")


def test_record_checks_its_output_before_it_begins(tmp_path: Path) -> None:
    assert refused("record", "-o", tmp_path, "--", "true").endswith(": cannot be written: a folder, not a file")
    assert not tmp_path.with_name(f"{tmp_path.name}.capture").exists()


def write_capture(tmp_path: Path, name: str = "cap", *records: Any) -> Path:
    """Write a capture with these records."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "capture.json").write_text("{}")
    if records:
        craft(tmp_path / name, *records)
    return tmp_path / name


STEP = (3, 1, 0, "http", 5, 10, 20, "GET /", None, ("side", "client"))


def test_ingest_writes_a_trace_and_prints_its_counts(tmp_path: Path) -> None:
    done = bootseq("ingest", "-o", tmp_path / "t", write_capture(tmp_path, "cap", STEP))
    assert done.stdout == f"{tmp_path / 't'}: 0 boots and 1 other request from 1 event of 1 process\n"
    assert [other.operation for other in trace_file.read(tmp_path / "t").others] == ["GET /"]


def test_ingest_reads_a_copied_capture_once(tmp_path: Path) -> None:
    """The same capture twice, or a copy of it."""
    original, copy = write_capture(tmp_path, "one", STEP), write_capture(tmp_path, "other", STEP)
    done = bootseq("ingest", "-o", tmp_path / "t", original, original, copy)
    assert "from 1 event of 1 process\n" in done.stdout
    assert done.stderr == f"bootseq: warning: {copy}: 1 process skipped, already read from another capture\n"


def test_ingest_warns_of_damaged_records(tmp_path: Path) -> None:
    """On stderr and in the trace."""
    done = bootseq("ingest", "-o", tmp_path / "t", write_capture(tmp_path, "cap", STEP, (99,)))
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "record at byte" in line
    assert trace_file.read(tmp_path / "t").warnings == [line.removeprefix("bootseq: warning: ")]


def test_crafted_clocks_are_ingested(tmp_path: Path) -> None:
    """Two hosts whose clocks differ as far as a header allows, and a message between them."""
    capture = write_capture(tmp_path)
    latest = (1 << 62) - 1
    for host, wall, monotonic, time, attributes in [
        ("a", latest, 0, latest, ("side", "client", "mode", "call", "msg_id", "m")),
        ("b", 0, latest, 0, ("side", "server", "msg_id", "m")),
    ]:
        record = (3, 1, 0, "rpc", 5, time, time, "ping", None, attributes)
        craft(capture, record, stem=f"{host}-7-1", host=host, wall=wall, monotonic=monotonic)
    assert bootseq("ingest", "-o", tmp_path / "t", capture).exit_code == 0
    rows = json.loads(bootseq("list", "--all", "--json", tmp_path / "t").stdout)
    assert [row["steps"] for row in rows] == [2]


def test_a_failed_ingest_leaves_no_file(tmp_path: Path) -> None:
    """After an input that is no capture, an empty capture, or an unwritable output."""
    (tmp_path / "f").write_text("x")
    for name, reason in [
        ("none", "none: cannot be read: No such file or directory"),
        ("f", "f: no line in a known log format, skipped"),
        (".", ": not a capture (see: bootseq run -o), and contains no logs"),
    ]:
        assert refused("ingest", "-o", tmp_path / "t", tmp_path / name).endswith(reason)
    empty = write_capture(tmp_path, "empty")
    done = bootseq("ingest", "-o", tmp_path / "t", empty)
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"bootseq: warning: {empty}: contains no recording",
        f"bootseq: {empty}: no events recorded; record some with: bootseq run -o {empty} -- …",
    ]
    assert not (tmp_path / "t").exists()
    capture = write_capture(tmp_path, "cap", STEP)
    assert refused("ingest", "-o", tmp_path / "no" / "t", capture).endswith(
        "t: cannot be written: No such file or directory"
    )
    with full_disk():
        assert refused("ingest", "-o", tmp_path / "t", capture).endswith("t: cannot be written: File too large")
    assert not (tmp_path / "t").exists()


def test_a_refused_run_creates_no_capture(tmp_path: Path) -> None:
    """After a missing command or a malformed points file."""
    (tmp_path / "p.yaml").write_text("a: [b]\nc: d")
    assert refused("run", "-o", tmp_path / "cap", "no-such-command-here") == "no-such-command-here: no such command"
    line = refused("run", "-o", tmp_path / "cap", "--points", tmp_path / "p.yaml", "ls")
    assert line == f"{tmp_path / 'p.yaml'}:2: under c expected a list of names such as API.create or API.*"
    assert not (tmp_path / "cap").exists()
    assert refused("run", "-o", tmp_path, "ls").endswith(
        "not a capture and not empty; name a folder that does not exist yet"
    )


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only for long operations, and it is erased at the end."""
    assert progress_output(Terminal(), monkeypatch) == ""
    monkeypatch.setattr(progress, "PATIENCE", -1)
    assert click.unstyle(progress_output(Terminal(), monkeypatch)) == "\rreading …\r"
    assert progress_output(io.StringIO(), monkeypatch) == ""


def progress_output(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.progress() as doing:
        doing("reading")
    return stream.getvalue()
