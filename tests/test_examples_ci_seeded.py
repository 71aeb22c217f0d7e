"""Commits seeded into Nova's source: their making, the table of their reviews, and a real review of one."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from examples.ci import reviewing, seeded
from examples.ci.recordings import Plan
from examples.ci.resolution import trees, wheels
from examples.ci.resolution.find import Choice
from examples.ci.seeded_commits import COMMITS, Edit, Seeded
from examples.embedded import EmbeddedError
from examples.embedded.release import RELEASES, environment


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


# --- a real review


@pytest.fixture
def sdist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source of the installed Nova 34, and a build without the network: it packs the tree as it was installed."""
    installed = environment(RELEASES["34"]).parents[1]
    (packages,) = (installed / "lib").glob("python*/site-packages")
    tree = tmp_path / "nova-34.0.0"
    ignored = shutil.ignore_patterns("__pycache__", "locale")
    shutil.copytree(packages / "nova", tree / "nova", ignore=ignored)
    (tree / "PKG-INFO").write_text("Name: nova\nVersion: 34.0.0\n")

    def build(source: Path, _version: str, folder: Path) -> Path:
        folder.mkdir()
        with zipfile.ZipFile(folder / "nova-34.0.0-py3-none-any.whl", "w") as archive:
            for path in sorted(path for path in (source / "nova").rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(source))
            for name in ("METADATA", "WHEEL", "entry_points.txt"):
                archive.write(packages / "nova-34.0.0.dist-info" / name, f"nova-34.0.0.dist-info/{name}")
            for path in (installed / "etc" / "nova").iterdir():
                archive.write(path, f"nova-34.0.0.data/data/etc/nova/{path.name}")
            names = "".join(f"{name},sha256=,0\n" for name in archive.namelist())
            record = wheels.rewritten(names + "nova-34.0.0.dist-info/RECORD,,\n", archive)
            archive.writestr("nova-34.0.0.dist-info/RECORD", record)
        return Path(str(archive.filename))

    monkeypatch.setattr(wheels, "_build", build)
    return tree


@pytest.mark.slow
def test_a_review_finds_one_more_query_and_names_its_commit(sdist: Path, tmp_path: Path) -> None:
    """In one process, on Nova's own fixtures; the head's wheel is made of the base's."""
    checkout, output = tmp_path / "checkout", tmp_path / "out"
    base, head = seeded.make(sdist, checkout, COMMITS[:1])
    change = reviewing.Review(checkout, base, head)
    plan = Plan(boots=1, mode="one-process", driver="fake")
    assert reviewing.against_base(change, plan, Choice(), output, [f"--policy={reviewing.POLICY}"]) == 1
    report: dict[str, Any] = json.loads((output / "report.json").read_text())
    changes = [entry for entry in report["changes"] if entry["severity"] in ("fail", "warn")]
    assert [entry["text"].partition(" ")[0] for entry in changes] == ["objects/instance_mapping.py.InstanceMapping"]
    text = (output / "comment.md").read_text()
    assert text.startswith("### Boot of a server: differs (1 fail)\n")
    assert f"{head[:7]}" in text
    assert "Read the instance mapping twice" in text
    assert trees.is_dirty(checkout) is False
