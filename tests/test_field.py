"""Logs as people post them: each sample of tests/data/field gives what a careful reader finds in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import field

#: Samples that do not pass yet.
NOT_YET: tuple[str, ...] = ("08-no-milliseconds",)

_FOLDERS = field.folders()
_RUNS = [
    pytest.param(folder, expected, id=f"{folder.name}-{number}")
    for folder in _FOLDERS
    if folder.name not in NOT_YET
    for number, expected in enumerate(field.runs(folder), 1)
]


@pytest.mark.parametrize(("folder", "expected"), _RUNS)
def test_run_matches_its_expectations(folder: Path, expected: field.Json, tmp_path: Path) -> None:
    assert field.mismatches(folder, expected, tmp_path) == []


@pytest.mark.parametrize("name", NOT_YET)
def test_sample_listed_as_failing_still_fails(name: str, tmp_path: Path) -> None:
    """A sample that passes must leave NOT_YET."""
    folder = field.FIELD / name
    assert any(field.mismatches(folder, expected, tmp_path) for expected in field.runs(folder))


def test_not_yet_names_samples() -> None:
    assert set(NOT_YET) <= {folder.name for folder in _FOLDERS}
