"""Written steps that were not found: those that do not happen, and those that nothing recorded could have shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tracer.diff.outline import evidence, log_evidence
from tracer.diff.outline.evidence import Statement
from tracer.diff.outline.match import OutlineMatch
from tracer.diff.outline.score import OutlineLine
from tracer.model import Baseline, Node

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class UnmatchedLine:
    """What is to be said of a line: a class of change, and how it goes on after what is written."""

    line: OutlineLine
    class_: str
    text: str
    #: How many lines below it are told with it.
    below: int = 0
    #: The log line that says so.
    log: Node | None = None


class Search:
    """The lines that were not found, and why: each of the outline is looked at once."""

    def __init__(self, found: OutlineMatch, boot: Baseline) -> None:
        self._found = found
        self._missing = log_evidence.missing(boot)
        #: Lines of which something below was found.
        self._shown: set[int] = set()
        #: Lines that cannot happen without something that would have been seen and was not.
        self._owing: set[int] = set()
        for line in reversed(found.lines):
            self._look(line)

    def _look(self, line: OutlineLine) -> None:
        happened = self._found.happened(line)
        if happened or id(line) in self._shown:
            self._shown.add(id(line.parent))
        elif not line.written.conditions and (id(line) in self._owing or self._would_show(line)):
            self._owing.add(id(line.parent))

    def lines(self) -> list[UnmatchedLine]:
        """What is to be said, in the order of the outline; what a line takes with it is counted in it."""
        told: list[UnmatchedLine] = []
        part_of: dict[int, UnmatchedLine] = {}
        for line in self._found.lines:
            over = part_of.get(id(line.parent))
            if self._found.happened(line):
                continue
            one = self._say(line)
            if over is not None and (over.class_ != "unseen" or one.class_ == "unseen"):
                over.below += 1
                part_of[id(line)] = over
                continue
            told.append(one)
            if one.class_ != "unseen" or id(line) not in self._shown:
                part_of[id(line)] = one
        return told

    def _say(self, line: OutlineLine) -> UnmatchedLine:
        """The line by itself."""
        under = f", under “{'; '.join(line.written.conditions)}”," if line.written.conditions else ""
        gone = "unmet" if line.written.conditions else "missing"
        if (log := self._missing.get((line.phrase.owner, line.phrase.name))) is not None:
            return UnmatchedLine(
                line, "missing", f"is written, and there is none: {log_evidence.complaint(log)}", log=log
            )
        shows = self._would_show(line)
        if not shows and id(line) in self._shown:
            return UnmatchedLine(line, "unseen", f"is written{under or ','} and shows only by what is written under it")
        if (sent := self._statement(line)) is not None:
            what = f"{' or '.join(sent.verbs)} of {sent.tables[0]}"
            return UnmatchedLine(
                line, gone if shows else "unseen", f"is written{under or ','} and there is no {what} for it"
            )
        if shows or (line.written.conditions and id(line) in self._owing):
            return UnmatchedLine(line, gone, f"is written{under} and does not happen")
        return UnmatchedLine(line, "unseen", f"is written{under or ','} and nothing recorded can tell of it")

    def _would_show(self, line: OutlineLine) -> bool:
        """Whether it would have been seen if it had happened."""
        sight, service = self._found.sight, self._found.services[id(line)]
        if sight.calls(service) or (line.phrase.owner, line.phrase.name) in self._missing:
            return True
        if line.phrase.kind in ("call", "words", "handoff"):
            # A name is not enough: quota_get_all_by_project_and_user reads project_user_quotas.
            sent = self._statement(line)
            return sent is not None and any(sent.tables[0] in _WORD.findall(note) for note in line.written.notes)
        return sight.kind(service, line.phrase.kind)

    def _statement(self, line: OutlineLine) -> Statement | None:
        """The statement that shows a function of the database's, where its table is among those that were seen."""
        sent, service = evidence.statement(line), self._found.services[id(line)]
        if sent is None or self._found.sight.calls(service):
            return None
        tables = tuple(table for table in sent.tables if self._found.sight.table(service, table))
        return Statement(sent.verbs, tables) if tables else None
