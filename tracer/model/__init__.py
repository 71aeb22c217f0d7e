"""The values that all other rooms exchange: steps and requests, comparisons of them, merges of them."""

from tracer.model.attributes import Value
from tracer.model.comparison import Baseline, Change, Comparison, NormalStep, Pair
from tracer.model.lanes import PARTICIPANTS
from tracer.model.merged import Fragment, Merged, MergedStep, Operand
from tracer.model.steps import NOTES, NUMBERED, PART, LeftOut, LogLine, Request, Step, Trace, Unassigned

__all__ = [
    "NOTES", "NUMBERED", "PART", "PARTICIPANTS", "Baseline", "Change", "Comparison", "Fragment", "LeftOut", "LogLine",
    "Merged",    "MergedStep", "NormalStep", "Operand", "Pair", "Request", "Step", "Trace", "Unassigned", "Value",
]  # fmt: skip
