"""``bootseq where`` on single processes, by its output and exit codes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from click.testing import CliRunner

from tests.test_tracer_live_visit import REQUEST, trapped
from tracer.cli import main


def _where(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["where", *arguments])
    return result.exit_code, result.output


def test_a_request_is_shown_with_its_function_and_wait(tmp_path: Path) -> None:
    with trapped(tmp_path) as program:
        code, output = _where(REQUEST, "--pid", str(program.pid), "--for", "1s", "--json")
    (answer,) = json.loads(output)
    assert (code, answer["state"], answer["request_ids"]) == (1, "stuck", [REQUEST])
    assert answer["chains"][0][0]["function"] == "traps.py -> recurse()"


def test_a_stopped_process_is_named_with_the_command_that_continues_it(tmp_path: Path) -> None:
    with trapped(tmp_path) as program:
        os.kill(program.pid, signal.SIGSTOP)
        code, output = _where("vm1", "--pid", str(program.pid), "--for", "1s")
    assert code == 2
    assert "is stopped (SIGSTOP)" in output
    assert f"Next: kill -CONT {program.pid}" in output


def test_a_process_that_does_not_run_is_an_error() -> None:
    code, output = _where("--pid", "4194303")
    assert (code, output) == (2, "bootseq: 4194303: no such process\n")
