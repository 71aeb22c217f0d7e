"""Hosts whose clocks differ: boots from logs and message copies are the same as with one clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.log_traces import DIABLO, SERVICES, later, nova34, trace
from tracer.model import Trace

COPIES = "rpc.jsonl"
LOGS = ("glance", "keystone", "neutron", "nova-api", "nova-compute", "nova-conductor", "nova-scheduler", "placement")


def tree(trace: Trace) -> list[tuple[object, ...]]:
    """Return everything about the steps but their times."""
    return [
        (boot.operation, step.address, step.service, step.kind, step.name, step.tied_by, step.witnesses, step.opened_by)
        for boot in [*trace.boots, *trace.others]
        for step in boot.walk()
    ]


def clock_warnings(trace: Trace, name: str) -> list[str]:
    """Return the warnings about the clock of a file, without the folder."""
    warnings = [warning.partition(f"/{name} is ")[2] for warning in trace.warnings if "the clock of" in warning]
    return [text.partition(" that of")[0] for text in warnings if text]


@pytest.mark.parametrize(
    ("name", "copies"), [*((name, True) for name in (*SERVICES, COPIES)), *((name, False) for name in SERVICES)]
)
@pytest.mark.parametrize("seconds", [90, -90])
def test_2011_a_wrong_clock_changes_no_tree(name: str, seconds: int, copies: bool, tmp_path: Path) -> None:
    paths = [DIABLO / file for file in (*SERVICES, *([COPIES] if copies else []))]
    moved = [later(path, tmp_path, seconds if path.name == name else 0) for path in paths]
    result = trace(*moved)
    assert tree(result) == tree(trace(*paths))
    if copies:  # logs alone have messages in one direction only
        (warning,) = clock_warnings(result, name)
        assert abs(float(warning.partition(" ")[0]) - 90) < 0.2
        assert warning.endswith("s ahead of" if seconds > 0 else "s behind")


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nova34(tmp_path_factory.mktemp("nova34"))


@pytest.fixture(scope="module")
def unskewed_tree(today: Path) -> list[tuple[object, ...]]:
    return tree(trace(today))


def test_today_right_clocks_are_not_reported(today: Path) -> None:
    for paths in sorted(today.glob("*.log")), [today / COPIES], sorted(today.iterdir()):
        assert [warning for warning in trace(*paths).warnings if "clock" in warning] == []


def skewed(today: Path, into: Path, **seconds: float) -> Trace:
    for path in today.iterdir():
        later(path, into, seconds.get(path.stem.replace("-", "_"), 0))
    return trace(into)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in LOGS if name not in ("nova-compute", "placement")]


@pytest.mark.parametrize("name", ["nova-compute", "placement", "rpc", *SLOW])
@pytest.mark.parametrize("seconds", [90, -90])
def test_today_a_wrong_clock_changes_no_tree(
    name: str, seconds: int, today: Path, unskewed_tree: list[tuple[object, ...]], tmp_path: Path
) -> None:
    result = skewed(today, tmp_path, **{name.replace("-", "_"): seconds})
    assert tree(result) == unskewed_tree
    (warning,) = clock_warnings(result, f"{name}.jsonl" if name == "rpc" else f"{name}.log")
    assert abs(float(warning.partition(" ")[0]) - 90) < 0.02


def test_today_two_wrong_clocks_of_three_are_both_reported(
    today: Path, unskewed_tree: list[tuple[object, ...]], tmp_path: Path
) -> None:
    """The controller's clock is right; compute and network are an hour ahead, images a few seconds behind."""
    result = skewed(today, tmp_path, nova_compute=3600, neutron=3600, glance=-3.2)
    assert tree(result) == unskewed_tree
    warnings = [
        clock_warnings(result, f"{name}.log")[0].split(" ", 2) for name in ("nova-compute", "neutron", "glance")
    ]
    assert [(round(float(seconds), 2), direction) for seconds, _, direction in warnings] == [
        (3600.0, "ahead of"), (3600.0, "ahead of"), (3.2, "behind"),
    ]  # fmt: skip
