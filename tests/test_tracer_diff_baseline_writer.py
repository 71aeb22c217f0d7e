"""Baselines as text: their notation, and reading them back without loss."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import small_boot
from tests.support.examples import examples
from tracer.diff.baseline.addresses import addressed
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.reader import read
from tracer.diff.baseline.writer import written
from tracer.model import NOTES, NUMBERED, Baseline, NormalStep
from tracer.notation import marks

API, CREATE = "nova/compute/api.py", "compute/api.py.API -> create()"


def tree(*nodes: NormalStep) -> Baseline:
    return Baseline(list(nodes))


def steps(baseline: Baseline) -> list[str]:
    """Return the lines below the header."""
    return written(baseline).partition("\n\n")[2].splitlines()


def as_read_back(baseline: Baseline) -> Baseline:
    """Return the baseline with the addresses of the text, and times rounded to three digits or left out."""
    result = addressed(baseline)
    for node in result.walk():
        node.durations = marks.rounded(node.durations)
    return result


def test_the_header_is_written() -> None:
    """First format and version, then the common fields of the boots."""
    baseline = Baseline(
        [], boots=10, outcomes=("active", "error"), versions={"nova": "34.0.0", "sqlalchemy": "2.1"},
        log_lines={"compute": (61, 62), "API": (3, 3)},
    )  # fmt: skip
    assert written(baseline).splitlines()[:6] == [
        "# bootseq baseline 2",
        "# boots: 10",
        "# outcome: active",
        "# outcome: error",
        "# versions: nova 34.0.0, sqlalchemy 2.1",
        "# log lines: compute 61–62, API 3",
    ]


def test_a_step_is_written_with_all_its_marks() -> None:
    """Service, text, counts, order, times and position, in that order."""
    inside = NormalStep("sql", "API", "sql: SELECT flavors", 2, 2, where=f"{API}:12")
    times = (4_123_456, 5_000_000, 9_000_000)
    node = NormalStep(
        "call", "API", CREATE, 0, 3, unordered=True, durations=times, where=f"{API}:12", children=[inside]
    )
    assert steps(tree(node)) == [
        f"1. [API] {CREATE} ×0–3 (any order) ~4.12–5–9 ms @12",
        "- sql: SELECT flavors ×2",
    ]


def test_times_are_written_from_a_millisecond_on() -> None:
    """From a second on in seconds; equal times once."""
    marks_ = [marks.took((low, middle, high)) for low, middle, high in [
        (1, 999_999, 10**9), (1_000_000,) * 3, (999, 999_600_000, 2 * 10**9), (12, 10**10, 10**11),
    ]]  # fmt: skip
    assert marks_ == ["", " ~1 ms", " ~0.000000999–1–2 s", " ~0.000000012–10–100 s"]


def test_positions_are_written_where_they_change() -> None:
    """A line number in the same file, a path in another, nothing for the same position."""
    node = NormalStep("call", "API", CREATE, where=f"{API}:7", children=[
        NormalStep("sql", "API", "sql: SELECT a", where=f"{API}:7"),
        NormalStep("sql", "API", "sql: SELECT b", where=f"{API}:9"),
        NormalStep("sql", "API", "sql: SELECT c", where="nova/utils.py:1"),
        NormalStep("sql", "API", "sql: SELECT d"),
    ])  # fmt: skip
    places = [line.partition("@")[2] for line in steps(tree(node))]
    assert places == ["7", "", "9", "nova/utils.py:1", "?"]


def test_notes_keep_their_order_among_steps() -> None:
    """A note after a numbered step has an address; the notes after it need none."""
    kinds = ["sql: SELECT a", CREATE, "sql: SELECT b", "sql: SELECT c"]
    inside = [NormalStep("call" if text == CREATE else "sql", "API", text) for text in kinds]
    assert steps(tree(NormalStep("http", "API", "GET /", children=inside))) == [
        "1. [API] GET /",
        "- sql: SELECT a",
        f"1-1. {CREATE}",
        "1/2. sql: SELECT b",
        "- sql: SELECT c",
    ]


def test_a_cast_and_its_chapter_refer_to_each_other() -> None:
    """The addresses are those of the trace."""
    lines = steps(normal(small_boot()))
    assert "1-1-1-1-5-1. rpc.cast() to conductor: schedule_and_build_instances → 2" in lines
    head = next(line for line in lines if line.startswith("2. "))
    assert head.startswith("2. [conductor] schedule_and_build_instances by conductor/manager.py.ComputeTaskManager ")
    assert head.endswith(" ← 1-1-1-1-5-1")


def test_duplicate_addresses_are_renumbered() -> None:
    """Boots number their steps differently, so two steps of a learned baseline may have one address."""
    inside = [
        NormalStep("call", "API", "a.py -> b()", address="1-2"),
        NormalStep("call", "API", "a.py -> c()", address="1-2"),
    ]
    assert steps(tree(NormalStep("http", "API", "GET /", address="1", children=inside)))[1:] == [
        "1-1. a.py -> b()",
        "1-2. a.py -> c()",
    ]


texts = st.one_of(
    st.text(st.characters(codec=None), min_size=1, max_size=12),
    st.sampled_from([
        CREATE, "GET / → image: 200", "sql: SELECT a #12", "log: ERROR nova.x f", "instances: vm_state a", "$ a @12",
        "a ×2", "b → 3", "c ← 1-1", "d (any order)", "e ~1 ms", "f @x:1", "[x] y", "{ask} z", "{id} y",
        "# x", "- y", "1-1. z", "g … unfinished", "h (1.2 ms)", " ×2", "a ×2 → 3", "\\x20",
        "rpc.cast() to compute: x", "a\n1. b", "× ×2",
    ]),
)  # fmt: skip
wheres = st.one_of(
    st.just(""), st.sampled_from([f"{API}:1", f"{API}:2", "12", "?", "a b:3", "nova/x.py:٣"]), st.text(max_size=6)
)
times = st.one_of(st.just(()), st.tuples(*[st.integers(0, 10**13)] * 3).map(lambda took: tuple(sorted(took))))
counts = st.tuples(st.integers(0, 3), st.integers(1, 5)).filter(lambda pair: pair[0] <= pair[1])


def _node(kind: str, service: str, text: str, often: tuple[int, int], *rest: Any) -> NormalStep:
    return NormalStep(kind, service, text, *often, *rest)


details = st.dictionaries(
    st.sampled_from(["topic", "…", "a;b", "⟨", "x y"]),
    st.text(max_size=9).map(lambda text: " ".join(text.split())),
    max_size=3,
)
nodes = st.builds(
    _node, st.sampled_from(sorted(NUMBERED | NOTES)), st.sampled_from(["API", "compute", "", "a] b", "x\n"]), texts,
    counts, st.booleans(), times, wheres, st.just(""), details,
)  # fmt: skip


def _tree(drawn: list[tuple[NormalStep, int]]) -> list[NormalStep]:
    """Put every node below the node that many positions before it, or at the top."""
    tops: list[NormalStep] = []
    for position, (node, back) in enumerate(drawn):
        (drawn[position - back][0].children if 0 < back <= position else tops).append(node)
    return tops


baselines = st.builds(
    Baseline, st.lists(st.tuples(nodes, st.integers(0, 4)), max_size=12).map(_tree), st.just("a name"),
    st.integers(1, 20),
    st.lists(st.text(max_size=9).map(lambda text: text.strip()), max_size=2).map(tuple),
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=2),
    st.dictionaries(st.text(min_size=1, max_size=5), counts, max_size=2),
)  # fmt: skip


@given(baselines)
@settings(max_examples=examples(150))
def test_any_baseline_is_read_back(baseline: Baseline) -> None:
    """Writing the result again yields the same text."""
    text = written(baseline)
    again = read(text, "a name")
    assert asdict(again) == asdict(as_read_back(baseline))
    assert written(again) == text


def test_a_real_tree_is_read_back() -> None:
    """Writing does not change the baseline."""
    baseline = normal(small_boot(), "small")
    before = asdict(baseline)
    assert asdict(read(written(baseline), "small")) == asdict(as_read_back(baseline))
    assert asdict(baseline) == before


def test_a_deep_tree_is_read_back() -> None:
    top = node = NormalStep("call", "API", CREATE)
    for _ in range(3000):
        node.children = [NormalStep("call", "API", CREATE)]
        node = node.children[0]
    assert len(list(read(written(tree(top)), "deep").walk())) == 3001
