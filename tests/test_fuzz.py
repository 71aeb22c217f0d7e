"""The fuzzer: it reports every kind of fault, and a minute of cases reports none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import failures, worker
from tests.fuzz.kinds import KINDS, Case, unchanged
from tests.fuzz.worker import run
from tests.support.examples import examples
from tracer import trace_file
from tracer.errors import TracerError
from tracer.recording import capture


def seed_of(kind: str, number: int = 0) -> Case:
    """Return the kind's first seed, unmutated."""
    (case,) = (seed for seed in unchanged() if seed.kind.name == kind)
    return Case(number, case.kind, case.data, case.commands[:1])


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_seeds_are_valid_input(kind: str) -> None:
    """At least one of their commands accepts them: mutations of invalid input would reach little code."""
    (case,) = (seed for seed in unchanged() if seed.kind.name == kind)
    tried = [Case(0, case.kind, case.data, (*case.commands[:1], command)) for command in case.commands[:4]]
    outcomes = list(run(tried))
    assert all(outcome.good for outcome in outcomes), outcomes
    assert case.kind.name == "expression" or any(outcome.how in ("0", "1") for outcome in outcomes), outcomes


def _crash(path: Path) -> Any:
    os.kill(os.getpid(), signal.SIGBUS)


def _spin(path: Path) -> Any:
    while True:
        pass


def _allocate(path: Path) -> Any:
    return bytes(300 << 20) + b"x"


def _block(path: Path) -> Any:
    time.sleep(100)


def _raise(path: Path) -> Any:
    return 1 // 0


@pytest.mark.parametrize(
    ("fault", "how"),
    [(_crash, "signal 7"), (_spin, "time"), (_allocate, "memory"), (_block, "hang"), (_raise, "defect")],
)
def test_every_fault_is_reported_and_the_next_case_runs(monkeypatch: pytest.MonkeyPatch, fault: Any, how: str) -> None:
    if how in ("time", "hang"):
        monkeypatch.setattr(worker, *{"time": ("MAX_SECONDS", 0.5), "hang": ("MAX_WAIT", 3.0)}[how])
    monkeypatch.setattr(capture, "asks", lambda path: fault(path) if Path("faulty").exists() else [])
    lay_out = Case.lay_out

    def with_fault(case: Case, folder: Path) -> None:
        lay_out(case, folder)
        if case.number == 1:
            (folder / "faulty").touch()

    monkeypatch.setattr(Case, "lay_out", with_fault)
    if how == "defect":
        monkeypatch.setattr(trace_file, "read", fault)
        outcomes = list(run([seed_of("trace", 1)]))
        assert [outcome.how for outcome in outcomes] == ["defect"]
    else:
        outcomes = list(run([seed_of("ask points", number) for number in range(3)]))
        assert [outcome.how for outcome in outcomes] == ["0", how, "0"]
    assert not all(outcome.good for outcome in outcomes)


def test_a_saved_input_is_reduced_to_the_lines_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that fail are saved beside it."""
    lines = [b"[DEFAULT]", *(b"a%d = 1" % number for number in range(40))]
    case = Case(5, seed_of("config").kind, b"\n".join([*lines, b"wrong", *lines]), seed_of("config").commands)
    monkeypatch.setattr(failures, "case", lambda seed, number: case)
    monkeypatch.setattr("tracer.oslo_config.small_text", _without_wrong)
    (outcome,) = run([case])
    folder = failures.keep(tmp_path, 1, outcome)
    assert len((folder / "nova.conf").read_text().split("\n")) < 5
    assert "--from-config nova.conf" in (folder / "commands").read_text()


def _without_wrong(path: Path, most: int = 0) -> str:
    text = path.read_text()
    if "wrong" in text:
        raise KeyError(text)
    return text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(150))
@given(field=st.integers(0, 200), value=JSON)
def test_a_trace_file_with_any_value_in_any_field_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, field: int, value: Any
) -> None:
    """Hypothesis reduces a failing value to a small one."""
    lines = [json.loads(line) for line in seed_of("trace").data.splitlines()[:6]]
    line = lines[field % len(lines)]
    line[sorted(line)[field // len(lines) % len(line)]] = value
    path = tmp_path_factory.mktemp("any") / "t.jsonl"
    path.write_text("".join(json.dumps(line_) + "\n" for line_ in lines))
    with suppress(TracerError):
        assert trace_file.read(path).boots


@pytest.mark.slow
def test_a_minute_of_cases_reports_no_fault(tmp_path: Path) -> None:
    """The same cases in every run; ``make fuzz SEED=…`` tries others."""
    arguments = ["--cases", "1000000", "--seconds", "60", "--seed", "1", "--keep", str(tmp_path / "kept")]
    done = subprocess.run([sys.executable, "-m", "tests.fuzz", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
