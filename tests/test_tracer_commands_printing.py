"""Printed output contains no terminal escapes, whatever its source."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.builders import small_boot
from tracer import trace_file
from tracer.cli import main
from tracer.commands import printing
from tracer.model import LogLine, Trace

#: Escapes that set a title and clear the screen, their C1 form, right-to-left marks, invisible characters, controls.
HOSTILE = "\x1b]0;x\x07\x1b[2J\x9b2J\u202eevil\u2066\u200b\r\x08\x7f"
_STEERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def run(*arguments: object) -> str:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    return done.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a trace in which every free text is hostile."""
    boot = small_boot()
    boot.server = HOSTILE
    for step in boot.walk():
        step.name = step.name + HOSTILE
        step.error = HOSTILE
        step.attributes["statement"] = HOSTILE
    path = tmp_path / "t.jsonl"
    line = LogLine(0, HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    trace_file.write(path, Trace([boot], [], {}, [HOSTILE], lines=[line]))
    return path


def test_hostile_texts_of_a_trace_are_printed_without_escapes(file: Path) -> None:
    for arguments in (
        ["list", file], ["show", file, "1", "--detail", "full"], ["show", file, "--findings"],
        ["diff", file, file], ["diff", file, file, "--details", "--colour", "never"], ["list", file, "--untied"],
        ["list", file, "--instances"], ["show", file, "--timeline"], ["show", file, HOSTILE, "--timeline"],
    ):  # fmt: skip
        output = run(*arguments)
        assert output
        assert not _STEERS.search(output), arguments


def test_hostile_file_names_and_arguments_are_printed_without_escapes(file: Path) -> None:
    for arguments in (
        ["list", f"none{HOSTILE}"], ["show", file, HOSTILE],
        ["show", file, f"no{HOSTILE}", "--timeline"], ["draw", file, "1", "-o", f"x{HOSTILE}"],
        ["run", "-o", f"none/{HOSTILE}", "true"], [f"no-such{HOSTILE}"], ["list", f"--no-such{HOSTILE}", file],
        ["ingest", "-o", "x", f"none{HOSTILE}"], ["attach", "--service", HOSTILE, "-o", "x"],
    ):  # fmt: skip
        output = run(*arguments)
        assert output
        assert not _STEERS.search(output), arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "1"), ("show", "--findings"), ("show", "--timeline"), ("list",), ("list", "--untied"),
        ("list", "--instances"), ("explain", "1"),
    ],
)  # fmt: skip
def test_json_is_ascii(file: Path, arguments: tuple[str, ...]) -> None:
    command, *words = arguments
    output = run(command, file, *words, "--json")
    assert not _STEERS.search(output)
    assert isinstance(json.loads(output), list | dict)


def test_json_has_texts_as_they_are(file: Path) -> None:
    assert HOSTILE in json.loads(run("show", file, "1", "--json"))[0]["error"]


def test_colours_are_printed_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    """And no other escape."""
    printing.lines(f"\x1b[31mred\x1b[0m{HOSTILE}\n", colour=True)
    printing.lines("\x1b[31mred\x1b[0m\n")
    coloured, plain = capsys.readouterr().out.splitlines()
    assert coloured.startswith("\x1b[31mred\x1b[0m")
    assert coloured.count("\x1b") == 2
    assert "\x1b" not in plain
