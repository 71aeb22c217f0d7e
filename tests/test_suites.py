"""Upstream test suites under the hooks: the comparison, and the part of the suites that is closest to the hooks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suites import comparing, environments, judging, outcomes, table, writing
from tests.suites.outcomes import Run

ROOT = Path(__file__).parents[1]
LOOK = {"look": "function a:f (x)", "own": "(x)", "decorated": False}
STATE = {
    "descriptors": ["pipe:[N]"], "threads": ["MainThread"], "memory": 40, "attributes": {"a.f": LOOK},
    "hooks off": [], "kept": [], "left": [],
}  # fmt: skip


def run(outcomes_: dict[str, str], **state: object) -> Run:
    return Run(outcomes=outcomes_, state=STATE | state, exit="0")


class TestComparison:
    def test_tests_differ_by_outcome_and_by_absence(self) -> None:
        plain, hooked = run({"a": "ok", "b": "ok", "c": "skip"}), run({"a": "ok", "b": "fail KeyError", "d": "ok"})
        assert comparing.differing(plain, hooked) == {
            "b": ("ok", "fail KeyError"), "c": ("skip", "did not run"), "d": ("did not run", "ok"),
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("plain", "hooked", "verdict"),
        [
            (["ok", "ok", "ok"], ["fail", "fail", "fail"], "differs"),
            (["ok", "ok", "ok"], ["fail", "ok", "fail"], "differs"),
            (["ok", "ok", "ok"], ["fail", "ok", "ok"], "once"),
            (["ok", "fail", "ok"], ["fail", "fail", "fail"], "flaky"),
            (["ok"], ["fail"], "differs"),
        ],
    )
    def test_verdicts_follow_the_repetitions(self, plain: list[str], hooked: list[str], verdict: str) -> None:
        assert comparing.verdict(plain, hooked) == verdict

    def test_equal_states_do_not_differ(self) -> None:
        assert comparing.afterwards(run({}), run({}, memory=60)) == {}

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            ({"descriptors": []}, "descriptors"),
            ({"threads": ["MainThread", "MainThread"]}, "threads"),
            ({"memory": 100}, "memory"),
            ({"attributes": {"a.f": LOOK | {"own": "(*args)"}}}, "attributes"),
            ({"hooks off": ["sql: 5 failures"]}, "hooks off"),
            ({"kept": ["a.f"]}, "kept"),
            ({"left": ["a.f"]}, "left"),
        ],
    )
    def test_every_kind_of_leftover_is_reported(self, state: dict[str, object], kind: str) -> None:
        assert list(comparing.afterwards(run({}), run({}, **state))) == [kind]

    def test_random_differences_count_only_if_repeated(self) -> None:
        first = {"descriptors": ["+1 pipe:[N]", "-1 a"], "memory": ["40 plain"], "left": ["a.f"], "threads": ["+1 T"]}
        second = {"descriptors": ["+1 pipe:[N]"], "memory": ["41 plain"]}
        steady = {"descriptors": ["+1 pipe:[N]"], "memory": ["40 plain"], "left": ["a.f"]}
        assert comparing.steady(first, second) == steady
        assert comparing.steady(first, {}) == {"left": ["a.f"]}

    def test_process_without_a_report_is_a_difference(self) -> None:
        assert list(comparing.afterwards(run({}), Run(exit="-11"))) == ["process"]

    def test_suite_that_ran_no_test_is_not_the_same(self) -> None:
        assert not judging.Result("empty", "slice", 0, 0).is_same


class TestReport:
    def test_outcomes_warnings_and_state_are_read(self, tmp_path: Path) -> None:
        lines = [
            {"test": "a", "outcome": "ok", "text": ""}, {"test": "a", "outcome": "skip", "text": ""},
            {"warning": "UserWarning a.py:1"}, {"state": STATE},
        ]  # fmt: skip
        (tmp_path / "report").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (tmp_path / "output").write_text(
            f"{tmp_path}/b.py:7: DeprecationWarning: old\n{tmp_path}/c.py:9: ResourceWarning: open\n"
            "bootseq: process 1 runs without hooks\n"
        )
        read = outcomes.read(tmp_path / "report", tmp_path / "output", [tmp_path])
        assert read.outcomes == {"a": "ok, skip"}
        assert read.warnings == {"UserWarning a.py:1", "DeprecationWarning b.py:7", "ResourceWarning"}
        assert read.output == ["bootseq: process 1 runs without hooks"]
        assert read.state == STATE


class TestTable:
    def test_versions_of_archives_are_those_of_the_environments(self) -> None:
        for suite in table.SUITES:
            if suite.sdist:
                requirement = environments.requirements()[suite.sdist].split()[0]
                assert requirement in (environments.LOCKS / f"{suite.environment}.txt").read_text().split()

    def test_suites_are_selected_by_name_and_unknown_names_are_refused(self) -> None:
        assert [suite.name for suite in table.find(["futurist"])] == ["futurist"]
        assert table.find([]) == list(table.SUITES)
        with pytest.raises(table.SuitesError, match="no suite futurists: there are python-threading, "):
            table.find(["futurists"])

    @pytest.mark.parametrize(
        ("driver", "test", "group"),
        [
            ("pytest", "test/a.py::Class::test[x::y]", "test/a.py::Class"),
            ("pytest", "test/a.py", "test/a.py"),
            ("unittest", "pack.mod.Class.test(scenario.1)", "pack.mod.Class"),
            ("unittest", "setUpClass (pack.mod.Class)", "pack.mod.Class"),
            ("unittest", "unittest.loader._FailedTest.mod", "pack.mod"),
        ],
    )
    def test_the_unit_of_repetition_is_the_class(self, driver: str, test: str, group: str) -> None:
        assert judging.group(table.Suite("s", driver, ("pack.mod",)), ("pack.mod",), test) == group


class TestWriting:
    def test_the_table_has_a_line_for_every_suite_and_the_differences(self) -> None:
        result = judging.Result("futurist", "slice", 3, 2, [judging.Difference("a.T.b", ["ok"], ["fail"], "text")])
        result.afterwards = {"threads": ["+1 Thread-N"]}
        text = writing.as_text([result])
        assert "futurist  slice   3      2   2     1 " in text
        assert "futurist: differs: a.T.b: plain ['ok'], hooked ['fail']\n" in text
        assert "futurist: threads: +1 Thread-N\n" in text
        assert json.loads(writing.as_json([result]))[0]["differences"][0]["test"] == "a.T.b"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_slices_run_the_same_under_the_hooks(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.suites", "--slice", "--keep", str(tmp_path / "kept")]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
