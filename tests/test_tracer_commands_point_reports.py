"""``doctor`` and ``status`` report call points that name nothing in the packages of the services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.victims import Victim
from tracer.attach import processes
from tracer.cli import main
from tracer.recording import point_check

SOURCE = """
class API:
    def create(self):
        def _wait(): pass
        _wait()
"""
POINTS = """
shop.api: [API.create, API.craete, API.create.<locals>._wait, API.old since 9]
shap.api: [API.create]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder of packages."""
    folder = tmp_path / "lib/site-packages"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop/api.py").write_text(SOURCE)
    (folder / "shop/_fast.so").write_bytes(b"a compiled module")
    (folder / "shop-8.2.0.dist-info").mkdir()
    (tmp_path / "mine.yaml").write_text(POINTS)
    return folder


@pytest.fixture
def service(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Victim]:
    """Yield a process with the name of a service that has loaded a library from the folder of packages."""
    with Victim() as victim:
        monkeypatch.setattr(
            processes, "service", lambda argv: "nova-compute" if any("victim_program" in word for word in argv) else ""
        )
        library = site / "shop/_fast.so"
        assert (
            victim.ask(
                "setattr(__import__('builtins'), 'mapped', __import__('mmap').mmap("
                f"__import__('os').open({str(library)!r}, 0), 0, access=1))"
            )
            is None
        )
        yield victim


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def reports(*arguments: object) -> list[dict[str, Any]]:
    """Return the reports about points in the JSON output of a command."""
    return [row for row in json.loads(run(*arguments, "--json").stdout) if row["service"] == "call points"]


EXPECTED = [
    ("shop.api", "API.craete", "API.create"), ("shop.api", "API.create.<locals>._wait", ""),
    ("shap.api", "API.create", ""),
]  # fmt: skip


def test_doctor_reports_points_of_a_file_that_match_nothing(service: Victim, site: Path, tmp_path: Path) -> None:
    """One line each, with the nearest name; points of releases that are not installed here are not reported."""
    rows = reports("doctor", "--points", tmp_path / "mine.yaml")
    assert [(row["module"], row["name"], row["nearest"]) for row in rows] == EXPECTED
    assert {(row["pid"], row["state"], row["fix"]) for row in rows} == {(0, "unresolved", "")}
    lines = run("doctor", "--points", tmp_path / "mine.yaml").stdout.splitlines()
    assert [line for line in lines if line.startswith("call points")] == [
        f"call points: unresolved: shop.api: API.craete: no such function; nearest: API.create; searched: {site}",
        f"call points: unresolved: shop.api: API.create.<locals>._wait: {point_check._DIRECT}; searched: {site}",
        "call points: unresolved: shap.api: API.create: no package shap here",
    ]


def test_doctor_reports_no_default_point_of_packages_that_are_not_here(service: Victim) -> None:
    assert reports("doctor") == []


def test_status_reports_points_of_the_captures_of_attached_processes(service: Victim, tmp_path: Path) -> None:
    """While something is attached; a capture with the default points alone has nothing to report."""
    capture, plain = tmp_path / "capture", tmp_path / "plain"
    assert run("attach", "--pid", service.pid, "-o", capture, "--points", tmp_path / "mine.yaml").exit_code == 0
    assert [(row["module"], row["name"], row["nearest"]) for row in reports("status")] == EXPECTED
    assert "call points: unresolved: shop.api: API.craete" in run("status").stdout
    assert run("detach", capture).exit_code == 0
    assert reports("status") == []
    assert run("attach", "--pid", service.pid, "-o", plain).exit_code == 0
    assert reports("status") == []
    assert run("detach", plain).exit_code == 0


def test_a_capture_with_invalid_options_has_no_points(service: Victim, tmp_path: Path) -> None:
    capture = tmp_path / "capture"
    assert run("attach", "--pid", service.pid, "-o", capture, "--points", tmp_path / "mine.yaml").exit_code == 0
    options = capture / "capture.json"
    for text in ("{", "[]", '{"points": 5}', '{"points": [[1, 2]]}', '{"points": [["shap.api", ["b c"], []]]}'):
        options.write_text(text)
        assert reports("status") == []
    assert run("detach", capture).exit_code == 0
