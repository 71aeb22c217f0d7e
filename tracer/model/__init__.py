"""The values that everything else takes and gives: steps and boots, what compares them, what merges them."""

from tracer.model.comparison import Baseline, Change, Comparison, Node, Pair
from tracer.model.merged import Fragment, Merged, Operand, Shared
from tracer.model.steps import NOTES, NUMBERED, PARTICIPANTS, LeftOut, Request, Step, Trace, Untied, Value

__all__ = [
    "NOTES", "NUMBERED", "PARTICIPANTS", "Baseline", "Change", "Comparison", "Fragment", "LeftOut", "Merged", "Node",
    "Operand", "Pair", "Request", "Shared", "Step", "Trace", "Untied", "Value",
]  # fmt: skip
