"""What became of an instance: each change once, from what to what, and the boot's name, uuid, host and outcome."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import step
from tracer.correlation import statements, states
from tracer.model import Request, Step

UUID = "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"
OTHER = "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a12"
_times = count(1)


def at_once(made: Step) -> Step:
    """The step, later than all that were built before."""
    made.start = made.end = next(_times)
    return made


def state(uuid: str = UUID, **changes: Any) -> Step:
    """A state as the hook on Instance.save records it: new values only."""
    return at_once(step("state", "compute", name="instances", table="instances", instance=uuid, changes=changes))


def update(uuid: str = UUID, **changes: Any) -> Step:
    """The statement that says the same."""
    columns = ", ".join(f"{name}=?" for name in changes)
    statement = f"UPDATE instances SET {columns} WHERE uuid = ?"
    made = at_once(step("sql", "conductor", statement=statement, parameters=[*changes.values(), uuid]))
    statements.describe(made)
    return made


def called(*children: Step, **fields: Any) -> Step:
    """A call around them."""
    made = step("call", "compute", *children, **fields)
    made.start, made.end = children[0].start if children else next(_times), next(_times)
    return made


def told(*chapters: Step) -> list[tuple[str, Any]]:
    """The changes that are left, with the parents' names."""
    states.derive(list(chapters))
    return [
        (parent.name, child.attributes["changes"])
        for chapter in chapters
        for parent in chapter.walk()
        for child in parent.children
        if child.kind == "state"
    ]


def test_changes_say_from_what_to_what() -> None:
    """The first value of all comes from None; what stays the same is not told."""
    head = called(
        state(vm_state="building", task_state="scheduling", host=None),
        state(vm_state="building", task_state=None),
        state(vm_state="building", task_state=None, host="cmp1"),
        state(task_state="spawning"),
        name="f",
    )
    assert told(head) == [
        ("f", {"vm_state": [None, "building"], "task_state": [None, "scheduling"]}),
        ("f", {"task_state": ["scheduling", None]}),
        ("f", {"host": [None, "cmp1"]}),
        ("f", {"task_state": [None, "spawning"]}),
    ]


def test_a_change_that_is_seen_three_times_is_told_once() -> None:
    """By the service that saves, by the conductor that does it for it, in the statement: where it was seen first."""
    saving = state(vm_state="active")
    doing, written = state(vm_state="active"), update(vm_state="active")
    head = called(saving, called(doing, written, name="conductor"), name="compute")
    assert told(head) == [("compute", {"vm_state": [None, "active"]})]
    assert written in head.children[1].children


def test_a_statement_alone_tells_it_too() -> None:
    """Right after the statement, with its time, place and ids; in the order of time, not of chapters."""
    later, earlier = called(name="later"), called(update(task_state="scheduling"), name="earlier")
    later.children = [update(task_state=None)]
    assert told(later, earlier) == [
        ("later", {"task_state": ["scheduling", None]}), ("earlier", {"task_state": [None, "scheduling"]}),
    ]  # fmt: skip
    statement, derived = earlier.children
    assert (derived.start, derived.end, derived.tied_by) == (statement.start, statement.end, statement.tied_by)
    assert derived.id not in (statement.id, later.children[1].id)


def test_instances_change_apart() -> None:
    """Two of one request: each from its own last value."""
    head = called(
        state(vm_state="building"), state(OTHER, vm_state="building"), state(OTHER, vm_state="active"), name="f"
    )
    assert [changes for _, changes in told(head)] == [
        {"vm_state": [None, "building"]}, {"vm_state": [None, "building"]}, {"vm_state": ["building", "active"]},
    ]  # fmt: skip


@given(st.lists(st.sampled_from([None, "building", "active", "error"]), max_size=12))
def test_changes_lead_from_each_value_to_the_next(values: list[str | None]) -> None:
    """Whatever is saved in turn: each change begins where the last ended, and none changes nothing."""
    head = called(*(state(vm_state=value) for value in values), name="f")
    changes = [found["vm_state"] for _, found in told(head)]
    assert all(old != new for old, new in changes)
    assert [old for old, _ in changes] == [None, *(new for _, new in changes)][: len(changes)]
    expected = [new for old, new in zip([None, *values], values, strict=False) if old != new]
    assert [new for _, new in changes] == expected


