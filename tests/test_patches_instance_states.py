"""Instance states: the changes of a save, read from the fields without running a property."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patches import instance_states, recorder
from tests.support.recording import failing, inside_step, recording, standing_in

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"


class Instance:
    """A versioned object: every field is a property that may load it from the database."""

    def __init__(self, **fields: Any) -> None:
        self._changed_fields = set(fields)
        self._obj_uuid = UUID
        for name, value in fields.items():
            setattr(self, "_obj_" + name, value)

    @property
    def vm_state(self) -> str:
        raise AssertionError("a property of the host's was run")

    def save(self, expected_task_state: object = None) -> str:
        recorder.happened("sql", "UPDATE instances")
        if expected_task_state == "other":
            raise LookupError("Conflict updating instance")
        self._changed_fields.clear()
        return "saved"

    def create(self) -> None:
        self._changed_fields.clear()


@pytest.fixture
def instance_class() -> Iterator[type[Instance]]:
    with standing_in("nova.objects.instance", Instance=type("Instance", (Instance,), {})) as module:
        yield module.Instance


def test_a_save_is_a_state_before_its_statement(tmp_path: Path, instance_class: type[Instance]) -> None:
    with recording(tmp_path, "states") as recorded, inside_step() as step:
        instance = instance_class(vm_state="building", task_state=None, power_state=1, display_name="vm")
        assert instance.save() == "saved"
        event, statement = recorded.single("state"), recorded.single("sql")
    assert (event.name, event.parent, event.start == event.end) == ("instances", step, True)
    assert event.start <= statement.start
    assert event.attributes == {
        "table": "instances",
        "instance": UUID,
        "changes": {"vm_state": "building", "task_state": None, "power_state": 1},
    }


def test_a_creation_is_a_state(tmp_path: Path, instance_class: type[Instance]) -> None:
    with recording(tmp_path, "states") as recorded:
        instance_class(vm_state="building", host="compute1", node="node1").create()
        assert list(recorded.single("state").attributes["changes"]) == ["vm_state", "host", "node"]  # type: ignore[arg-type]


def test_a_save_of_other_fields_is_no_state(tmp_path: Path, instance_class: type[Instance]) -> None:
    with recording(tmp_path, "states") as recorded:
        instance_class(display_name="vm").save()
        instance_class().save()
        assert recorded.events("state") == []


def test_a_failed_save_is_no_state(tmp_path: Path, instance_class: type[Instance]) -> None:
    with recording(tmp_path, "states") as recorded:
        with pytest.raises(LookupError, match="Conflict"):
            instance_class(task_state="spawning").save("other")
        assert recorded.events("state") == []


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path, instance_class: type[Instance]) -> None:
    with recording(tmp_path, "states"), failing():
        for _ in range(10):
            instance = instance_class(vm_state="active")
            instance.create()
            assert instance._changed_fields == set()
        assert not instance_states.states.enabled
