"""``bootseq fleet``: the store of many boots, and the questions that it answers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.commands import fleet_questions, fleet_sql, printing, signals
from tracer.commands.options import PATH
from tracer.commands.progress import progress
from tracer.errors import TracerError
from tracer.files import read
from tracer.text import command, plural

if TYPE_CHECKING:
    from tracer.fleet.adding import Added
    from tracer.fleet.store import Store

#: Names of trace files in a folder.
_TRACES = (".jsonl", ".jsonl.gz")
_MAX_TRAITS = 64 << 20
#: Seconds between two looks at a watched folder.
_PERIOD = 2.0


@click.group()
def fleet() -> None:
    """Keep the times and counts of many boots, and ask what became slower, since when, and where.

    STORE is a folder of Parquet files. Many commands may add, compact and read at the same time, on several hosts.

    \b
    Example:
      bootseq fleet add boots.fleet *.trace.jsonl.gz
      bootseq fleet report boots.fleet -o report.html
      bootseq fleet slower boots.fleet release=32.2.1 release=34.0.0
    """


_store_argument = click.argument("path", type=PATH, metavar="STORE")
_memory_option = fleet_questions.memory_option


@fleet.command()
@click.option("--watch", type=PATH, metavar="DIR", help="Add the traces of this folder as they appear, until Ctrl-C.")
@click.option(
    "--trait", "traits", multiple=True, metavar="NAME=VALUE",
    help="Set a trait of all these boots, such as job=nightly; repeatable.",
)  # fmt: skip
@click.option(
    "--traits", "traits_file", type=PATH, metavar="FILE",
    help='Set traits of single boots, from JSON by instance: {"UUID": {"servers": 7}}.',
)  # fmt: skip
@_store_argument
@click.argument("traces", nargs=-1, metavar="TRACE…")
def add(
    path: Path, traces: tuple[str, ...], watch: Path | None, traits: tuple[str, ...], traits_file: Path | None
) -> None:
    """Add the boots of TRACEs to STORE, which is created if it is missing.

    A TRACE is a trace file, a folder of such files, or - for a list of names on stdin. Adding a boot again changes
    nothing; if its trace has changed, the last one counts. Boots without an instance, which the API has rejected, are
    skipped. If a trace cannot be read the others are added, and the exit code is 2.

    \b
    Examples:
      bootseq fleet add boots.fleet nightly/*.trace.jsonl.gz
      bootseq fleet add boots.fleet --trait job=nightly --watch /srv/traces
    """
    from tracer.fleet import adding, engine, store

    engine.duckdb()
    if not traces and watch is None:
        raise TracerError("fleet add needs a TRACE or --watch DIR")
    common = dict(map(_trait, traits))
    by_boot = _traits_of(traits_file) if traits_file else {}
    with store.created(path) as opened:
        failed = False
        if traces:
            with progress() as doing:
                added = adding.add(opened, _files(traces), common, by_boot, lambda file: doing(f"adding {file}"))
            failed = _report_added(path, added)
        if watch is not None:
            _watch(opened, path, watch, common, by_boot)
    if failed:
        sys.exit(2)


def _trait(text: str) -> tuple[str, str]:
    from tracer.fleet import conditions
    from tracer.fleet.schema import BOOTS

    name, equals, value = text.partition("=")
    conditions.column(name)
    if not equals or name in BOOTS or name == "day":
        raise TracerError(f"--trait {text}: write it as NAME=VALUE, with a name that is no column of the store")
    return name, value


def _traits_of(path: Path) -> dict[str, dict[str, str]]:
    try:
        content = json.loads(read.small_text(path, _MAX_TRAITS))
        return {
            str(uuid): dict(_trait(f"{name}={value}") for name, value in traits.items())
            for uuid, traits in content.items()
        }
    except (ValueError, AttributeError, RecursionError):
        raise TracerError(f'{path}: expected JSON of the form {{"UUID": {{"NAME": VALUE}}}}') from None


def _files(words: tuple[str, ...]) -> Iterator[Path]:
    from tracer.sources.listing import Listing

    listing = Listing()
    names = [name for word in words for name in ((line.rstrip("\n") for line in sys.stdin) if word == "-" else [word])]
    passed: set[Path] = set()
    for path in map(Path, filter(None, names)):
        inner = [file for file in listing.files(path) if file.name.endswith(_TRACES)] if path.is_dir() else [path]
        yield from (file for file in inner if file not in passed)
        passed.update(inner)


def _report_added(path: Path, added: Added) -> bool:
    """Print how much was added; return whether a trace could not be read."""
    for error in added.errors:
        printing.note(error)
    parts = [f"{plural(added.new, 'boot')} added"]
    if added.known:
        parts.append(f"{added.known} known already")
    if added.without_instance:
        parts.append(f"{added.without_instance} without an instance skipped")
    printing.out(f"{path}: {', '.join(parts)}")
    return bool(added.errors)


def _watch(opened: Store, path: Path, folder: Path, traits: dict[str, str], by_boot: dict[str, dict[str, str]]) -> None:
    """Add a folder's traces as they appear or change, until a signal."""
    from tracer.callbacks import ignore
    from tracer.fleet import adding
    from tracer.sources.listing import Listing

    if not folder.is_dir():
        raise TracerError(f"{folder}: not a folder")
    signals.listen()
    passed: dict[Path, float] = {}
    try:
        while True:
            present = {file: file.stat().st_mtime for file in Listing().files(folder) if file.name.endswith(_TRACES)}
            fresh = [file for file, changed in present.items() if passed.get(file) != changed]
            passed |= {file: present[file] for file in fresh}
            if fresh:
                _report_added(path, adding.add(opened, fresh, traits, by_boot, ignore))
            time.sleep(_PERIOD)
    except KeyboardInterrupt:
        printing.note(f"stopped watching {folder}")


@fleet.command()
@_memory_option
@_store_argument
def compact(path: Path, memory: str) -> None:
    """Merge the files of each day into one, and remove what interrupted commands left; others may go on meanwhile.

    \b
    Example:
      bootseq fleet compact boots.fleet
    """
    from tracer.fleet import compaction, engine, store

    engine.duckdb()
    with store.opened(path, write=True) as opened, progress() as doing:
        days = sorted({segment.day for segment in opened.listing().segments})
        merged = 0
        for number, day in enumerate(days):
            doing(f"compacting {day}", number / len(days))
            merged += compaction.compact_day(opened, day, memory)
        merged += compaction.compact_keys(opened)
        removed = compaction.remove_remnants(opened)
    rest = f", {plural(removed, 'remnant')} removed" if removed else ""
    printing.out(f"{path}: {plural(merged, 'segment')} merged{rest}")


@fleet.command()
@click.option("--before", required=True, metavar="DAY", help="Remove the boots that started before this day, UTC.")
@_store_argument
def expire(path: Path, before: str) -> None:
    """Remove old boots.

    \b
    Example:
      bootseq fleet expire boots.fleet --before 2026-01-01
    """
    from tracer.fleet import compaction, store

    try:
        day = date.fromisoformat(before)
    except ValueError:
        raise TracerError(f"--before {before}: write it as 2026-01-01") from None
    with store.opened(path, write=True) as opened:
        days, segments = compaction.expire(opened, day)
    printing.out(f"{path}: {plural(segments, 'segment')} of {plural(days, 'day')} removed")


@fleet.command("list")
@click.option("--boots", is_flag=True, help="List each boot instead of each day.")
@fleet_questions.where_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_memory_option
@_store_argument
def list_(path: Path, boots: bool, where: str, as_json: bool, memory: str) -> None:
    """List the days of STORE with their boots, failures, hosts and releases.

    \b
    Examples:
      bootseq fleet list boots.fleet
      bootseq fleet list boots.fleet --boots --where 'outcome=error'
    """
    from tracer.fleet import engine, inventory, store

    with store.opened(path) as opened:
        query = inventory.boots if boots else inventory.days
        rows = engine.ask(opened, lambda connection: query(engine.runner(connection), where), memory=memory)
    if as_json:
        printing.as_json([{name: _plain(value) for name, value in row.items()} for row in rows])
        return
    if not rows:
        printing.out("no boots")
    for line in printing.aligned([[_word(value) for value in row.values()] for row in rows]):
        printing.out(line)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat(timespec="milliseconds")
    return value.isoformat() if isinstance(value, date) else value


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in value.items()) or "-"
    return str(_plain(value)) if value not in (None, "") else "-"


@fleet.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_store_argument
def check(path: Path, as_json: bool) -> None:
    """Verify every file of STORE, and name those that are damaged; nothing is repaired.

    The exit code is 0 if all is well, 1 if boots are damaged or missing. Files that an interrupted command left are
    named too; `bootseq fleet compact` removes them.

    \b
    Example:
      bootseq fleet check boots.fleet
    """
    from tracer.fleet import checking, engine, store

    engine.duckdb()
    with store.opened(path) as opened, progress() as doing:
        faults = checking.check(opened, doing)
        count = len(opened.listing().segments)
    serious = [fault for fault in faults if not fault.harmless]
    if as_json:
        printing.as_json([{"file": f.file, "reason": f.reason, "harmless": f.harmless} for f in faults])
    else:
        for fault in faults:
            printing.out(f"{path}/{fault.file}: {fault.reason}")
        printing.out(f"{path}: {plural(count, 'segment')}, {plural(len(serious), 'fault')}")
        if serious:
            again = command("bootseq", "fleet", "add", path, "TRACE")
            printing.out(f"remove the damaged boots files and add their traces again: {again}")
    if serious:
        sys.exit(1)


for question in (*fleet_questions.COMMANDS, fleet_sql.sql):
    fleet.add_command(question)
