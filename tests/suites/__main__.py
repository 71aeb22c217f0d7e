"""The command: ``python -m tests.suites [--slice] [--json FILE] [NAME …]``; exit code 1 where hooks change a suite."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from examples.embedded.errors import EmbeddedError
from tests.suites import judging, running, table, writing


def main() -> int:
    """Run the suites one after another; the table is rewritten after each. Return the exit code."""
    chosen = _parser().parse_args()
    try:
        return _run(chosen)
    except (table.SuitesError, EmbeddedError) as error:
        print(f"suites: {error}", file=sys.stderr)
        return 2


def _run(chosen: argparse.Namespace) -> int:
    suites = [suite for suite in table.find(chosen.names) if suite.slice or not chosen.slice]
    folder = Path(chosen.keep or tempfile.mkdtemp(prefix="suites-"))
    results = []
    for suite in suites:
        print(f"{suite.name} …", file=sys.stderr)
        extent = "slice" if chosen.slice else "whole"
        results.append(judging.judge(suite, extent, chosen.hooks, chosen.repeats, folder / suite.name))
        (folder / "table.txt").write_text(writing.as_text(results))
        (chosen.json or folder / "table.json").write_text(writing.as_json(results))
    print(writing.as_text(results), end="")
    print(f"reports and output: {folder}", file=sys.stderr)
    return 0 if all(result.is_same for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="suites (default: all)")
    parser.add_argument(
        "--slice", action="store_true", help="only the tests of each suite that are closest to the hooks"
    )
    parser.add_argument(
        "--hooks", choices=(running.START, running.MIDDLE), default=running.START,
        help="when hooks are installed: by bootseq run (start), or by bootseq attach after the first tests (middle)",
    )  # fmt: skip
    parser.add_argument(
        "--repeats", type=int, default=3, metavar="N", help="repetitions of differing tests on each side (3)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="new folder for reports and output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
