"""Commits seeded into Nova's source: their making, and the table of their reviews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples.ci import seeded
from examples.ci.resolution import trees
from examples.ci.seeded_commits import COMMITS, Edit, Seeded
from examples.embedded import EmbeddedError


def test_seeded_commits_are_made_of_an_sdist(tmp_path: Path) -> None:
    """Each with its edits only, which must match."""
    sdist = tmp_path / "nova-34.0.0"
    (sdist / "nova").mkdir(parents=True)
    (sdist / "nova" / "__init__.py").write_text("a = 1\nb = a\n")
    path = "nova/__init__.py"
    commits = [Seeded("Rename", (Edit(path, "a", "c", count=2),)), Seeded("Add", (Edit(path, "", "d\n"),))]
    ids = seeded.make(sdist, tmp_path / "checkout", commits)
    texts = [trees.git(tmp_path / "checkout", "show", f"{name}:nova/__init__.py") for name in ids]
    assert texts == ["a = 1\nb = a\n", "c = 1\nb = c\n", "c = 1\nb = c\nd\n"]
    with pytest.raises(EmbeddedError, match="has 1 times, not 2: b"):
        seeded.make(sdist, tmp_path / "other", [Seeded("Wrong", (Edit("nova/__init__.py", "b", "c", count=2),))])


def test_a_seeded_commit_is_found_or_silent_and_named() -> None:
    def change(class_: str, severity: str, *ids: str) -> dict[str, Any]:
        return {"class": class_, "severity": severity, "text": "t", "origin": {"commits": [{"id": i} for i in ids]}}

    added = Seeded("Query", (), frozenset({"added"}))
    query = seeded.Result(added, "abc123", {"changes": [change("added", "fail")]})
    log = seeded.Result(Seeded("Log", ()), "def456", {"changes": [change("logged", "note")]})
    wrong = seeded.Result(Seeded("Doc", ()), "789abc", {"changes": [change("slower", "warn")]})
    assert [result.is_right() for result in (query, log, wrong)] == [True, True, False]
    everything = {"changes": [change("added", "fail", "abc1"), change("moved", "fail"), change("logged", "note")]}
    lines = list(seeded.table([query, log], seeded.named(everything, [query, log])))
    assert lines[2:] == [
        "| Query | added | added | yes | 1 |", "| Log | nothing | nothing | yes | 0 |", "| none of them | | | | 1 |",
    ]  # fmt: skip


def test_there_are_twelve_seeded_commits() -> None:
    """Three of them change no boot."""
    assert (len(COMMITS), sum(not seeded_commit.classes for seeded_commit in COMMITS)) == (12, 3)
