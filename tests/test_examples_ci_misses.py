"""Seeded changes to a real boot of Nova 34: all are detected, with the right class."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from examples.ci.misses import scores
from examples.ci.mutations import MUTATIONS
from examples.ci.spec_misses import DETECTED, MISSED
from examples.ci.spec_misses import scores as spec_scores
from tests.support.builders import small_boot
from tracer.correlation.pipeline import correlate
from tracer.model import Request
from tracer.sources.hooks import segments

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    folder = tmp_path_factory.mktemp("nova34")
    with tarfile.open(DATA / "nova34-boot.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return correlate(segments.read(folder)).boots


@pytest.mark.slow
@pytest.mark.parametrize("baseline", [False, True])
def test_every_seeded_change_is_detected_with_its_class(boots: list[Request], baseline: bool) -> None:
    """Two of every kind; for more, and other boots: python -m examples.ci.misses."""
    # The small boot has steps that Nova does not perform with its fake driver.
    all_scores = list(scores(boots if baseline else [*boots, small_boot()], 2, baseline))
    assert [score.name for score in all_scores] == list(MUTATIONS)
    assert len(MUTATIONS) >= 50
    assert baseline or sum(score.applied for score in all_scores) == 2 * len(MUTATIONS)
    assert [score.name for score in all_scores if score.detected < score.applied] == []
    assert [miss for score in all_scores for miss in score.misses] == []


def test_a_spec_misses_no_change_of_what_it_states() -> None:
    """For boots of a real Nova: python -m examples.ci.spec_misses."""
    results = {score.name: score.results for score in spec_scores([small_boot()], 1)}
    assert all(results[name][DETECTED] for name in ("drop", "add", "rename", "call and cast", "other table", "state"))
    # A spec of boots without a warning counts no log lines; write log.*: none where that matters.
    assert [name for name, columns in results.items() if columns[MISSED]] == ["log level"]
