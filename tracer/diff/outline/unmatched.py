"""Unmatched lines of an outline: steps that do not happen, and steps that the recording cannot show."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracer.diff.outline import evidence, log_evidence
from tracer.diff.outline.evidence import Statement
from tracer.diff.outline.match import OutlineMatch
from tracer.diff.outline.score import OutlineLine
from tracer.model import Baseline, NormalStep

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class UnmatchedLine:
    """The report of an unmatched line: a class of change, and the text after that of the line."""

    line: OutlineLine
    class_: str
    text: str
    #: The number of lines below that are reported with it.
    below: int = 0
    #: The log line that proves it.
    log: NormalStep | None = None


class UnmatchedSearch:
    """The unmatched lines and the reasons; visits each line of the outline once."""

    def __init__(self, match: OutlineMatch, boot: Baseline) -> None:
        self._match = match
        self._missing = log_evidence.missing(boot)
        #: Lines with a matched line below.
        self._shown: set[OutlineLine | None] = set()
        #: Lines that cannot happen without a step that would have been recorded and was not.
        self._owing: set[OutlineLine | None] = set()
        for line in reversed(match.lines):
            self._classify(line)

    def _classify(self, line: OutlineLine) -> None:
        happened = self._match.happened(line)
        if happened or line in self._shown:
            self._shown.add(line.parent)
        elif not line.written.conditions and (line in self._owing or self._would_show(line)):
            self._owing.add(line.parent)

    def lines(self) -> list[UnmatchedLine]:
        """Return the reports in the order of the outline; lines reported with another count in its ``below``."""
        unmatched: list[UnmatchedLine] = []
        part_of: dict[OutlineLine | None, UnmatchedLine] = {}
        for line in self._match.lines:
            over = part_of.get(line.parent)
            if self._match.happened(line):
                continue
            result = self._explain(line)
            if over is not None and (over.class_ != "unseen" or result.class_ == "unseen"):
                over.below += 1
                part_of[line] = over
                continue
            unmatched.append(result)
            if result.class_ != "unseen" or line not in self._shown:
                part_of[line] = result
        return unmatched

    def _explain(self, line: OutlineLine) -> UnmatchedLine:
        """Return the report of a single line."""
        under = f", under “{'; '.join(line.written.conditions)}”," if line.written.conditions else ""
        gone = "unmet" if line.written.conditions else "missing"
        if (log := self._missing.get((line.phrase.owner, line.phrase.name))) is not None:
            return UnmatchedLine(
                line, "missing", f"is written, and there is none: {log_evidence.complaint(log)}", log=log
            )
        shows = self._would_show(line)
        if not shows and line in self._shown:
            return UnmatchedLine(line, "unseen", f"is written{under or ','} and shows only by what is written under it")
        if (sent := self._statement(line)) is not None:
            what = f"{' or '.join(sent.verbs)} of {sent.tables[0]}"
            return UnmatchedLine(
                line, gone if shows else "unseen", f"is written{under or ','} and there is no {what} for it"
            )
        if shows or (line.written.conditions and line in self._owing):
            return UnmatchedLine(line, gone, f"is written{under} and does not happen")
        return UnmatchedLine(line, "unseen", f"is written{under or ','} and nothing recorded can tell of it")

    def _would_show(self, line: OutlineLine) -> bool:
        """Return whether the step would have been recorded if it had happened."""
        visibility, service = self._match.visibility, self._match.services[line]
        if visibility.calls(service) or (line.phrase.owner, line.phrase.name) in self._missing:
            return True
        if line.phrase.kind in ("call", "words", "handoff"):
            # The name alone is not reliable: quota_get_all_by_project_and_user reads project_user_quotas.
            sent = self._statement(line)
            return sent is not None and any(sent.tables[0] in _WORD.findall(note) for note in line.written.notes)
        return visibility.kind(service, line.phrase.kind)

    def _statement(self, line: OutlineLine) -> Statement | None:
        """Return the statement that would show a database function, None if none of its tables was recorded."""
        sent, service = evidence.statement(line), self._match.services[line]
        if sent is None or self._match.visibility.calls(service):
            return None
        tables = tuple(table for table in sent.tables if self._match.visibility.table(service, table))
        return Statement(sent.verbs, tables) if tables else None
