"""Findings about a trace: what failed, what a witness missed, and what contradicts itself."""

from tracer.findings.collect import findings
from tracer.findings.finding import CLASSES, TraceFinding, line, summary

__all__ = ["CLASSES", "TraceFinding", "findings", "line", "summary"]
