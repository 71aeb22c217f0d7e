"""The handling of commands: traces through pipes, several outputs, beginnings and mistakes of names, completion."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.builders import failed_boot, small_boot
from tracer import trace_file
from tracer.cli import main
from tracer.model import Trace

ROOT = Path(__file__).parent.parent
BOOTSEQ = Path(sys.executable).with_name("bootseq")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A trace of two boots, vm1 and vm2."""
    path = tmp_path / "two.trace.jsonl.gz"
    boots = [small_boot(), failed_boot()]
    for number, boot in enumerate(boots, 1):
        boot.number = number
    trace_file.write(path, Trace(boots))
    return path


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line with bootseq on the path."""
    environ = os.environ | {"PATH": f"{BOOTSEQ.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def refused(*arguments: str | Path) -> str:
    """Run bootseq, which refuses; return its one line."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_trace_passes_through_pipes(file: Path) -> None:
    shutil.copy(ROOT / "tests/data/nova34-boot.tar.gz", file.parent)
    shell("mkdir cap && tar -xzf nova34-boot.tar.gz -C cap", file.parent)
    done = shell("bootseq ingest -o - cap | bootseq show - --detail story", file.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# boot vm1: active")
    assert shell(f"bootseq list - < {file.name}", file.parent).stdout.count("\n") == 3
    # Read twice: the volume's or port's uuid is searched in the header, then in the steps.
    assert "holds no boot '0123456789'" in shell(f"cat {file.name} | bootseq show - 0123456789", file.parent).stderr


def test_several_outputs_are_drawn_at_once(file: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["draw", str(file), "1", "-o", f"{tmp_path}/a.svg", "-o", f"{tmp_path}/a.md"])
    assert done.exit_code == 0
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert (tmp_path / "a.md").read_text().startswith("# ")


def test_nothing_is_drawn_if_one_output_cannot_be(file: Path, tmp_path: Path) -> None:
    assert "cannot draw .jpg" in refused("draw", file, "1", "-o", tmp_path / "a.svg", "-o", tmp_path / "a.jpg")
    assert not (tmp_path / "a.svg").exists()


def test_a_picture_goes_to_stdout_in_the_chosen_format(file: Path) -> None:
    done = shell(f"bootseq draw {file.name} 1 -o - --format svg", file.parent)
    assert done.stdout.startswith("<svg")
    done = shell(f"bootseq draw {file.name} 1 -o picture --format mmd && head -1 picture", file.parent)
    assert done.stdout.splitlines()[-1].startswith(("sequenceDiagram", "%%", "---"))


@pytest.mark.parametrize(("word", "meant"), [("vm3", "vm2"), ("wm1", "vm1")])
def test_a_name_like_another_is_a_question(file: Path, word: str, meant: str) -> None:
    assert f"; did you mean {meant}" in refused("show", file, word)


def test_a_name_like_no_other_is_none(file: Path) -> None:
    assert "did you mean" not in refused("show", file, "bananas")


def completed(words: str, folder: Path, shell_name: str = "bash") -> list[str]:
    """Return what bootseq's completion offers for the last of the words."""
    environ = os.environ | {
        "_BOOTSEQ_COMPLETE": f"{shell_name}_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
    }  # fmt: skip
    done = subprocess.run([BOOTSEQ], cwd=folder, env=environ, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("command", ["show", "explain", "export", "draw"])
def test_what_is_completed_from_the_trace(file: Path, command: str) -> None:
    assert completed(f"bootseq {command} {file.name} vm", file.parent) == ["plain,vm1", "plain,vm2"]
    assert completed(f"bootseq {command} {file.name} 7b5e", file.parent) == [
        "plain,7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"
    ]


def test_completion_of_a_file_that_is_no_trace_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")
    assert completed("bootseq show x v", tmp_path) == []
    assert completed("bootseq show none v", tmp_path) == []


def test_commands_and_formats_are_completed(file: Path) -> None:
    assert "plain,detach" in completed("bootseq de", file.parent)
    assert completed(f"bootseq draw {file.name} --format sv", file.parent) == ["plain,svg"]


def test_bash_completes_with_the_committed_script(file: Path) -> None:
    line = (
        f"source {ROOT}/docs/completions/bootseq; COMP_WORDS=(bootseq show {file.name} vm); COMP_CWORD=3; "
        "_bootseq_completion bootseq; echo ${COMPREPLY[@]}"
    )
    assert shell(line, file.parent).stdout.strip() == "vm1 vm2"


def test_the_demo_needs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["demo"])
    assert done.exit_code == 0, done.output
    assert "# boot s2: active" in done.stdout
    assert "bootseq draw demo.trace.jsonl.gz -o demo.html" in done.stdout
    assert "it exists" in refused("demo")
    assert CliRunner().invoke(main, ["demo", "--force"]).exit_code == 0
    for command in (["list"], ["explain"], ["show"]):
        assert CliRunner().invoke(main, [*command, "demo.trace.jsonl.gz"]).exit_code == 0
