"""Logs as people post them: each sample of tests/data/field gives what a careful reader finds in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import field

_FOLDERS = field.folders()
_RUNS = [
    pytest.param(folder, expected, id=f"{folder.name}-{number}")
    for folder in _FOLDERS
    for number, expected in enumerate(field.runs(folder), 1)
]


@pytest.mark.parametrize(("folder", "expected"), _RUNS)
def test_run_matches_its_expectations(folder: Path, expected: field.Json, tmp_path: Path) -> None:
    assert field.mismatches(folder, expected, tmp_path) == []
