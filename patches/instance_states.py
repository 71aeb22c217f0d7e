"""States: changes of a saved instance's vm_state, task_state, power_state, host and node.

They are read from the object's own fields before the save, not from its properties, which may query the database.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from . import hooks, import_hooks, patching, record_format, values
from . import recorder as patches_recorder
from .host_objects import stored

states = hooks.Hook("states")

_TRACKED = ("vm_state", "task_state", "power_state", "host", "node")


def install() -> None:
    """Wrap the methods that write an instance once Nova's objects are imported."""
    import_hooks.when_imported("nova.objects.instance", functools.partial(states.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    for name in ("create", "save"):
        patching.replace(module.Instance, name, hooks.around(states, _changing, _changed))


def _changing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, tuple[Any, ...]] | None:
    """Return the time and the tracked fields that will be written; None where there are none."""
    fields = stored(args[0])
    changed = fields.get("_changed_fields")
    if type(changed) is not set:
        return None
    pairs = ((name, values.scalar(fields.get("_obj_" + name))) for name in _TRACKED if name in changed)
    changes: tuple[Any, ...] = sum(pairs, ())
    if not changes:
        return None
    uuid = values.scalar(fields.get("_obj_uuid"))
    return patches_recorder.clock(), ("table", "instances", "instance", uuid, "changes", ("{}",) + changes)


def _changed(token: tuple[int, tuple[Any, ...]], result: Any, error: BaseException | None) -> None:
    """Record what was written as a state, at the time of its begin: before the statements of the save."""
    begun, attributes = token
    recorder = patches_recorder.recorder
    if error is None and recorder is not None:
        fields = (
            patches_recorder.next_id(),
            patches_recorder.current.get(),
            "state",
            patches_recorder.thread_id(),
            begun,
            begun,
        )
        recorder.write((record_format.STEP,) + fields + ("instances", None, attributes))
