"""Instance states: every change once, with old and new value, and the boot's name, uuid, host and outcome."""

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


def timed(step_: Step) -> Step:
    """Set the step's time later than all earlier steps'."""
    step_.start = step_.end = next(_times)
    return step_


def state(uuid: str = UUID, **changes: Any) -> Step:
    """Return a state as the hook on Instance.save records it, with new values only."""
    return timed(step("state", "compute", name="instances", table="instances", instance=uuid, changes=changes))


def update(uuid: str = UUID, **changes: Any) -> Step:
    """Return the statement that sets the same values."""
    columns = ", ".join(f"{name}=?" for name in changes)
    statement = f"UPDATE instances SET {columns} WHERE uuid = ?"
    step_ = timed(step("sql", "conductor", statement=statement, parameters=[*changes.values(), uuid]))
    statements.describe(step_)
    return step_


def call(*children: Step, **fields: Any) -> Step:
    """Return a call around these steps."""
    step_ = step("call", "compute", *children, **fields)
    step_.start, step_.end = children[0].start if children else next(_times), next(_times)
    return step_


def changes_in(*chapters: Step) -> list[tuple[str, Any]]:
    """Derive the states, and return (name of the parent, changes) of those that remain."""
    states.derive(list(chapters))
    return [
        (parent.name, child.attributes["changes"])
        for chapter in chapters
        for parent in chapter.walk()
        for child in parent.children
        if child.kind == "state"
    ]


def test_a_change_has_the_old_and_the_new_value() -> None:
    """The first old value is None; unchanged values are left out."""
    head = call(
        state(vm_state="building", task_state="scheduling", host=None),
        state(vm_state="building", task_state=None),
        state(vm_state="building", task_state=None, host="cmp1"),
        state(task_state="spawning"),
        name="f",
    )
    assert changes_in(head) == [
        ("f", {"vm_state": [None, "building"], "task_state": [None, "scheduling"]}),
        ("f", {"task_state": ["scheduling", None]}),
        ("f", {"host": [None, "cmp1"]}),
        ("f", {"task_state": [None, "spawning"]}),
    ]


def test_a_change_with_three_witnesses_is_reported_once() -> None:
    """The saving service, the conductor that saves for it, and the statement: at the first of them."""
    saving = state(vm_state="active")
    doing, written = state(vm_state="active"), update(vm_state="active")
    head = call(saving, call(doing, written, name="conductor"), name="compute")
    assert changes_in(head) == [("compute", {"vm_state": [None, "active"]})]
    assert written in head.children[1].children


def test_a_state_is_derived_from_a_statement_alone() -> None:
    """Right after the statement, with its time and link; in order of time and not of chapters."""
    later, earlier = call(name="later"), call(update(task_state="scheduling"), name="earlier")
    later.children = [update(task_state=None)]
    assert changes_in(later, earlier) == [
        ("later", {"task_state": ["scheduling", None]}), ("earlier", {"task_state": [None, "scheduling"]}),
    ]  # fmt: skip
    statement, derived = earlier.children
    assert (derived.start, derived.end, derived.tied_by) == (statement.start, statement.end, statement.tied_by)
    assert derived.id not in (statement.id, later.children[1].id)


def test_changes_of_two_instances_are_separate() -> None:
    """Both instances of one request have their own old values."""
    head = call(
        state(vm_state="building"), state(OTHER, vm_state="building"), state(OTHER, vm_state="active"), name="f"
    )
    assert [changes for _, changes in changes_in(head)] == [
        {"vm_state": [None, "building"]}, {"vm_state": [None, "building"]}, {"vm_state": ["building", "active"]},
    ]  # fmt: skip


@given(st.lists(st.sampled_from([None, "building", "active", "error"]), max_size=12))
def test_every_change_begins_with_the_last_value(values: list[str | None]) -> None:
    """For any sequence of saved values; none is a change to the same value."""
    head = call(*(state(vm_state=value) for value in values), name="f")
    changes = [change["vm_state"] for _, change in changes_in(head)]
    assert all(old != new for old, new in changes)
    assert [old for old, _ in changes] == [None, *(new for _, new in changes)][: len(changes)]
    expected = [new for old, new in zip([None, *values], values, strict=False) if old != new]
    assert [new for _, new in changes] == expected


def boot_of(*children: Step, seed: dict[str, Any] | None = None) -> Request:
    """Return the boot of one request with these steps, its instance described."""
    request = call(*children, **(seed or {}))
    request.kind = "http"
    states.derive([request])
    boot = Request(1, "boot", [request])
    states.describe_instance(boot, request)
    return boot


