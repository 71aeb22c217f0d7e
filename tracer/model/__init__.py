"""The values that everything else takes and gives: steps and boots, what compares them, what merges them."""

from tracer.model.comparison import Baseline, Change, Comparison, Node, Pair
from tracer.model.merged import Fragment, Merged, MergedStep, Operand
from tracer.model.steps import NOTES, NUMBERED, PARTICIPANTS, LeftOut, Request, Step, Trace, Untied, Value

__all__ = [
    "NOTES", "NUMBERED", "PARTICIPANTS", "Baseline", "Change", "Comparison", "Fragment", "LeftOut", "Merged",
    "MergedStep", "Node", "Operand", "Pair", "Request", "Step", "Trace", "Untied", "Value",
]  # fmt: skip
