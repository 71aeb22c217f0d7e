"""A generated site, its questions and their cost: python -m tests.fleet --boots 10000.

Prints a row a question: planted faults that were reported, findings that are none, CPU seconds, peak memory. With
--nothing N it asks N sites in which nothing is planted, each by another seed; every finding there is a false one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fleet.generator import SLOW_HOST, Planted, Site, generate

#: Runs the command line and prints, on stderr, its CPU seconds and its peak memory.
_MEASURE = """
import resource, sys
from tracer.__main__ import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer as JSON, and its cost: CPU seconds, and MB at the peak."""

    content: dict[str, Any]
    cpu: float
    memory: int


def main() -> int:
    """Generate, ask and print; return 1 if something planted was missed or something else was reported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boots", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--nothing", type=int, default=0, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.nothing:
            return _nothing(Path(folder), options.boots, options.nothing, options.memory)
        path = Path(folder, "fleet")
        planted = generate(path, Site(options.boots, seed=options.seed))
        bad = 0
        for name, arguments, expected in _questions(planted):
            answer = ask(path, options.memory, *arguments)
            reported = findings(name, answer.content)
            bad += len(reported ^ expected)
            print(
                f"{name:9} {len(reported & expected)} of {len(expected)} planted, {len(reported - expected)} others, "
                f"{answer.cpu:.1f} CPU s, {answer.memory} MB",
                flush=True,
            )
    return int(bad > 0)


def _questions(planted: Planted) -> list[tuple[str, tuple[str, ...], set[str]]]:
    """Return each question, its arguments, and what it should find."""
    day = planted.slow_day.isoformat()
    slow = set(map(str, planted.slow))
    return [
        ("slower", ("slower", f"day<{day}", f"day>={day}"), slow),
        ("since", ("since",), slow),
        ("hosts", ("hosts",), {f"{SLOW_HOST} {key}" for key in planted.host}),
        ("failures", ("failures",), {"NoValidHost", "BuildAbortException"}),
        ("laws", ("laws",), set(map(str, planted.port_sql))),
        ("odd", ("odd",), set(planted.odd)),
        ("report", ("report",), slow),
    ]


def findings(name: str, content: dict[str, Any]) -> set[str]:
    """Return what an answer reports, in the words of ``_questions``."""
    if name == "hosts":
        return {f"{row['host']} {row['key']}" for row in content["hosts"]}
    if name == "failures":
        return {row["error"] for row in content["steps"] if row["good"] == 0}
    if name == "odd":
        return {row["uuid"] for row in content["boots"]}
    if name == "report":
        return {step["key"] for step in content["steps"] if step["ratio"] is not None}
    table = {"slower": "slower", "since": "changes", "laws": "changed_steps"}[name]
    return {row["key"] for row in content[table]}


def ask(path: Path, memory: str, question: str, *arguments: str) -> Asked:
    """Ask a question in a process of its own."""
    command = [sys.executable, "-c", _MEASURE, "fleet", question, "--json", "--memory", memory, str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 2) or not done.stdout:
        sys.exit(done.stderr)
    cpu, megabytes = done.stderr.split()[-2:]
    return Asked(json.loads(done.stdout), float(cpu), int(megabytes))


def _nothing(folder: Path, boots: int, count: int, memory: str) -> int:
    """Compare halves of sites in which nothing changes; print and return whether anything was reported."""
    total = 0
    for seed in range(count):
        path = folder / f"{seed}"
        generate(path, Site(boots, seed=1000 + seed, planted=False))
        content = ask(path, memory, "slower", "day<2026-10-01", "day>=2026-10-01").content
        total += len(content["slower"]) + len(content["faster"])
        print(f"site {seed}: {total} findings so far", flush=True)
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main())
