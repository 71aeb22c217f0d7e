"""The service of each step: by endpoint or application, else its parent's, else by its process's command."""

from __future__ import annotations

from collections.abc import Mapping

from tracer.correlation.forest import Forest
from tracer.events import Process
from tracer.model import participants, sub_lanes

#: The id of a call's message on oslo.privsep's channel: an attribute of both ends, and the name of their link.
CALL_ID = "call_id"


def name(processes: Mapping[str, Process], forest: Forest) -> None:
    """Set the service of every step; ``processes`` has the process of each step by the step's id.

    A privileged daemon works for its caller's service.
    """
    forest.programs = {process.key: process.argv for process in processes.values()}
    named = {key: participants.of_command(argv) for key, argv in forest.programs.items()}
    for head in forest.heads:
        for step in head.walk():
            process, parent = processes[step.id].key, forest.parents.get(step.id)
            is_same = parent is not None and (processes[parent.id].key == process or step.tied_by == CALL_ID)
            inherited = parent.service if parent is not None and is_same else ""
            step.service = participants.of_step(step) or inherited or named[process]
    sub_lanes.divide(forest.heads, named)
