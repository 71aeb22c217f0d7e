"""The command line: help with examples, one line for each error, what --json promises."""

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
from tracer import trace_file
from tracer.cli import main
from tracer.commands import progress
from tracer.commands.list import _date
from tracer.files.folder import Folder
from tracer.model import Trace

UUID = "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"


def bootseq(*arguments: object) -> Result:
    """Run a command in this process; an exception that is not ours is the test's."""
    return CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)


def refused(*arguments: object) -> str:
    """The one line on stderr of a command that fails by the user's doing."""
    done = bootseq(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bootseq: ")
    assert line.isprintable()
    return line.removeprefix("bootseq: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A trace file of two boots and another request."""
    trace = Trace([small_boot(), failed_boot()], [failed_boot()])
    trace.others[0].operation, trace.others[0].server = "DELETE /servers/1", ""
    for number, boot in enumerate([*trace.boots, *trace.others], 1):
        boot.number = number
    trace_file.write(tmp_path / "t.jsonl.gz", trace)
    return tmp_path / "t.jsonl.gz"


@pytest.mark.parametrize("name", sorted(main.commands))
def test_help_has_an_example_that_is_true(name: str) -> None:
    """Every command's help shows how it is used: with commands and options that there are."""
    done = bootseq(name, "--help")
    assert done.exit_code == 0
    examples = [line.split() for line in done.stdout.splitlines() if line.startswith("    bootseq ")]
    assert examples
    for _, command, *words in examples:
        known = {option for each in main.commands[command].params for option in each.opts}
        own = words[: words.index("--")] if "--" in words else words
        assert {word for word in own if word.startswith("-")} <= known


def test_help_of_the_whole() -> None:
    """Lists every command, each with a sentence."""
    done = bootseq("--help")
    for name, command in main.commands.items():
        assert name in done.stdout
        assert command.get_short_help_str(200).endswith(".")
    assert bootseq("-h").stdout == done.stdout


def test_version() -> None:
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
def test_bad_usage(arguments: list[str]) -> None:
    """Exit code 2, what is wrong, and where help is."""
    done = bootseq(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: " in done.stderr
    assert "--help" in done.stderr


@pytest.mark.parametrize("command", ["list", "show", "draw"])
def test_files_that_are_none(tmp_path: Path, command: str) -> None:
    """Missing, a folder, foreign, damaged, with escapes in their names: the file, and what is wrong with it."""
    (tmp_path / "foreign").write_text("{}")
    (tmp_path / "cut").write_bytes(b"\x1f\x8b\x08\x00")
    (tmp_path / "\x1b[31m\n").write_text("x")
    more = ["-o", tmp_path / "x.svg"] if command == "draw" else []
    for name, said in [
        ("none", "none: cannot be read: No such file or directory"),
        ("none/x", "none/x: cannot be read: No such file or directory"),
        ("", ": a folder, not a trace file; make one with: bootseq ingest -o FILE "),
        ("foreign", "foreign: not a bootseq trace file; make one with: bootseq ingest -o FILE CAPTURE"),
        ("cut", "cut: cut off or damaged; ingest the capture again"),
        ("\x1b[31m\n", "�[31m�: not a bootseq trace file; make one with: bootseq ingest -o FILE CAPTURE"),
    ]:
        line = refused(command, tmp_path / name, *more)
        assert line.startswith(str(tmp_path))
        assert said in line
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.parametrize("command", ["list", "show 1", "draw 1 -o {}.svg", "diff {}", "baseline -o {}", "ingest -o {}"])
def test_who_opens_a_file_tells_whether_it_may(command: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the command line beforehand, in four lines: what is in the file decides."""
    monkeypatch.setattr(os, "access", lambda *arguments, **more: False)
    monkeypatch.setattr(Folder, "open", _forbidden)
    monkeypatch.setattr(Path, "open", _forbidden)
    name, *more = command.format(file).split()
    assert refused(name, file, *more).endswith(": cannot be read: Permission denied")


def _forbidden(path: Path, *arguments: Any, **more: Any) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def test_list(file: Path) -> None:
    """A line a boot, columns below each other; other requests on demand."""
    lines = bootseq("list", file).stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["1", "vm1", "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"],
        ["2", "vm2", "-"],
    ]
    assert lines[0].index("req-client") == lines[1].index("req-2")
    assert "error: NoValidHost" in lines[1]
    everything = bootseq("list", "--all", file).stdout.splitlines()
    assert everything[2].split()[:3] == ["3", "DELETE", "/servers/1"]


def test_list_promises(file: Path) -> None:
    """The names that programs may rely on (DESIGN, Commands)."""
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


def test_dates_are_cut_not_rounded_through_floats() -> None:
    """A float has no room for nanoseconds since 1970: a millisecond went missing."""
    assert _date(EPOCH + 1_000_000) == "2026-01-01T00:00:00.001+00:00"
    assert _date(EPOCH + 999_999_999) == "2026-01-01T00:00:00.999+00:00"


def test_list_of_nothing(tmp_path: Path) -> None:
    """No boot is an answer, not an error."""
    trace_file.write(tmp_path / "t", Trace([]))
    assert bootseq("list", tmp_path / "t").stdout == "no boots; for other requests pass --all\n"
    assert bootseq("list", "--all", tmp_path / "t").stdout == "no boots\n"
    assert json.loads(bootseq("list", "--json", tmp_path / "t").stdout) == []


def test_show_promises(file: Path) -> None:
    """Every step in the tree's order, under the names that programs may rely on (DESIGN, Commands)."""
    steps = json.loads(bootseq("show", "--json", file, "1").stdout)
    assert [step["address"] for step in steps] == [step.address for step in small_boot().walk()]
    promised = (
        "address", "kind", "service", "host", "pid", "name", "start", "end", "request_id", "error", "attributes",
        "witnesses", "tied_by",
    )  # fmt: skip
    assert all(set(promised) <= set(step) for step in steps)


@pytest.mark.parametrize("word", ["1", "vm1", UUID, "req-client"])
def test_a_boot_by_any_of_its_names(file: Path, word: str) -> None:
    """Number, server, uuid, request id."""
    assert bootseq("show", file, word).stdout == bootseq("show", file, "1").stdout


def test_which_boot_is_meant(file: Path, tmp_path: Path) -> None:
    """None but the only one may be left unsaid; two of a name are asked for by number."""
    assert refused("show", file) == f"{file} holds 2 boots; choose one by number (see: bootseq list {file})"
    assert refused("show", file, "vm9") == f"{file} holds no boot 'vm9'; see: bootseq list {file}"
    assert "DELETE" not in bootseq("show", file, "2").stdout
    assert bootseq("show", file, "3").exit_code == 0
    same = failed_boot()
    same.number, same.request_id = 2, "req-3"
    trace_file.write(tmp_path / "same", Trace([failed_boot(), same]))
    assert "'vm2' matches 2 boots; choose one by number" in refused("show", tmp_path / "same", "vm2")
    trace_file.write(tmp_path / "other", Trace([], [failed_boot()]))
    assert "holds no boots; for other requests, see: bootseq list --all" in refused("show", tmp_path / "other")


def test_show_at_every_detail(file: Path) -> None:
    """More is more."""
    lengths = [len(bootseq("show", file, "1", "--detail", detail).stdout) for detail in ("brief", "calls", "full")]
    assert lengths == sorted(set(lengths))


@pytest.mark.parametrize("suffix", ["svg", "md", "mmd", "puml", "dot", "txt", "SVG", "png"])
def test_draw(file: Path, tmp_path: Path, suffix: str) -> None:
    """By the suffix; the file is one that anyone may read, as others are."""
    target = tmp_path / f"x.{suffix}"
    done = bootseq("draw", file, "1", "-o", target)
    assert done.exit_code == 0
    assert done.stdout == f"{target}: {target.stat().st_size / 1000:.0f} kB\n"
    (tmp_path / "plain").touch()
    assert target.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_draw_pages(file: Path, tmp_path: Path) -> None:
    """A file a page, numbered so that they sort; one page has the name that was asked for."""
    done = bootseq("draw", file, "1", "--detail", "full", "--pages", "a4", "-o", tmp_path / "x.svg")
    assert done.exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["x-1.svg", "x-2.svg"]
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == sorted(map(str, tmp_path.glob("*.svg")))
    assert bootseq("draw", file, "2", "--pages", "screen", "-o", tmp_path / "y.png").exit_code == 0
    assert (tmp_path / "y.png").read_bytes().startswith(b"\x89PNG")
    assert "x.md: --pages needs one of .svg, .png" in refused(
        "draw", file, "1", "--pages", "a4", "-o", tmp_path / "x.md"
    )


def test_what_cannot_be_drawn(file: Path, tmp_path: Path) -> None:
    """An unknown suffix, a folder that is not there, a full disk: nothing is left behind."""
    before = sorted(os.listdir(tmp_path))
    assert "x.bmp: cannot draw .bmp; use one of: .txt, " in refused("draw", file, "1", "-o", tmp_path / "x.bmp")
    said = refused("draw", file, "1", "-o", tmp_path / "x")
    assert "x: missing suffix, which is the format; use one of: .txt, " in said
    said = refused("draw", file, "1", "-o", tmp_path / "none" / "x.svg")
    assert said.endswith("x.svg: cannot be written: No such file or directory")
    with full_disk():
        assert refused("draw", file, "1", "-o", tmp_path / "x.svg").endswith("cannot be written: File too large")
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_gets_full_in_the_middle_of_the_output(file: Path, tmp_path: Path, unbuffered: str) -> None:
    """A part of the output was taken: that is told in one line, however Python buffers."""
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "tracer", "show", file, "1"], stdout=out, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8)),
        )  # fmt: skip
    assert (tmp_path / "out").stat().st_size == 8
    assert (done.returncode, done.stderr) == (2, "bootseq: cannot write: File too large\n")


