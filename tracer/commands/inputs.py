"""Inputs of diff, baseline and draw: trace files, baselines and outlines, identified by their first bytes; policies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import tracer.diff.policy
from tracer import trace_file
from tracer.commands import selection
from tracer.diff.baseline import reader
from tracer.diff.baseline.learn import learn
from tracer.diff.baseline.normalise import normal
from tracer.diff.outline import outline as outline_outline
from tracer.diff.outline.outline import Outline
from tracer.diff.policy import parser as policy_parser
from tracer.diff.policy.rules import DEFAULT, Policy
from tracer.errors import TracerError
from tracer.files import read as opening
from tracer.model import Baseline, Request, Trace
from tracer.notation import lines
from tracer.notation.scrub import route
from tracer.notices import Code, code_of
from tracer.text import command, plural

#: No baseline that anyone reads is near this long.
MAX_TEXT = 64 << 20

#: Lines of an outline, which hardly any other text has.
_NUMBERED = re.compile(r"^1(?:-\d+)*\. \S", re.MULTILINE)
#: Outcomes of success.
_GOOD = ("active", "done")
#: Notices about recordings that lack nothing by it: statements of heartbeats and of the start, and further log lines,
#: belong to no boot.
_HARMLESS = frozenset(
    {
        Code.CLOCK_CORRECTED,
        Code.LINES_LEFT_OUT,
        Code.LINES_NOT_UNDERSTOOD,
        Code.PROCESSES_REPEATED,
        Code.STATEMENTS_PERIODIC,
    }
)


@dataclass(slots=True)
class Side:
    """One side of a comparison."""

    path: Path
    baseline: Baseline
    #: "boot", or another request's ``DELETE /v2.1/servers/{id}``; "" where a baseline does not say.
    operation: str = ""
    #: Reasons why steps may be missing, a line each.
    doubts: list[str] = field(default_factory=list)
    #: Other remarks, a line each.
    remarks: list[str] = field(default_factory=list)
    #: An outline written by hand; then the baseline is empty.
    outline: Outline | None = None


def read(path: Path, words: Sequence[str] = (), option: str = "--boot", *, include_log_lines: bool = False) -> Side:
    """Read a file as a side; of a trace file all boots, or those that ``words``, the values of ``option``, name.

    ``include_log_lines`` is for checking an outline, which log lines are evidence for.
    """
    text = written(path)
    if text is None:
        return recorded(path, words, option).side(include_log_lines=include_log_lines)
    if words:
        raise TracerError(f"{path}: not a trace file, so it has no boots to choose from; omit {option}")
    if not lines.is_baseline(text):
        outline = outline_outline.read(text, str(path))
        outline.name = path.name
        return Side(path, Baseline([], name=path.name), outline=outline)
    baseline = reader.read(text, str(path))
    baseline.name = path.name
    side = _checked(Side(path, baseline))
    if not baseline.whole:
        side.doubts.append(
            f"{path}: a baseline of version 1 lacks microversions, topics and argument names; create it again with: "
            "bootseq baseline"
        )
    return side


def written(path: Path) -> str | None:
    """Return the text of a baseline or an outline, None for a trace file; a TracerError for other files."""
    try:
        with opening.opened(path) as file:
            head = file.read(4096)
            if head[:2] == b"\x1f\x8b" or head.lstrip()[:1] == b"{":
                return None
            data = head + file.read(MAX_TEXT)
    except OSError:
        return None  # reading it as a trace reports the error
    if len(data) > MAX_TEXT:
        raise TracerError(f"{path}: too long for a baseline")
    text = data.decode("utf-8", "replace")
    if not lines.is_baseline(text) and not _NUMBERED.search(text):
        raise TracerError(
            f"{path}: not a trace file, a baseline or an outline; make a trace file with: "
            "bootseq ingest -o FILE CAPTURE"
        )
    if "\ufffd" in text:
        raise TracerError(f"{path}: not UTF-8")
    return text


@dataclass(slots=True)
class Recorded:
    """Boots of one trace file, all of one operation."""

    path: Path
    boots: list[Request]
    doubts: list[str]

    def side(self, *, include_log_lines: bool = False) -> Side:
        """Return what the boots have in common.

        Boots that failed beside others that did not count by their outcome alone: with their steps, each step of the
        others would be one that some boots lack.
        """
        boots = self._usual_boots()
        baseline = learn([normal(boot, include_log_lines=include_log_lines) for boot in boots], self.path.name)
        side = Side(self.path, baseline, self.operation, self.doubts[:])
        side.baseline.outcomes = tuple(sorted(self.outcomes))
        if len(boots) < len(self.boots):
            side.remarks.append(f"{self.path}: {_listed(self.outcomes)}; the steps are those of {outcome(boots[0])}")
        side.doubts += [
            f"{self.path}: boot {boot.number} had not ended when the recording did" for boot in boots
            if outcome(boot) == "unfinished"
        ]  # fmt: skip
        return _checked(side)

    @property
    def outcomes(self) -> Counter[str]:
        """Return the number of boots by outcome."""
        return Counter(outcome(boot) for boot in self.boots)

    @property
    def operation(self) -> str:
        """Return the boots' common operation."""
        return operation(self.boots[0])

    def _usual_boots(self) -> list[Request]:
        best = usual(self.outcomes)
        return [boot for boot in self.boots if outcome(boot) == best]


