"""Outlines checked against a boot: every difference is reported with its class, and no other change."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from diagrams.outline import outline as drawn
from tests.support.builders import boot, call, cast, http, rpc, served, small_boot, sql, state
from tracer import trace_file
from tracer.cli import main
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.writer import written
from tracer.diff.outline import check as outline_check
from tracer.diff.outline import outline
from tracer.model import Baseline, Comparison, NormalStep, Request, Step

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def nova34(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """Return the real boot of the committed capture."""
    folder = tmp_path_factory.mktemp("nova34")
    with tarfile.open(DATA / "nova34-boot.tar.gz") as archive:
        archive.extractall(folder / "cap", filter="data")
    done = CliRunner().invoke(main, ["ingest", "-o", str(folder / "boot.jsonl.gz"), str(folder / "cap")])
    assert done.exit_code == 0
    return trace_file.read(folder / "boot.jsonl.gz").boots[0]


def check(text: str, happened: Request | Baseline) -> Comparison:
    baseline = normal(happened) if isinstance(happened, Request) else happened
    return outline_check.check(outline.read(text, "x"), baseline)


def changes_of(text: str, *chapters: Step) -> list[tuple[str, str, str]]:
    return [(change.class_, change.old, change.new) for change in check(text, boot(*chapters)).changes]


def create(*inside: Step) -> Step:
    return call("API", "nova.compute.api:API.create", *inside)


def own(function: str, *inside: Step) -> Step:
    return call("API", f"nova.compute.api:API.{function}", *inside)


def test_eight_mistakes_of_a_real_outline(nova34: Request) -> None:
    """Three omissions, two false steps, one wrong order, two conditions that were not met."""
    comparison = check((DATA / "nova34-boot.outline").read_text(), nova34)
    assert [(change.class_, change.old, change.new, change.severity) for change in comparison.changes] == [
        ("missing", "1-1-1-1-4-1-4-3", "", "fail"),
        ("unwritten", "", "1-1-1-1-4-1-8-3", "fail"),
        ("reordered", "2-2", "2-3", "fail"),
        ("unwritten", "", "2-12", "fail"),
        ("unwritten", "", "3-1-1-3-5-3-1", "fail"),
        ("unmet", "3-1-1-3-10-1", "", "note"),
        ("unmet", "3-1-1-3-12-1", "", "note"),
        ("missing", "3-1-1-3-13-2", "", "fail"),
    ]
    assert comparison.verdict == "differs"
    texts = {change.new or change.old: change.text for change in comparison.changes}
    assert texts["2-12"] == (
        "conductor/manager.py.ComputeTaskManager -> _create_and_bind_arq_for_instance() happens, and is not written"
    )
    assert texts["3-1-1-3-10-1"] == (
        "volume/cinder.py.API -> attachment_update() is written, under “if: the server boots from a volume”, "
        "and does not happen"
    )
    assert texts["2-3"].endswith(
        "is written before 2-3 objects/host_mapping.py.HostMapping -> get_by_host(), and happens after it"
    )
    assert {change.new: change.below for change in comparison.changes}["2-12"] == 2


@pytest.mark.parametrize("detail", ["brief", "calls", "full"])
def test_the_output_of_show_is_a_true_outline(nova34: Request, detail: str) -> None:
    """At any detail."""
    for happened in (nova34, small_boot()):
        comparison = check(drawn.outline(happened, detail), happened)
        assert (comparison.changes, comparison.verdict) == ([], "same")


def test_a_baseline_without_its_header_is_a_true_outline(nova34: Request) -> None:
    """With its statements."""
    assert check(written(normal(nova34)).partition("\n\n")[2], nova34).changes == []


def test_a_removed_line_is_one_omission() -> None:
    """For every line, of a leaf or of an inner step: exactly this step is unwritten."""
    happened = small_boot()
    lines = [line for line in drawn.outline(happened).splitlines() if line[:1].isdigit()]
    for index, line in enumerate(lines):
        changes = check("\n".join(lines[:index] + lines[index + 1 :]), happened).changes
        address = line.partition(". ")[0].partition("…")[0]
        assert [(change.class_, change.new) for change in changes] == [("unwritten", address)]


def test_an_added_line_is_one_false_step() -> None:
    """At every position."""
    happened = small_boot()
    lines = [line for line in drawn.outline(happened).splitlines() if line[:1].isdigit()]
    for index, line in enumerate(lines, 1):
        address = line.partition(". ")[0].partition("…")[0]
        more = [*lines[:index], f"{address}-0. self._never()", *lines[index:]]
        changes = check("\n".join(more), happened).changes
        assert [(change.class_, change.old) for change in changes] == [("missing", f"{address}-0")]


def test_an_outline_may_be_coarse() -> None:
    """A written step may happen at a deeper level; the unwritten step around it is reported once."""
    inside = own("_a", own("_b", http("API", "image", "GET", "/v2/images/1")), own("_c"))
    assert changes_of("1. compute/api.py -> create()\n1-1. GET /v2/images/{id}\n", create(inside)) == [
        ("unwritten", "", "1-1")
    ]


def test_a_false_step_around_true_steps_is_one_change() -> None:
    text = "1. compute/api.py.API -> create()\n1-1. self._wrapper()\n1-1-1. self._a()\n"
    assert changes_of(text, create(own("_a"))) == [("missing", "1-1", "")]


def test_a_step_under_a_condition_may_be_missing() -> None:
    """A boot's step is matched first with a line that has no condition."""
    text = "1. compute/api.py.API -> create()\n1-1. self._a()\n- if: x\n1-2. self._a()\n"
    assert changes_of(text, create(own("_a"), own("_b"), own("_a")))[-1] == ("unwritten", "", "1-2")
    assert changes_of(text, create(own("_a"))) == [("unmet", "1-1", "")]
    assert check(text, boot(create(own("_a")))).verdict == "same"


