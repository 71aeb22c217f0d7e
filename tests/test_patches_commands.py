"""Commands of oslo.concurrency: their names and exit codes, without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patches import commands
from tests.support.recording import failing, inside_step, recording

processutils = pytest.importorskip("oslo_concurrency.processutils")


def test_a_command_is_recorded_with_its_arguments_and_exit_code(tmp_path: Path) -> None:
    with recording(tmp_path, "commands") as recorded, inside_step() as step:
        assert processutils.execute("/bin/echo", "a b", 7) == ("a b 7\n", "")
        event = recorded.single("command")
    assert (event.name, event.parent, event.error) == ("echo", step, None)
    assert event.attributes == {"arguments": ["/bin/echo", "a b", 7], "as_root": False, "exit_code": 0}


@pytest.mark.parametrize(("allowed", "code"), [(0, 0), ([0], 0), (True, 0), (None, 0), ([0, 1], None), (False, None)])
def test_an_exit_code_is_recorded_only_where_it_is_known(tmp_path: Path, allowed: Any, code: int | None) -> None:
    with recording(tmp_path, "commands") as recorded:
        processutils.execute("true", check_exit_code=allowed)
        assert recorded.single("command").attributes.get("exit_code") == code


def test_a_failure_is_recorded_with_its_code_but_not_its_output(tmp_path: Path) -> None:
    with recording(tmp_path, "commands") as recorded:
        with pytest.raises(processutils.ProcessExecutionError) as raised:
            processutils.execute("sh", "-c", "echo geheim; exit 3")
        event = recorded.single("command")
    assert raised.value.exit_code == 3
    assert (event.error, event.attributes["exit_code"]) == ("ProcessExecutionError: exit code 3", 3)


def test_a_missing_command_is_recorded_with_its_error(tmp_path: Path) -> None:
    with recording(tmp_path, "commands") as recorded:
        with pytest.raises(FileNotFoundError):
            processutils.execute("no-such-command-here")
        assert str(recorded.single("command").error).startswith("FileNotFoundError")


def test_secrets_among_arguments_are_masked_and_input_is_not_recorded(tmp_path: Path) -> None:
    with recording(tmp_path, "commands") as recorded:
        processutils.execute(
            "true", "--password", "geheim1", "--os-token=geheim2", "rbd://u:geheim3@host", "--name", "vm",
            process_input="geheim4", env_variables={"OS_PASSWORD": "geheim5"},
        )  # fmt: skip
        processutils.execute("echo", "password=geheim6", shell=True)
        first, second = recorded.events("command")
    masked = ["true", "--password", "***", "--os-token=***", "rbd://***@host", "--name", "vm"]
    assert first.attributes["arguments"] == masked
    assert second.name == "echo"
    assert not [path for path in (tmp_path / "segments").iterdir() if b"geheim" in path.read_bytes()]


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path) -> None:
    with recording(tmp_path, "commands"), failing():
        assert [processutils.execute("echo", "x")[0] for _ in range(6)] == ["x\n"] * 6
        assert not commands.commands.enabled
        assert commands._expected == {}
