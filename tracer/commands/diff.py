"""``bootseq diff``: two boots, or the boots of two releases, compared and judged by a policy."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

import diagrams
from tracer import gc_pause
from tracer.commands import inputs, printing, terminal
from tracer.commands.inputs import Side
from tracer.commands.options import PATH, report_format, report_options
from tracer.commands.progress import Progress, progress
from tracer.diff.compare.compare import compare
from tracer.diff.outline import check
from tracer.diff.policy.rules import judge
from tracer.errors import TracerError
from tracer.model import Comparison

SAME, DIFFERS = 0, 1
#: Report formats by the suffix of the file.
_SUFFIXES = {".txt": "text", ".md": "markdown", ".json": "json", ".xml": "junit", ".html": "html"}
#: Width of text without a terminal.
_WIDTH = 100


@click.command()
@click.option(
    "--policy", "policy_files", multiple=True, type=PATH, metavar="FILE",
    help="Policy, YAML: which changes fail, warn or are ignored; overrides the defaults. Repeatable, the last wins.",
)  # fmt: skip
@report_options(_SUFFIXES)
@click.option("--old-boot", multiple=True, metavar="WHAT", help="Compare this boot of OLD only; repeatable.")
@click.option("--new-boot", multiple=True, metavar="WHAT", help="Compare this boot of NEW only; repeatable.")
@click.option("--details", is_flag=True, help="List noted and ignored changes too.")
@terminal.color_option
@click.option(
    "--source", "sources", multiple=True, metavar="PACKAGE=CHECKOUT[:OLD..NEW]",
    help="Name the commits that made each failing or warned change, from a git checkout; repeatable.",
)  # fmt: skip
@click.option("--partial", is_flag=True, help='Allow the verdict "same" for incomplete recordings.')
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
def diff(
    old: Path, new: Path, policy_files: tuple[Path, ...], format_: str | None, outputs: tuple[Path, ...],
    old_boot: tuple[str, ...], new_boot: tuple[str, ...], details: bool, color: str, sources: tuple[str, ...],
    partial: bool,
) -> None:  # fmt: skip
    """Compare the boots in OLD and NEW: steps added, removed, moved, changed or slower.

    OLD and NEW are trace files, of which all boots count, or baselines; OLD may also be an outline written by hand,
    which is checked against the boots in NEW. The exit code is 0 if they are the same, 1 if they differ by the policy,
    2 if bootseq cannot decide. WHAT is a server's name or uuid, a request id, or a number from `bootseq list`.

    \b
    Examples:
      bootseq diff 32.trace.jsonl.gz 34.trace.jsonl.gz
      bootseq diff nova-34.baseline today.trace.jsonl.gz --policy policy.yaml -o report.md -o report.xml
      bootseq diff notes.outline 34.trace.jsonl.gz
      bootseq diff 33.trace.jsonl.gz 34.trace.jsonl.gz --source nova=src/nova:33.0.0..34.0.0
      bootseq diff boots.trace.jsonl.gz boots.trace.jsonl.gz --old-boot vm1 --new-boot vm2
    """
    formats = [report_format(output, format_, _SUFFIXES) for output in outputs]
    policy = inputs.load_policy(policy_files)
    with progress() as doing, gc_pause.paused():
        before = _read(old, old_boot, "--old-boot", doing)
        after = _read(new, new_boot, "--new-boot", doing, include_log_lines=before.outline is not None)
        comparison = _compared(before, after, doing)
    # Allowances end with a day in the local time zone, not in UTC.
    notes = judge(comparison, policy, datetime.now(UTC).astimezone().date())
    if sources:
        _add_origins(comparison, sources)
    doubts = [*before.doubts, *after.doubts, *_unknown(comparison)]
    _note([*doubts, *before.remarks, *after.remarks], "warning")
    _note(notes, "note")
    if comparison.verdict == "same" and doubts and not partial:
        raise TracerError(
            "cannot decide: no failing change found, but the recording is incomplete; record again or pass --partial"
        )
    for output, format_of in zip(outputs, formats, strict=True):
        printing.report(output, diagrams.report(comparison, format_of, width=_WIDTH, details=details))
    if not outputs:
        _print(comparison, format_ or "text", details, color)
    sys.exit(DIFFERS if comparison.verdict == "differs" else SAME)


def _read(path: Path, words: tuple[str, ...], option: str, doing: Progress, *, include_log_lines: bool = False) -> Side:
    doing(f"reading {path}")
    return inputs.read(path, words, option, include_log_lines=include_log_lines)


def _compared(old: Side, new: Side, doing: Progress) -> Comparison:
    if new.outline:
        raise TracerError(f"{new.path}: an outline can only be OLD, which NEW is checked against")
    doing("comparing")
    if old.outline:
        return check.check(old.outline, new.baseline)
    inputs.refuse_different(old, new)
    comparison = compare(old.baseline, new.baseline)
    if not any(pair.old and pair.new for top in comparison.pairs for pair in top.walk()):
        raise TracerError(f"{old.path} and {new.path} have no step in common; compare requests of one kind")
    return comparison


def _add_origins(comparison: Comparison, sources: tuple[str, ...]) -> None:
    """Name the commits behind the changes, from the checkouts that ``--source`` names."""
    # Imported late: running git takes modules that no other comparison needs.
    from tracer.history import git, origins

    with progress() as doing:
        doing("reading the history")
        origins.add(comparison, [git.checkout(source, _releases(comparison, source)) for source in sources])


def _releases(comparison: Comparison, source: str) -> tuple[str, str] | None:
    """Return the releases of a source's package on both sides, which are its tags; None unless both are known."""
    package = source.partition("=")[0]
    old, new = (side.versions.get(package, "") for side in (comparison.old, comparison.new))
    return (old, new) if old and new else None


def _unknown(comparison: Comparison) -> list[str]:
    if not comparison.unknown or not (comparison.old.whole and comparison.new.whole):
        return []
    return [f"{', '.join(comparison.unknown)} of some steps not compared: only one side recorded them"]


def _note(lines: list[str], level: str) -> None:
    for line in lines:
        printing.note(f"{level}: {line}")


def _print(comparison: Comparison, format_: str, details: bool, color: str) -> None:
    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    wanted = terminal.has_colors(color)
    report = diagrams.report(comparison, format_, width=width, colour=wanted, details=details)
    # --colour always works through a pipe to less -R too.
    printing.lines(report, colour=wanted)