def test_self_is_the_class_of_the_enclosing_step() -> None:
    """``self.x()`` is x of that class and of no other."""
    other = call("API", "nova.compute.utils:Other._a")
    text = "1. nova/compute/api.py.API -> create()\n1-1. self._a()\n"
    assert changes_of(text, create(own("_a"))) == []
    assert changes_of(text, create(other)) == [("missing", "1-1", ""), ("unwritten", "", "1-1")]


def test_an_attribute_of_self_names_a_module() -> None:
    """``self.db.x()`` and ``db.x()`` are x of something named db."""
    done = create(call("API", "nova.db.main.api:instance_get"))
    assert changes_of("1. compute/api.py.API -> create()\n1-1. self.db.instance_get()\n", done) == []
    assert changes_of("1. compute/api.py.API -> create()\n1-1. db.instance_get()\n", done) == []
    assert changes_of("1. compute/api.py.API -> create()\n1-1. self.network_api.instance_get()\n", done) != []


def test_a_message_may_be_named_by_a_note() -> None:
    """``rpc.cast()`` with a note that names the method; the next chapter is the receiver."""
    text = "1. compute/api.py -> create()\n1-1. rpc.cast()\n- to compute: build\n2. compute/manager.py -> build()\n"
    chapters = (
        create(cast("API", "compute", "build", 2)),
        served("compute", "build", endpoint="nova.compute.manager:Manager.build"),
    )
    assert changes_of(text, *chapters) == []
    assert changes_of(text.replace("to compute: build", "to compute: rebuild"), *chapters) == [
        ("missing", "1-1", ""), ("unwritten", "", "1-1"),
    ]  # fmt: skip


def test_a_wrong_property_of_a_step_is_reported() -> None:
    """Mode, state, service, status and count."""
    message = rpc("API", "conductor", "Instance.save", state("conductor", task_state=(None, "spawning")))
    text = (
        "1. compute/api.py -> create()\n1-1. rpc.cast() to conductor: Instance.save\n- instances: task_state None → a\n"
    )
    assert changes_of(f"{text}1-1-1. [compute] Instance.save\n", create(message)) == [
        ("mode", "1-1", "1-1"), ("state", "1-1", "1-1"), ("service", "1-1-1", "1-1-1"),
    ]  # fmt: skip
    assert changes_of("1. compute/api.py -> create()\n1-1. PUT /a → image: 200\n1-1-1. PUT /a: 200\n",
                 create(http("API", "image", "PUT", "/a", status=204))) == [
        ("status", "1-1", "1-1"), ("status", "1-1-1", "1-1-1"),
    ]  # fmt: skip
    assert changes_of("1. compute/api.py -> create()\n1-1. self._a() ×3\n", create(own("_a"), own("_a"))) == [
        ("repeated", "1-1", "1-1")
    ]
    assert changes_of("1. compute/api.py -> create()\n1-1. self._a() ×1–2\n", create(own("_a"), own("_a"))) == []
    assert changes_of("1. compute/api.py -> create()\n1-1. self._a()\n", create(own("_a"), own("_a"))) == [
        ("unwritten", "1-1", "1-1")
    ]


def test_a_step_in_the_wrong_parent_has_moved() -> None:
    text = "1. compute/api.py.API -> create()\n1-1. self._a()\n1-2. self._b()\n"
    assert changes_of(text, create(own("_a", own("_b")))) == [("moved", "1-2", "1-1-1")]


def test_statements_are_checked_only_if_the_outline_contains_any() -> None:
    """An outline of calls omits no statements; one with a statement must contain all."""
    done = create(own("_a"), sql("API", "SELECT", "instances"))
    assert changes_of("1. compute/api.py -> create()\n1-1. self._a()\n", done) == []
    assert changes_of("1. compute/api.py -> create()\n- sql: SELECT flavors\n1-1. self._a()\n", done) == [
        ("missing", "1", ""), ("unwritten", "", "1/1"),
    ]  # fmt: skip


def test_pairs_contain_all_steps_of_both_sides() -> None:
    """Steps of only one side too; a false step follows the line before it."""
    comparison = check("1. compute/api.py -> create()\n1-1. self._never()\n", boot(create(own("_a"))))
    (top,) = comparison.pairs
    sides = [(pair.old.text if pair.old else "", pair.new.address if pair.new else "") for pair in top.walk()]
    assert sides == [("compute/api.py -> create()", "1"), ("self._never()", ""), ("", "1-1")]
    assert [len(pair.changes) for pair in top.walk()] == [0, 1, 1]


@pytest.mark.slow
def test_a_deep_and_wide_tree_is_checked() -> None:
    top = node = NormalStep("call", "API", "compute/api.py.API -> f()", address="1")
    for depth in range(1500):
        node.children = [NormalStep("call", "API", f"compute/api.py.API -> f{depth}()", address=f"{node.address}-1")]
        node = node.children[0]
    node.children = [
        NormalStep("call", "API", f"a.py -> g{index % 7}()", address=f"{node.address}-{index}")
        for index in range(1, 1500)
    ]
    baseline = Baseline([top])
    text = written(baseline).partition("\n\n")[2]
    assert check(text, baseline).changes == []
    assert len(check(text.replace("g3", "never"), baseline).changes) == 2 * len(range(3, 1500, 7))
