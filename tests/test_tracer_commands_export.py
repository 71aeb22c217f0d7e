"""``bootseq export`` from outside: formats, selections, refusals, missing extras, secrets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.exported import exported, otlp_spans
from tests.test_tracer_cli import bootseq, refused
from tests.test_tracer_commands_diff import Traced, boots, deletion, traced
from tracer.export.formats import BY_SUFFIX

__all__ = ["traced"]  # the fixture

_LIBRARIES = {"otlp.pb": "opentelemetry.proto", "pftrace": "perfetto"}


@pytest.mark.parametrize("suffix", BY_SUFFIX)
def test_all_boots_and_other_requests_are_exported(suffix: str, traced: Traced, tmp_path: Path) -> None:
    if suffix in _LIBRARIES:
        pytest.importorskip(_LIBRARIES[suffix])
    file = traced("t.jsonl", *boots(2), others=(deletion(),))
    single = exported(file, tmp_path / f"one.{suffix}", "vm1").read_bytes()
    assert len(exported(file, tmp_path / f"all.{suffix}", "--all-boots").read_bytes()) > len(single)
    assert exported(file, tmp_path / f"other.{suffix}", "3").exists()
    assert exported(file, tmp_path / "plain", "vm1", "--format", suffix).read_bytes() == single


def test_what_a_format_cannot_hold_is_named(traced: Traced, tmp_path: Path) -> None:
    file = traced("t.jsonl", *boots(1))
    done = bootseq("export", file, "-o", tmp_path / "x.folded")
    assert done.stderr.startswith("bootseq: .folded cannot hold: times of day, order, attributes, errors, notes (")
    assert bootseq("export", file, "-o", tmp_path / "x.otlp.jsonl").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "export needs either -o FILE or --to URL"),
        (("-o", "x.folded", "--to", "http://h"), "export needs either -o FILE or --to URL"),
        (("-o", "x.json"), "x.json: unknown suffix, which is the format; use one of .otlp.jsonl, .otlp.pb"),
        (("-o", "x.folded", "--logs"), "--logs needs .otlp.jsonl or .otlp.pb; .folded has no logs"),
        (("-o", "x.folded", "--all-boots", "vm1"), "--all-boots cannot be combined with WHAT"),
        (("-o", "x.folded", "--header", "A=env:B"), "--header is for --to URL"),
        (("--to", "http://h", "--format", "folded"), "--to sends OTLP: --format otlp.pb or otlp.jsonl, not folded"),
        (("--to", "ftp://h"), "ftp://h: expected a URL such as http://127.0.0.1:4318"),
        (("--to", "http://u:secret@h"), "the URL holds a user or a password"),
        (("--to", "http://h", "--header", "A=secret"), "--header A: write it as NAME=env:VARIABLE or NAME=file:PATH"),
        (("--to", "http://h", "--header", "A=env:NO_SUCH"), "--header A: the environment has no variable NO_SUCH"),
    ],
)
def test_invalid_uses_are_refused_in_one_line(arguments: tuple[str, ...], line: str, traced: Traced) -> None:
    refusal = refused("export", traced("t.jsonl", *boots(1)), *arguments)
    assert refusal.startswith(line)
    assert "secret" not in refusal


@pytest.mark.parametrize(("suffix", "extra"), [("otlp.pb", "otlp"), ("pftrace", "perfetto")])
def test_a_missing_extra_is_named(
    suffix: str, extra: str, traced: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        name for name in sys.modules if name.startswith(("tracer.export.", "opentelemetry.proto", "perfetto"))
    ]:
        if (
            name.startswith(("tracer.export.otlp_protobuf", "tracer.export.perfetto"))
            or "." not in name
            or "proto" in name
        ):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.proto", None)
    monkeypatch.setitem(sys.modules, "perfetto", None)
    line = refused("export", traced("t.jsonl", *boots(1)), "-o", tmp_path / f"x.{suffix}")
    assert line.endswith(f"install it with: pip install 'bootseq[{extra}]'")


def test_masked_values_stay_masked_and_nothing_else_is_written(traced: Traced, tmp_path: Path) -> None:
    (boot,) = boots(1)
    boot.chapters[0].attributes["arguments"] = {"admin_password": "***"}
    file = exported(traced("t.jsonl", boot), tmp_path / "x.otlp.jsonl")
    assert otlp_spans(file)[0]["attributes"]["bootseq.json.arguments"] == '{"admin_password":"***"}'
    assert oct(file.stat().st_mode & 0o111) == "0o0"


def test_an_existing_file_survives_a_failed_export(traced: Traced, tmp_path: Path) -> None:
    target = tmp_path / "x.folded"
    target.write_text("mine")
    assert bootseq("export", tmp_path / "missing", "-o", target).exit_code == 2
    assert target.read_text() == "mine"