def became(*children: Step, seed: dict[str, Any] | None = None) -> Request:
    """Return the boot of one request with these steps, its instance described."""
    request = called(*children, **(seed or {}))
    request.kind = "http"
    states.derive([request])
    boot = Request(1, "boot", [request])
    states.describe_instance(boot, request)
    return boot


def notified(name: str, **said: Any) -> Step:
    """A notification."""
    return at_once(step("rpc", "compute", name=name, mode="notify", side="client", **said))


def failed(error: str) -> Step:
    """A call that raised, over by now."""
    return called(at_once(step("call", "compute", error=error)), error=error)


def test_outcomes() -> None:
    """By the last state; a notification tells it where no state was seen."""
    building, active, error = (state(vm_state=value) for value in ("building", "active", "error"))
    assert became().outcome == "unfinished"
    assert became(building).outcome == "unfinished"
    assert became(building, active).outcome == "active"
    assert became(building, error).outcome == "error"
    assert became(notified("instance.create.end", instance=UUID)).outcome == "active"
    assert became(notified("instance.create.error", instance=UUID)).outcome == "error"
    assert became(notified("instance.delete.end", instance=UUID)).outcome == "unfinished"


def test_name_uuid_and_host() -> None:
    """The name as it was asked for, else as it was told; the hosts where the instances came to be."""
    asked = {"body": {"server": {"name": "vm1"}}}
    boot = became(state(host="cmp1"), state(host="cmp2"), notified("x", display_name="other"), seed=asked)
    assert (boot.server, boot.uuid, boot.host) == ("vm1", UUID, "cmp2")
    boot = became(state(host="cmp1"), state(OTHER, host="cmp2"), notified("x", display_name="other"))
    assert (boot.server, boot.uuid, boot.host) == ("other", UUID, "cmp1, cmp2")
    strange: list[dict[str, Any]] = [{}, {"body": "x"}, {"body": {"server": []}}, {"body": {"server": {"name": 5}}}]
    assert [became(seed=attributes).server for attributes in strange] == ["", "", "", "5"]


def test_why_it_failed() -> None:
    """What rose last before the instance was given up, one line of it."""
    mended = called(failed("NotFound: no"), name="caught")
    reason = called(failed("NoValidHost_Remote: No host\nTraceback: x\x1b[31m"))
    given_up = state(vm_state="error")
    cleaning = called(failed("Late: clean-up"))
    assert became(mended, reason, given_up, cleaning).outcome == "error: NoValidHost: No host"
    assert became(state(vm_state="error"), called(failed("Only: this"))).outcome == "error: Only: this"
    assert became(called(failed("E: " + "x" * 500)), state(vm_state="error")).outcome == "error: E: " + "x" * 189 + "…"


def test_what_the_api_answered() -> None:
    """An answer of 400 and up is the outcome, with what was raised for it."""
    assert became(seed={"status": 403}).outcome == "error: HTTP 403"
    assert became(failed("QuotaError: x"), seed={"status": 403}).outcome == "error: HTTP 403, QuotaError: x"
    assert became(state(vm_state="active"), seed={"status": 202}).outcome == "active"
    assert became(seed={"status": "999"}).outcome == "unfinished"
    assert became(seed={"error": "ConnectionError: refused"}).outcome == "error: ConnectionError: refused"


STRANGE = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none() | st.text(max_size=2), max_size=2)


@given(st.lists(STRANGE | st.dictionaries(st.sampled_from(["vm_state", "host", "x"]), STRANGE), max_size=5), STRANGE)
def test_crafted_states_cost_nothing_else(changes: list[Any], uuid: Any) -> None:
    """Whatever stands where changes and uuids should."""
    children = [at_once(step("state", "compute", changes=each, instance=uuid)) for each in changes]
    assert became(*children).outcome


def test_a_state_stands_at_the_step_that_writes_it() -> None:
    """A save tells its states first and is made of calls: the note belongs to the call, not to what comes before it."""
    told = state(task_state="spawning")
    served = step("rpc", "conductor", name="Instance.save", side="server")
    asks, saves = step("rpc", "compute", name="Service.save"), step("rpc", "compute", served, name="Instance.save")
    build = called(told, asks, saves)
    states.derive([build])
    assert [child.name for child in build.children] == ["Service.save", "Instance.save"]
    assert saves.children == [told, served]