def recorded(path: Path, words: Sequence[str] = (), option: str = "--boot") -> Recorded:
    """Return the boots of a trace file, or those that ``words`` name."""
    trace = trace_file.read(path)
    boots = {boot.number: boot for boot in (selection.named(path, trace, word) for word in words)}.values()
    chosen = list(boots) if words else trace.boots
    if not chosen:
        raise TracerError(f"{path} holds no boots{_instead(path, trace, option)}")
    operations = sorted({operation(boot) for boot in chosen})
    if len(operations) > 1:
        raise TracerError(f"{path}: {' and '.join(operations)} are different requests; choose some with {option}")
    doubts = [f"{path}: {warning}" for warning in trace.warnings if code_of(warning) not in _HARMLESS]
    return Recorded(path, chosen, doubts)


def _instead(path: Path, trace: Trace, option: str) -> str:
    if not trace.others:
        return ""
    return f"; choose another request with {option} and its number (see: {command('bootseq', 'list', '--all', path)})"


def _checked(side: Side) -> Side:
    if not side.baseline.nodes:
        raise TracerError(f"{side.path} holds no steps")
    return side


def outcome(boot: Request) -> str:
    """Return the outcome, active, error, unfinished, done or failed, without its message."""
    return boot.outcome.partition(":")[0]


def usual(outcomes: Counter[str]) -> str:
    """Return the outcome to compare: a successful one if there is one, else the most frequent."""
    return max(outcomes, key=lambda name: (name in _GOOD, outcomes[name], name))


def operation(boot: Request) -> str:
    """Return the operation without its ids, so that requests of a kind have the same."""
    return " ".join(map(route, boot.operation.split(" ")))


def _listed(counts: Counter[str]) -> str:
    total = plural(sum(counts.values()), "boot")
    return f"of {total} " + ", ".join(f"{count} {name}" for name, count in counts.most_common())


def refuse_different(old: Side, new: Side) -> None:
    """Raise a TracerError if the two sides are different requests: a deletion is not a changed boot."""
    if old.operation and new.operation and old.operation != new.operation:
        raise TracerError(
            f"cannot compare different requests: {old.path} holds {old.operation}, {new.path} {new.operation}; "
            "choose with --old-boot and --new-boot"
        )


#: The default policy.
DEFAULTS = Path(tracer.diff.policy.__file__).with_name("policy.yaml")


def load_policy(paths: Sequence[Path]) -> Policy:
    """Return the defaults, overridden by each of ``paths`` in turn."""
    policy = _defaults()
    for path in paths:
        own, on_top = policy_parser.read(opening.small_text(path, policy_parser.MAX_SIZE * 4), str(path))
        policy = own.upon(policy) if on_top else own
    return policy


@cache
def _defaults() -> Policy:
    return policy_parser.read(opening.small_text(DEFAULTS), DEFAULT)[0]
