"""The review of a change: its comment, blessed baselines, the matrix, recordings in the cache; nothing is booted."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from examples.ci import __main__ as command_line
from examples.ci import commands, comparison, matrix, recordings, reviewing, store
from examples.ci.blessing import bless, retimed
from examples.ci.comment import LIMIT, Heading, comment
from examples.ci.comparison import Side, sides
from examples.ci.recordings import Plan, Recording
from examples.ci.resolution.find import Choice
from examples.embedded import EmbeddedError
from examples.embedded.boot import Boot
from examples.embedded.release import RELEASES, Release
from tests.support.source_checkout import SourceCheckout

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "examples" / "ci" / "reports" / "32-to-34"
OLD, NEW = REPORTS / "nova-32.baseline", REPORTS / "nova-34.baseline"
API = "class API:\n    def _provision_instances(self):\n        pass\n"
BOOTS = [Boot("vm1", "u", "r", "active", "instance.create.end", 1.0)]


def reported(folder: Path, old: Path = OLD, new: Path = NEW) -> tuple[dict[str, Any], str]:
    """Return the JSON and the HTML report of two baselines under the review's policy."""
    folder.mkdir(exist_ok=True)
    comparison.report(old, new, folder, [f"--policy={reviewing.POLICY}"])
    return json.loads((folder / "report.json").read_text()), (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The report from Nova 32 to 34."""
    return reported(tmp_path_factory.mktemp("reports"))


def test_the_comment_begins_with_the_verdict(report: tuple[dict[str, Any], str]) -> None:
    text = comment(*report, Heading("3a1b", "7c2d", ""))
    assert text.splitlines()[0] == "### Boot of a server: differs (5 fail, 9 warn)"
    assert "`3a1b` → `7c2d`, 5 boots each, [report with both boots in one diagram](report.html)" in text
    entries = [line for line in text.splitlines() if line.startswith("- ")]
    assert [line.split(":")[0] for line in entries] == ["- fails"] * 5 + ["- warns"] * 9


def test_every_difference_links_to_its_step_in_the_page(report: tuple[dict[str, Any], str]) -> None:
    changes, page = report
    text = comment(changes, page, Heading("a", "b", "https://logs.example.org/7/"))
    links = [line.rpartition("](")[2].rstrip(")") for line in text.splitlines() if line.startswith("- ")]
    assert all(link.startswith("https://logs.example.org/7/report.html#m") for link in links)
    anchors = [link.partition("#")[2] for link in links]
    assert len(set(anchors)) == 14
    assert all(f'id="{anchor}"' in page for anchor in anchors)


def test_a_clean_change_is_called_clean(tmp_path: Path) -> None:
    """With its warnings, if there are any."""
    changes, page = reported(tmp_path, NEW, NEW)
    text = comment(changes, page, Heading("a", "b", ""))
    assert text.splitlines()[0] == "### Boot of a server: clean"
    assert "- " not in text
    changes["counts"]["warn"] = 2
    assert comment(changes, page, Heading("a", "b", "")).splitlines()[0].endswith("clean, with 2 warnings")


def test_a_comment_has_a_bounded_length(report: tuple[dict[str, Any], str]) -> None:
    """Whatever the differences hold; those that do not fit are counted."""
    changes, page = report
    many = changes | {"changes": [change | {"text": "`é" * 300} for change in changes["changes"]] * 40}
    text = comment(many, page, Heading("a", "b", ""))
    assert len(text.encode()) <= LIMIT
    shown = sum(line.startswith("- ") for line in text.splitlines())
    assert text.endswith(f"and {14 * 40 - shown} more in the [report](report.html)\n")


def test_the_commits_of_a_difference_are_below_it(report: tuple[dict[str, Any], str]) -> None:
    changes, page = report
    origin = {"commits": [{"id": "abc1234", "subject": "Check `twice`", "change_id": ""}]}
    first = changes | {"changes": [changes["changes"][0] | {"severity": "fail", "origin": origin}]}
    assert "\n  - `` abc1234 Check `twice` ``\n" in comment(first, page, Heading("a", "b", ""))


def test_a_rerun_gives_the_same_bytes(report: tuple[dict[str, Any], str], tmp_path: Path) -> None:
    """Every report and the comment."""
    heading = Heading("a", "b", "")
    again = reported(tmp_path)
    assert again == report
    assert comment(*again, heading) == comment(*report, heading)


# --- blessed baselines


def test_a_blessed_baseline_differs_in_what_changed_only(tmp_path: Path) -> None:
    """Times that another run measured keep their old values."""
    path = tmp_path / "nova.baseline"
    path.write_text(NEW.read_text())
    lines = NEW.read_text().replace(" ms", " s").replace("# boots: 5", "# boots: 3").splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if "SELECT flavors" in line)
    lines.insert(number + 1, "- sql: SELECT traits in nova_api #0123456789ab\n")
    diff = bless(path, "".join(lines), tmp_path / "baseline.diff")
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["+- sql: SELECT traits in nova_api #0123456789ab"]
    assert (tmp_path / "baseline.diff").read_text() == diff
    assert len(path.read_text().splitlines()) == len(NEW.read_text().splitlines()) + 1
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "--reverse", "baseline.diff"], cwd=tmp_path, check=True)
    assert path.read_text() == NEW.read_text()


def test_the_first_blessed_baseline_is_all_new(tmp_path: Path) -> None:
    bless(tmp_path / "new" / "nova.baseline", NEW.read_text(), tmp_path / "baseline.diff")
    assert (tmp_path / "new" / "nova.baseline").read_text() == NEW.read_text()
    assert retimed("", "a ~5 ms\n") == "a ~5 ms\n"


# --- base and head


class Recorder:
    """A stub for recordings: a release's boots are those of the committed baseline that its revision names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, baselines: dict[str, Path]) -> None:
        self.baselines = baselines
        self.options: list[str] = []
        monkeypatch.setattr(reviewing, "find", lambda path, choice, revision: replace(RELEASES["34"], name=revision))
        monkeypatch.setattr(comparison, "recorded", self.recorded)

    def recorded(self, side: Side, _plan: Plan, folder: Path) -> Recording:
        folder.mkdir(exist_ok=True)
        (folder / f"{side.name}.baseline").write_text(self.baselines[side.release.name].read_text())
        return Recording(side.release.name, folder / "trace", BOOTS)


def test_a_branch_is_compared_with_where_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes on the base branch since then are not of the branch; the commits between are named."""
    source = SourceCheckout(tmp_path / "src")
    fork = source.commit("Begin", {"nova/compute/api.py": API}, tag="34.0.0")
    source.git("switch", "-q", "-c", "topic")
    head = source.commit("Check limits", {"nova/compute/api.py": API.replace("pass", "return 1")})
    source.git("switch", "-q", "main")
    source.commit("Elsewhere", {"nova/b.py": ""})
    ids = [source.git("rev-parse", name).strip() for name in (fork, head)]
    recorder = Recorder(monkeypatch, dict(zip(ids, (OLD, NEW), strict=True)))
    assert recorder.baselines
    review = reviewing.Review(source.path, "main", "topic")
    assert reviewing.against_base(review, Plan(), Choice(), tmp_path / "out", []) == 1
    text = (tmp_path / "out" / "comment.md").read_text()
    assert f"`{ids[0][:12]}` → `{ids[1][:12]}`, 5 boots each" in text
    assert f"\n  - `{head} Check limits`\n" in text
    assert source.git("status", "--porcelain") == ""


def test_files_that_are_not_committed_are_reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences name them as a commit, and the checkout gets none."""
    source = SourceCheckout(tmp_path / "src")
    base = source.commit("Begin", {"nova/compute/api.py": API}, tag="34.0.0")
    (source.path / "nova" / "compute" / "api.py").write_text(API.replace("pass", "return 1"))
    full = source.git("rev-parse", base).strip()
    Recorder(monkeypatch, {full: OLD, "": NEW})
    assert (
        reviewing.against_base(reviewing.Review(source.path, "HEAD", ""), Plan(), Choice(), tmp_path / "out", []) == 1
    )
    text = (tmp_path / "out" / "comment.md").read_text()
    assert "→ `the files as they are`" in text
    assert "Changes that are not committed" in text
    assert source.git("log", "--format=%s") == "Begin\n"
    assert source.git("status", "--porcelain") == " M nova/compute/api.py\n"


def test_a_change_is_compared_with_a_baseline_and_blessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = SourceCheckout(tmp_path / "src")
    head = source.commit("Begin", {"nova/__init__.py": ""}, tag="34.0.0")
    Recorder(monkeypatch, {source.git("rev-parse", head).strip(): NEW})
    baseline, output = tmp_path / "nova.baseline", tmp_path / "out"

    def review(bless: bool = False) -> int:
        change = reviewing.Review(source.path, "", "")
        policy = [f"--policy={reviewing.POLICY}"]
        return reviewing.against_baseline(change, baseline, bless, Plan(), Choice(), output, policy)

    with pytest.raises(EmbeddedError, match=r"no .*nova\.baseline: --bless writes it"):
        review()
    baseline.write_text(OLD.read_text())
    assert review() == 1
    assert baseline.read_text() == OLD.read_text()
    assert review(bless=True) == 0
    assert (output / "baseline.diff").read_text().startswith("--- a/nova.baseline\n+++ b/nova.baseline\n")
    assert review() == 0
    assert (output / "comment.md").read_text().startswith("### Boot of a server: clean\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["review", ".", "-o", "out"], "pass --base or --baseline"),
        (["review", ".", "--base", "a", "--baseline", "b", "-o", "out"], "pass --base or --baseline"),
        (["review", ".", "--base", "a", "--bless", "-o", "out"], "--bless needs --baseline"),
        (["compare", "--old", "32", "-o", "out"], "pass --old and --new, or --old and --change"),
        (["compare", "--new", "32", "--change", "a==1..2", "-o", "out"], "pass --old and --new, or --old and --change"),
        (["compare", "32", "34", "-o", "out"], "--matrix takes two or more RELEASES"),
        (["compare", "--matrix", "32", "-o", "out"], "--matrix takes two or more RELEASES"),
        (["compare", "--matrix", "32", "34", "--old", "29", "-o", "out"], "--matrix takes two or more RELEASES"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments: list[str], message: str) -> None:
    outcome = CliRunner().invoke(command_line.main, arguments)
    assert (outcome.exit_code, message in " ".join(outcome.output.split())) == (2, True), outcome.output


def test_the_workflow_calls_the_script_with_valid_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a checkout with its history."""
    workflow = yaml.safe_load((ROOT / "examples" / "ci" / "github-review.yaml").read_text())
    steps = workflow["jobs"]["review"]["steps"]
    (command,) = (step["run"] for step in steps if "review-change" in step.get("run", ""))
    script, *arguments = shlex.split(command)
    assert os.access(ROOT / script.removeprefix("bootseq/"), os.X_OK)
    assert steps[0]["with"] == {"path": "nova", "fetch-depth": 0}
    reviews: list[tuple[Any, ...]] = []

    def record(*values: Any) -> int:
        reviews.append(values)
        return 0

    monkeypatch.setattr(reviewing, "against_base", record)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nova").mkdir()
    outcome = CliRunner().invoke(command_line.main, ["review", *arguments])
    assert outcome.exit_code == 0, outcome.output
    ((review, plan, choice, output, options),) = reviews
    assert (review, plan) == (reviewing.Review(tmp_path / "nova", "$BASE", "HEAD"), Plan())
    assert (choice, output, options) == (Choice(), Path("reports"), [f"--policy={reviewing.POLICY}"])


# --- the matrix


def test_the_matrix_compares_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that does not boot leaves its comparisons undecided, with the reason, and does not end the others."""
    pairs = []

    def compare(old: Side, new: Side, plan: Plan, folder: Path, options: object) -> int:
        pairs.append((old.name, new.name))
        if "31" in new.name:
            raise EmbeddedError("nova-api ended with code 1 | its output: x")
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(json.dumps({"counts": {"fail": 4, "warn": 2, "note": 1}}))
        return 1

    monkeypatch.setattr(comparison, "compare", compare)
    releases = [replace(RELEASES["34"], name=name) for name in ("30.3.0", "31.3.1", "32")]
    assert matrix.compare_neighbours(releases, Plan(), tmp_path) == 1
    assert pairs == [("nova-30.3.0", "nova-31.3.1"), ("nova-31.3.1", "nova-32")]
    assert (tmp_path / "matrix.md").read_text().splitlines()[2:] == [
        "| 30.3.0 | 31.3.1 | undecided |  |  |  | nova-api ended with code 1 \\| its output: x |",
        "| 31.3.1 | 32 | differs | 4 | 2 | 1 | [report](31.3.1-to-32/report.md) |",
    ]
    assert matrix.compare_neighbours(releases[:2], Plan(), tmp_path) == commands.CANNOT_TELL


def test_sides_have_different_names() -> None:
    release = RELEASES["34"]
    assert [side.name for side in sides(release, release)] == ["nova-34-old", "nova-34-new"]
    assert [side.name for side in sides(replace(release, name="34/x y"), release)] == ["nova-34-x-y", "nova-34"]


# --- recordings in the cache


def test_boots_of_equal_contents_are_recorded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other plans, other packages and --fresh boot again; failed boots are not stored."""
    monkeypatch.setenv("BOOTSEQ_CACHE", str(tmp_path / "cache"))
    booted: list[tuple[str, Plan]] = []
    boots = list(BOOTS)

    def boot(release: Release, plan: Plan, work: Path) -> list[Boot]:
        booted.append((release.name, plan))
        (work / "capture").mkdir()
        (work / "capture" / "segment").write_text(release.name)
        return boots

    monkeypatch.setattr(recordings, "_boot", boot)
    monkeypatch.setattr(commands, "run", lambda *_: None)

    def record(name: str, plan: Plan) -> Recording:
        return recordings.record(RELEASES[name], plan, tmp_path, "side")

    for _ in range(2):
        assert record("34", Plan()).boots == BOOTS
    assert booted == [("34", Plan())]
    record("32", Plan())
    record("34", Plan(boots=2))
    record("34", Plan(fresh=True))
    assert len(booted) == 4
    boots = [replace(BOOTS[0], state="error")]
    for _ in range(2):
        record("29", Plan())
    assert len(booted) == 6


def test_a_stored_capture_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "capture" / "deep").mkdir(parents=True)
    (tmp_path / "capture" / "deep" / "segment").write_bytes(b"\0\1")
    store.put(tmp_path / "entry", tmp_path / "capture", BOOTS)
    assert store.fetch(tmp_path / "entry", tmp_path / "again") == BOOTS
    assert (tmp_path / "again" / "deep" / "segment").read_bytes() == b"\0\1"
    assert store.fetch(tmp_path / "nothing", tmp_path / "again") == []