def notification(name: str, **attributes: Any) -> Step:
    """Return a notification."""
    return timed(step("rpc", "compute", name=name, mode="notify", side="client", **attributes))


def failing_call(error: str) -> Step:
    """Return an ended call that raised."""
    return call(timed(step("call", "compute", error=error)), error=error)


def test_the_outcome_follows_the_last_state() -> None:
    """A notification decides where there is no state."""
    building, active, error = (state(vm_state=value) for value in ("building", "active", "error"))
    assert boot_of().outcome == "unfinished"
    assert boot_of(building).outcome == "unfinished"
    assert boot_of(building, active).outcome == "active"
    assert boot_of(building, error).outcome == "error"
    assert boot_of(notification("instance.create.end", instance=UUID)).outcome == "active"
    assert boot_of(notification("instance.create.error", instance=UUID)).outcome == "error"
    assert boot_of(notification("instance.delete.end", instance=UUID)).outcome == "unfinished"


def test_a_boot_has_the_instances_name_uuid_and_hosts() -> None:
    """The requested name, else the notified one; the final hosts of the instances."""
    request = {"body": {"server": {"name": "vm1"}}}
    boot = boot_of(state(host="cmp1"), state(host="cmp2"), notification("x", display_name="other"), seed=request)
    assert (boot.server, boot.uuid, boot.host) == ("vm1", UUID, "cmp2")
    boot = boot_of(state(host="cmp1"), state(OTHER, host="cmp2"), notification("x", display_name="other"))
    assert (boot.server, boot.uuid, boot.host) == ("other", UUID, "cmp1, cmp2")
    strange: list[dict[str, Any]] = [{}, {"body": "x"}, {"body": {"server": []}}, {"body": {"server": {"name": 5}}}]
    assert [boot_of(seed=attributes).server for attributes in strange] == ["", "", "", "5"]


def test_the_outcome_has_the_last_error_before_the_instance_failed() -> None:
    """Its first line, shortened."""
    mended = call(failing_call("NotFound: no"), name="caught")
    reason = call(failing_call("NoValidHost_Remote: No host\nTraceback: x\x1b[31m"))
    given_up = state(vm_state="error")
    cleaning = call(failing_call("Late: clean-up"))
    assert boot_of(mended, reason, given_up, cleaning).outcome == "error: NoValidHost: No host"
    assert boot_of(state(vm_state="error"), call(failing_call("Only: this"))).outcome == "error: Only: this"
    assert (
        boot_of(call(failing_call("E: " + "x" * 500)), state(vm_state="error")).outcome
        == "error: E: " + "x" * 236 + "…"
    )


def test_the_error_of_a_client_that_waited_is_not_the_outcome() -> None:
    client = failing_call("CommandError: Error creating server")
    client.service = "client"
    reason, given_up = call(failing_call("NoValidHost: No host")), state(vm_state="error")
    client.end = given_up.start + 1
    assert boot_of(client, reason, given_up).outcome == "error: NoValidHost: No host"
    assert boot_of(client, state(vm_state="error")).outcome == "error: CommandError: Error creating server"


def test_an_error_status_of_the_api_is_the_outcome() -> None:
    """From 400 on, with the error that was raised."""
    assert boot_of(seed={"status": 403}).outcome == "error: HTTP 403"
    assert boot_of(failing_call("QuotaError: x"), seed={"status": 403}).outcome == "error: HTTP 403, QuotaError: x"
    assert boot_of(state(vm_state="active"), seed={"status": 202}).outcome == "active"
    assert boot_of(seed={"status": "999"}).outcome == "unfinished"
    assert boot_of(seed={"error": "ConnectionError: refused"}).outcome == "error: ConnectionError: refused"


STRANGE = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none() | st.text(max_size=2), max_size=2)


@given(st.lists(STRANGE | st.dictionaries(st.sampled_from(["vm_state", "host", "x"]), STRANGE), max_size=5), STRANGE)
def test_crafted_states_are_ignored(changes: list[Any], uuid: Any) -> None:
    """Any values in place of changes and uuids."""
    children = [timed(step("state", "compute", changes=value, instance=uuid)) for value in changes]
    assert boot_of(*children).outcome


def test_a_state_is_below_the_step_that_writes_it() -> None:
    """A save records its states before its RPC call: the note belongs to that call, not to an earlier one."""
    note = state(task_state="spawning")
    served = step("rpc", "conductor", name="Instance.save", side="server")
    asks, saves = step("rpc", "compute", name="Service.save"), step("rpc", "compute", served, name="Instance.save")
    build = call(note, asks, saves)
    states.derive([build])
    assert [child.name for child in build.children] == ["Service.save", "Instance.save"]
    assert saves.children == [note, served]