def test_a_recording_has_somewhere_to_go_before_it_begins(tmp_path: Path) -> None:
    assert refused("record", "-o", tmp_path, "--", "true").endswith(": cannot be written: a folder, not a file")
    assert not tmp_path.with_name(f"{tmp_path.name}.capture").exists()


def captured(tmp_path: Path, name: str = "cap", *records: Any) -> Path:
    """A capture with what is given recorded."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "capture.json").write_text("{}")
    if records:
        craft(tmp_path / name, *records)
    return tmp_path / name


STEP = (3, 1, 0, "http", 5, 10, 20, "GET /", None, ("side", "client"))


def test_ingest(tmp_path: Path) -> None:
    """Captures in, a trace file out, and what came of it."""
    done = bootseq("ingest", "-o", tmp_path / "t", captured(tmp_path, "cap", STEP))
    assert done.stdout == f"{tmp_path / 't'}: 0 boots and 1 other request from 1 event of 1 process\n"
    assert [other.operation for other in trace_file.read(tmp_path / "t").others] == ["GET /"]


def test_ingest_of_copies(tmp_path: Path) -> None:
    """The same capture twice, or a copy of it: each process once."""
    one, other = captured(tmp_path, "one", STEP), captured(tmp_path, "other", STEP)
    done = bootseq("ingest", "-o", tmp_path / "t", one, one, other)
    assert "from 1 event of 1 process\n" in done.stdout
    assert done.stderr == f"bootseq: warning: {other}: 1 process skipped, already read from another capture\n"


def test_ingest_tells_what_it_could_not_read(tmp_path: Path) -> None:
    """A line each, on stderr and in the trace."""
    done = bootseq("ingest", "-o", tmp_path / "t", captured(tmp_path, "cap", STEP, (99,)))
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "record at byte" in line
    assert trace_file.read(tmp_path / "t").warnings == [line.removeprefix("bootseq: warning: ")]


def test_crafted_clocks(tmp_path: Path) -> None:
    """Two hosts as far apart as a header can say, and a message between them: dates all the same."""
    capture = captured(tmp_path)
    latest = (1 << 62) - 1
    for host, wall, monotonic, at, said in [
        ("a", latest, 0, latest, ("side", "client", "mode", "call", "msg_id", "m")),
        ("b", 0, latest, 0, ("side", "server", "msg_id", "m")),
    ]:
        record = (3, 1, 0, "rpc", 5, at, at, "ping", None, said)
        craft(capture, record, stem=f"{host}-7-1", host=host, wall=wall, monotonic=monotonic)
    assert bootseq("ingest", "-o", tmp_path / "t", capture).exit_code == 0
    rows = json.loads(bootseq("list", "--all", "--json", tmp_path / "t").stdout)
    assert [row["steps"] for row in rows] == [2]


def test_what_cannot_be_ingested(tmp_path: Path) -> None:
    """No capture, nothing recorded, nowhere to write: no file is left."""
    (tmp_path / "f").write_text("x")
    for name, said in [
        ("none", "none: cannot be read: No such file or directory"),
        ("f", "f: no line in a known log format, skipped"),
        (".", ": not a capture (see: bootseq run -o), and contains no logs"),
    ]:
        assert refused("ingest", "-o", tmp_path / "t", tmp_path / name).endswith(said)
    empty = captured(tmp_path, "empty")
    done = bootseq("ingest", "-o", tmp_path / "t", empty)
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"bootseq: warning: {empty}: contains no recording",
        f"bootseq: {empty}: no events recorded; record some with: bootseq run -o {empty} -- …",
    ]
    assert not (tmp_path / "t").exists()
    capture = captured(tmp_path, "cap", STEP)
    assert refused("ingest", "-o", tmp_path / "no" / "t", capture).endswith(
        "t: cannot be written: No such file or directory"
    )
    with full_disk():
        assert refused("ingest", "-o", tmp_path / "t", capture).endswith("t: cannot be written: File too large")
    assert not (tmp_path / "t").exists()


def test_run_refuses_before_anything_is_made(tmp_path: Path) -> None:
    """A command that is not there, a points file with a mistake: no capture for them."""
    (tmp_path / "p.yaml").write_text("a: [b]\nc: d")
    assert refused("run", "-o", tmp_path / "cap", "no-such-command-here") == "no-such-command-here: no such command"
    said = refused("run", "-o", tmp_path / "cap", "--points", tmp_path / "p.yaml", "ls")
    assert said == f"{tmp_path / 'p.yaml'}:2: under c expected a list of names such as API.create or API.*"
    assert not (tmp_path / "cap").exists()
    assert refused("run", "-o", tmp_path, "ls").endswith(
        "not a capture and not empty; name a folder that does not exist yet"
    )


class Terminal(io.StringIO):
    """A stderr that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only when it takes long, and nothing of it is left."""
    assert said_by_progress(Terminal(), monkeypatch) == ""
    monkeypatch.setattr(progress, "PATIENCE", -1)
    assert click.unstyle(said_by_progress(Terminal(), monkeypatch)) == "\rreading …\r"
    assert said_by_progress(io.StringIO(), monkeypatch) == ""


def said_by_progress(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.progress() as doing:
        doing("reading")
    return stream.getvalue()
