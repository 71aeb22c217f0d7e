"""``list`` and ``show`` on terminals, in pipes, and with the options that choose lines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support import golden, real_boots
from tests.support.builders import failed_boot, small_boot
from tests.support.terminals import bootseq
from tracer import trace_file
from tracer.cli import main
from tracer.model import Trace

_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of a boot that worked and one that failed, numbered."""
    path = tmp_path_factory.mktemp("terminal") / "two.trace.jsonl.gz"
    boots = [small_boot(), failed_boot()]
    for number, boot in enumerate(boots, 1):
        boot.number = number
    trace_file.write(path, Trace(boots))
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of a real boot."""
    path = tmp_path_factory.mktemp("terminal") / "real.trace.jsonl.gz"
    trace_file.write(path, Trace([real_boots.nova34()]))
    return path


def piped(*arguments: str | Path) -> str:
    """Run bootseq with stdout into a pipe, successfully."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}], ids=["colored", "plain"])
@pytest.mark.parametrize("command", ["list", "show"])
def test_what_a_terminal_shows(file: Path, command: str, columns: int, environ: dict[str, str]) -> None:
    screen = bootseq(command, file, *(["1"] if command == "show" else []), columns=columns, environ=environ)
    assert screen.code == 0
    widest = max(len(_SEQUENCE.sub("", line)) for line in screen.text.splitlines())
    assert widest <= columns
    assert ("\x1b[" in screen.text) == (not environ)
    golden.compare(f"terminal/{command}-{columns}-{'plain' if environ else 'colored'}.txt", screen.text)


def test_a_dumb_terminal_and_a_pipe_have_no_colors(file: Path) -> None:
    assert "\x1b" not in bootseq("show", file, "1", environ={"TERM": "dumb"}).text
    assert "\x1b" not in piped("show", file, "1")
    assert "\x1b" in piped("show", file, "1", "--color", "always")
    assert "\x1b" not in bootseq("show", file, "1", "--color", "never").text


def test_a_terminal_shows_the_story_and_a_pipe_every_call(real: Path) -> None:
    assert len(bootseq("show", real, columns=250).text.splitlines()) <= 80
    assert "self._check_requested_networks()" in piped("show", real)


def test_what_is_taller_than_the_terminal_is_paged(file: Path, tmp_path: Path) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\nexec sed 's/^/paged: /'\n")
    pager.chmod(0o755)
    assert "paged: " in bootseq("show", file, "1", rows=5, environ={"PAGER": str(pager)}).text
    assert "paged: " not in bootseq("show", file, "1", rows=500, environ={"PAGER": str(pager)}).text
    assert "paged: " not in bootseq("show", file, "1", rows=5, environ={"PAGER": "cat"}).text


def test_a_reader_that_leaves_early_is_no_error(real: Path) -> None:
    command = f"{sys.executable} -m tracer show {real} --detail full --color always | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_ids_on_a_terminal_are_taken_as_what(file: Path) -> None:
    row = next(line for line in bootseq("list", file, "--color", "never").text.splitlines() if " vm1 " in line)
    instance = row.split()[2]
    assert len(instance) == 8
    assert piped("show", file, instance).startswith("# create vm1")
    assert "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11" in bootseq("list", file, "--wide", columns=250).text


class TestLines:
    """The options that choose lines of the tree."""

    def test_below_an_address(self, real: Path) -> None:
        lines = piped("show", real, "--from", "2-1-2").splitlines()
        assert lines[0].startswith("2-1-2. ")
        addresses = [line.partition(".")[0].partition("…")[0] for line in lines if not line.startswith("- ")]
        assert all(address == "2-1-2" or address.startswith("2-1-2-") for address in addresses)
        assert len(addresses) > 20

    def test_to_a_depth_with_counts_of_what_is_deeper(self, real: Path) -> None:
        lines = piped("show", real, "--from", "2-1-2", "--depth", "1").splitlines()
        assert [line.partition(". ")[0] for line in lines if line[0] != "-"] == ["2-1-2", "2-1-2-1"]
        assert re.fullmatch(r"- \+\d+ calls below", lines[-1])

    def test_durations_at_any_detail(self, real: Path) -> None:
        assert re.search(r"^2-1-2\. .* \(1\.44 s\)$", piped("show", real, "--times"), re.M)

    def test_slow_steps(self, real: Path) -> None:
        rows = json.loads(piped("show", real, "--slow", "200ms", "--json"))
        lines = piped("show", real, "--slow", "200ms").splitlines()
        assert len(rows) == len(lines) > 10
        assert all(row["end"] - row["start"] >= 200_000_000 for row in rows)

    def test_kinds_and_a_text(self, real: Path) -> None:
        text = piped("show", real, "--kind", "sql", "--grep", "^UPDATE instances")
        assert text.count("\n") > 3
        assert all(re.match(r"[\d/-]+\. \[\w+\] sql: UPDATE", line) for line in text.splitlines())

    def test_errors(self, file: Path) -> None:
        lines = piped("show", file, "2", "--errors").splitlines()
        assert lines
        assert all(" ! " in line or line.endswith("… unfinished") for line in lines)

    def test_a_service(self, file: Path) -> None:
        lines = piped("show", file, "1", "--service", "scheduler").splitlines()
        assert lines
        assert all(re.match(r"[\d-]+\. \[scheduler\] ", line) for line in lines)

    def test_indented_by_depth(self, file: Path) -> None:
        lines = piped("show", file, "1", "--indent").splitlines()
        for line in lines:
            if match := re.match(r"( *)(\d[\d-]*)(?:…[\d-]+)?\. ", line):
                assert len(match[1]) == 2 * match[2].count("-")

    def test_json_follows_the_detail(self, file: Path) -> None:
        every = json.loads(piped("show", file, "1", "--json"))
        calls = json.loads(piped("show", file, "1", "--json", "--detail", "calls"))
        assert {row["kind"] for row in every} - {row["kind"] for row in calls} >= {"sql"}
        assert [row for row in every if row in calls] == calls

    def test_an_unknown_address_is_refused(self, file: Path) -> None:
        done = CliRunner().invoke(main, ["show", str(file), "1", "--from", "9-9"])
        assert done.exit_code == 2
        assert done.stderr == "bootseq: no step 9-9; see: bootseq show FILE --detail full\n"
