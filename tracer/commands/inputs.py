"""What is compared and learned from: a file's boots, or the baseline it is, told apart by how the file begins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tracer import trace_file
from tracer.commands import selection
from tracer.diff.baseline import reader
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.diff.outline import outline as outline_outline
from tracer.diff.outline.outline import Outline
from tracer.errors import TracerError
from tracer.files import read as opening
from tracer.model import Baseline, Request, Trace
from tracer.notation import lines
from tracer.notation.scrub import route
from tracer.notices import Code, code_of
from tracer.text import command, plural

#: No baseline that anyone reads is near this long.
MAX_TEXT = 64 << 20

#: What an outline has and hardly any other text.
_NUMBERED = re.compile(r"^1(?:-\d+)*\. \S", re.MULTILINE)
#: Outcomes of what went as it should.
_GOOD = ("active", "done")
#: Notices about recordings that lack nothing by it: statements of heartbeats and of the start belong to no boot.
_HARMLESS = frozenset({Code.CLOCK_CORRECTED, Code.PROCESSES_REPEATED, Code.STATEMENTS_PERIODIC})


@dataclass(slots=True)
class Side:
    """One side of a comparison."""

    path: Path
    baseline: Baseline
    #: "boot", or another request's ``DELETE /v2.1/servers/{id}``; "" where a baseline does not say.
    operation: str = ""
    #: Why steps may be missing, a line each.
    doubts: list[str] = field(default_factory=list)
    #: What else is worth a line.
    remarks: list[str] = field(default_factory=list)
    #: Written by hand: then this is the side, and the baseline is empty.
    outline: Outline | None = None


def read(path: Path, words: Sequence[str] = (), option: str = "--boot", *, include_log_lines: bool = False) -> Side:
    """The file as a side; of a trace file all boots, or those that ``words`` mean. ``option`` is what gave these.

    With ``include_log_lines`` the log lines of services without hooks are steps, as outline checks need them.
    """
    text = written(path)
    if text is None:
        return recorded(path, words, option).side(include_log_lines=include_log_lines)
    if words:
        raise TracerError(f"{path}: no trace file, there are no boots to choose from; leave {option} out")
    if not lines.is_baseline(text):
        outline = outline_outline.read(text, str(path))
        outline.name = path.name
        return Side(path, Baseline([], name=path.name), outline=outline)
    baseline = reader.read(text, str(path))
    baseline.name = path.name
    side = _checked(Side(path, baseline))
    if not baseline.whole:
        side.doubts.append(
            f"{path}: a baseline of version 1 lacks microversions, topics and names of arguments; make it anew with: "
            "bootseq baseline"
        )
    return side


def written(path: Path) -> str | None:
    """The text of a baseline or an outline, None of a trace file; a TracerError says that it is none of them."""
    try:
        with opening.opened(path) as file:
            head = file.read(4096)
            if head[:2] == b"\x1f\x8b" or head.lstrip()[:1] == b"{":
                return None
            data = head + file.read(MAX_TEXT)
    except OSError:
        return None  # reading the trace says why it cannot be read
    if len(data) > MAX_TEXT:
        raise TracerError(f"{path}: too long for a baseline")
    text = data.decode("utf-8", "replace")
    if not lines.is_baseline(text) and not _NUMBERED.search(text):
        raise TracerError(
            f"{path}: neither a trace file nor a baseline of bootseq's, nor an outline; make a trace file with: "
            "bootseq ingest -o FILE CAPTURE"
        )
    if "\ufffd" in text:
        raise TracerError(f"{path}: not UTF-8")
    return text


@dataclass(slots=True)
class Recorded:
    """Boots of one trace file, of one operation."""

    path: Path
    boots: list[Request]
    doubts: list[str]

    def side(self, *, include_log_lines: bool = False) -> Side:
        """What the boots have in common.

        Boots that failed beside others that did not are told by their outcome alone: their steps would make every step
        of the others one that some boots lack.
        """
        kept = self._kept()
        baseline = learn([normal(boot, include_log_lines=include_log_lines) for boot in kept], self.path.name)
        side = Side(self.path, baseline, self.operation, self.doubts[:])
        side.baseline.outcomes = tuple(sorted(self.outcomes))
        if len(kept) < len(self.boots):
            side.remarks.append(f"{self.path}: {_listed(self.outcomes)}; the steps are those of {outcome(kept[0])}")
        side.doubts += [
            f"{self.path}: boot {boot.number} had not ended when the recording did" for boot in kept
            if outcome(boot) == "unfinished"
        ]  # fmt: skip
        return _checked(side)

    @property
    def outcomes(self) -> Counter[str]:
        """How many boots ended how."""
        return Counter(outcome(boot) for boot in self.boots)

    @property
    def operation(self) -> str:
        """What they all are."""
        return operation(self.boots[0])

    def _kept(self) -> list[Request]:
        best = usual(self.outcomes)
        return [boot for boot in self.boots if outcome(boot) == best]


def recorded(path: Path, words: Sequence[str] = (), option: str = "--boot") -> Recorded:
    """The boots of a trace file, or those that ``words`` mean."""
    trace = trace_file.read(path)
    boots = {boot.number: boot for boot in (selection.named(path, trace, word) for word in words)}.values()
    chosen = list(boots) if words else trace.boots
    if not chosen:
        raise TracerError(f"{path}: no boot in it{_instead(path, trace, option)}")
    operations = sorted({operation(boot) for boot in chosen})
    if len(operations) > 1:
        raise TracerError(f"{path}: {' and '.join(operations)} are different requests; choose with {option}")
    doubts = [f"{path}: {said}" for said in trace.warnings if code_of(said) not in _HARMLESS]
    return Recorded(path, chosen, doubts)


def _instead(path: Path, trace: Trace, option: str) -> str:
    if not trace.others:
        return ""
    return f"; another request is named with {option} and its number from: {command('bootseq', 'list', '--all', path)}"


def _checked(side: Side) -> Side:
    if not side.baseline.nodes:
        raise TracerError(f"{side.path}: no step in it")
    return side


def outcome(boot: Request) -> str:
    """How it ended: active, error, unfinished, done or failed, without what was said of it."""
    return boot.outcome.partition(":")[0]


def usual(outcomes: Counter[str]) -> str:
    """The outcome to look at: a good one if there is one, else the most frequent."""
    return max(outcomes, key=lambda each: (each in _GOOD, outcomes[each], each))


def operation(boot: Request) -> str:
    """What kind of request it is, without its ids."""
    return " ".join(map(route, boot.operation.split(" ")))


def _listed(counts: Counter[str]) -> str:
    total = plural(sum(counts.values()), "boot")
    return f"of {total} " + ", ".join(f"{count} {each}" for each, count in counts.most_common())


def refuse_different(old: Side, new: Side) -> None:
    """A TracerError if the two sides say that they are different requests: a deletion is no boot that changed."""
    if old.operation and new.operation and old.operation != new.operation:
        raise TracerError(
            f"{old.path} is of {old.operation} and {new.path} of {new.operation}: nothing to tell apart; "
            "choose with --old-boot and --new-boot"
        )
