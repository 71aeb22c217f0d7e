"""``python -m examples.ci.seeded SDIST -o REPORTS``: twelve commits on Nova's source, and the review of each.

The sdist is put under git, with a commit for each entry of examples.ci.seeded_commits. Each commit is compared with its
parent: a change of the boot must be reported, anything else must not. Then the last commit is compared with the first
state, and each difference must name the commit that made it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from examples.ci import reviewing
from examples.ci.recordings import Plan
from examples.ci.resolution import trees
from examples.ci.resolution.find import Choice
from examples.ci.seeded_commits import COMMITS, Edit, Seeded
from examples.embedded import EmbeddedError


@dataclass(frozen=True)
class Result:
    """A seeded commit's id, its review, and the names of the commits that the review of all of them blames."""

    seeded: Seeded
    commit: str
    report: dict[str, Any]

    def differences(self) -> list[dict[str, Any]]:
        """Return the failing and warning differences."""
        return [change for change in self.report["changes"] if change["severity"] in ("fail", "warn")]

    def is_right(self) -> bool:
        """Return whether the change was reported with an expected class, or nothing was if nothing changed."""
        classes = {change["class"] for change in self.differences() if change["severity"] == "fail"}
        return bool(classes & self.seeded.classes) if self.seeded.classes else not self.differences()


def make(sdist: Path, checkout: Path, commits: Sequence[Seeded] = COMMITS) -> list[str]:
    """Put an sdist under git and add the commits; return the ids of all states, the sdist's first."""
    trees.copy(sdist, "", checkout)
    trees.git(checkout, "init", "--quiet", "-b", "main")
    ids = [_commit(checkout, "The source of the release")]
    for number, seeded in enumerate(commits, 1):
        for edit in seeded.edits:
            _apply(checkout / edit.path, edit)
        ids.append(_commit(checkout, f"{seeded.subject}\n\nChange-Id: I{number:040x}"))
    return ids


def _commit(checkout: Path, message: str) -> str:
    # Forced: an sdist contains files that its .gitignore names.
    trees.git(checkout, "add", "--all", "--force")
    trees.git(checkout, "commit", "--quiet", "-m", message)
    return trees.commit(checkout, "HEAD")


def _apply(path: Path, edit: Edit) -> None:
    text = path.read_text()
    if not edit.old:
        path.write_text(text + edit.new)
        return
    if text.count(edit.old) != edit.count:
        raise EmbeddedError(f"{path} has {text.count(edit.old)} times, not {edit.count}: {edit.old.strip()[:80]}")
    path.write_text(text.replace(edit.old, edit.new))


def review(checkout: Path, base: str, head: str, plan: Plan, output: Path) -> dict[str, Any]:
    """Review a range of commits; return its JSON report."""
    change = reviewing.Review(checkout, base, head)
    reviewing.against_base(change, plan, Choice(), output, [f"--policy={reviewing.POLICY}"])
    report: dict[str, Any] = json.loads((output / "report.json").read_text())
    return report


def named(report: dict[str, Any], results: Sequence[Result]) -> dict[str, list[str]]:
    """Return the texts of the differences in a review of all commits by the commit that the report names first."""
    by_commit: dict[str, list[str]] = {commit: [] for commit in ("", *(result.commit for result in results))}
    for change in report["changes"]:
        if change["severity"] in ("fail", "warn"):
            ids = [commit["id"] for commit in (change.get("origin") or {}).get("commits", [])]
            full = [result.commit for result in results if ids and result.commit.startswith(ids[0])]
            by_commit[full[0] if full else ""].append(f"{change['class']}: {change['text']}")
    return by_commit


def table(results: Sequence[Result], blamed: dict[str, list[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table: a row for each commit."""
    yield "| commit | expected | reported | right | in the review of all: differences that name it |"
    yield "| --- | --- | --- | --- | ---: |"
    for result in results:
        expected = " or ".join(sorted(result.seeded.classes)) or "nothing"
        reported = ", ".join(dict.fromkeys(change["class"] for change in result.differences())) or "nothing"
        right = "yes" if result.is_right() else "**no**"
        yield f"| {result.seeded.subject} | {expected} | {reported} | {right} | {len(blamed[result.commit])} |"
    if blamed[""]:
        yield f"| none of them | | | | {len(blamed[''])} |"


@click.command()
@click.argument("sdist", type=click.Path(exists=True, path_type=Path))
@click.option("--boots", default=3, show_default=True, help="Boots of each state.")
@click.option("--mode", type=click.Choice(["processes", "one-process"]), default="one-process", show_default=True)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True)
def main(sdist: Path, boots: int, mode: str, output: Path) -> None:
    """Print the table for the sdist of Nova 34.0.0; exit with 1 if a report is wrong."""
    output.mkdir(parents=True, exist_ok=True)
    checkout = output / "checkout"
    ids = make(sdist.resolve(), checkout)
    plan = Plan(boots=boots, mode=mode, driver="fake")
    results = []
    for number, (seeded, base, head) in enumerate(zip(COMMITS, ids, ids[1:], strict=False), 1):
        print(f"{number}: {seeded.subject}", file=sys.stderr)
        results.append(Result(seeded, head, review(checkout, base, head, plan, output / f"{number:02}")))
    blamed = named(review(checkout, ids[0], ids[-1], plan, output / "all"), results)
    text = "\n".join(table(results, blamed)) + "\n"
    (output / "table.md").write_text(text)
    click.echo(text)
    sys.exit(not all(result.is_right() for result in results))


if __name__ == "__main__":
    main()
