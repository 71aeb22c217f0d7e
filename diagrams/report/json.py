"""The report as JSON, for programs.

One object::

    {"format": "bootseq-diff", "version": 1,
     "verdict": "same" | "differs",
     "old": {"name", "boots", "versions": {package: version}, "outcomes": [text]},
     "new": {the same},
     "counts": {"fail": n, "warn": n, "note": n, "ignore": n},
     "changes": [{
         "class": one of tracer.model.comparison.CLASSES,
         "severity": "fail" | "warn" | "note" | "ignore",
         "old", "new": the step's address on either side, "" if it has none,
         "text": what changed, on one line,
         "where": "nova/compute/api.py:1234", "" where that is not known,
         "kind", "service": of the new step, or of the old one where there is no new one,
         "old_text", "new_text": the steps themselves, "" if it has none,
         "path": [the steps around it, outermost first],
         "tables": [tables of a statement],
         "ratio": new count over old, or new time over old, null where that cannot be said,
         "below": how many steps below it came or went with it,
         "rule": the rule of the policy that gave the severity, "" for the default,
         with --source "origin": {"function", "unchanged", "commits": [{"id", "subject", "change_id"}]}}]}

``changes`` are in the order of the new tree. These names keep their meaning as long as ``version`` is 1;
further ones may come. All text is as it was recorded and may hold anything: the file itself is plain ASCII.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from diagrams.report.common import counts
from tracer.model import Baseline, Change, Comparison

FORMAT, VERSION = "bootseq-diff", 1


def report(comparison: Comparison) -> str:
    """Return the comparison as one JSON object."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "verdict": comparison.verdict,
        "old": _side(comparison.old),
        "new": _side(comparison.new),
        "counts": counts(comparison.changes),
        "changes": [_change(change) for change in comparison.changes],
    }
    # ASCII also excludes lone surrogates, which have no encoding, and control sequences.
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def _side(side: Baseline) -> dict[str, object]:
    return {"name": side.name, "boots": side.boots, "versions": side.versions, "outcomes": list(side.outcomes)}


def _change(change: Change) -> dict[str, object]:
    return {
        "class": change.class_,
        "severity": change.severity,
        "old": change.old,
        "new": change.new,
        "text": change.text,
        "where": change.where,
        "kind": change.kind,
        "service": change.service,
        "old_text": change.old_text,
        "new_text": change.new_text,
        "path": list(change.path),
        "tables": list(change.tables),
        "ratio": change.ratio,
        "below": change.below,
        "rule": change.rule,
    } | ({} if change.origin is None else {"origin": asdict(change.origin)})
