"""The review of a change: a checkout's boots at its base, or in a baseline, against those at its head."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.ci import commands, comparison
from examples.ci.blessing import bless as bless_file
from examples.ci.comment import Heading, comment
from examples.ci.comparison import Side
from examples.ci.recordings import Plan
from examples.ci.resolution import trees
from examples.ci.resolution.find import Choice, find
from examples.embedded import EmbeddedError

#: Times are noted only: a rerun would find others.
POLICY = Path(__file__).resolve().parent / "review-policy.yaml"
_ID = 12


@dataclass(frozen=True)
class Review:
    """A checkout, the revisions before and after the change, and the URL of the published reports.

    ``base`` is "" if a baseline takes its place, ``head`` is "" for the files as they are.
    """

    checkout: Path
    base: str
    head: str
    url: str = ""

    def head_id(self) -> str:
        """Return the commit of the head, "" for files that are not committed."""
        path = self.checkout
        if not trees.is_checkout(path) or (not self.head and trees.is_dirty(path)):
            return ""
        return trees.commit(path, self.head or "HEAD")

    def base_id(self) -> str:
        """Return the commit from which the head branched off, the base itself if they have no common history."""
        base = trees.commit(self.checkout, self.base)
        return trees.git(self.checkout, "merge-base", base, self.head or "HEAD", allowed=(0, 1)).strip() or base


def against_base(review: Review, plan: Plan, choice: Choice, output: Path, options: Sequence[str]) -> int:
    """Compare the boots of both revisions, write the reports and the comment; return the verdict's exit code."""
    if not trees.is_checkout(review.checkout):
        raise EmbeddedError(f"{review.checkout} is no git checkout: --base needs one")
    base, head = review.base_id(), review.head_id()
    old, new = (Side(find(str(review.checkout), choice, name), side) for name, side in ((base, "base"), (head, "head")))
    with _history(review, head) as (source, tip):
        # The commit of the files as they are may be the base itself: there is no history between them then.
        between = [] if tip == base else [f"--source=nova={source}:{base}..{tip}"]
        code = comparison.compare(old, new, plan, output, [*options, *between])
    _comment(review, base[:_ID], head[:_ID] or "the files as they are", output)
    return code


def against_baseline(
    review: Review, baseline: Path, bless: bool, plan: Plan, choice: Choice, output: Path, options: Sequence[str]
) -> int:
    """Compare a baseline with the head's boots; ``bless`` writes these to the baseline, and the exit code is 0."""
    output.mkdir(parents=True, exist_ok=True)
    head = review.head_id()
    recording = comparison.recorded(Side(find(str(review.checkout), choice, head), "head"), plan, output)
    if complaint := recording.complaint():
        raise EmbeddedError(complaint)
    code = 0
    if baseline.exists():
        code = comparison.report(baseline, output / "head.baseline", output, options)
        _comment(review, baseline.name, head[:_ID] or "the files as they are", output)
    elif not bless:
        raise EmbeddedError(f"no {baseline}: --bless writes it")
    if not bless:
        return code
    print(bless_file(baseline, (output / "head.baseline").read_text(), output / "baseline.diff"))
    return 0


def _comment(review: Review, base: str, head: str, output: Path) -> None:
    report = output / "report.json"
    if not report.exists():
        raise commands.CommandError("bootseq diff wrote no report")
    heading = Heading(base, head, review.url)
    page = (output / "report.html").read_text()
    (output / "comment.md").write_text(comment(json.loads(report.read_text()), page, heading))


@contextmanager
def _history(review: Review, head: str) -> Iterator[tuple[Path, str]]:
    """Yield a checkout and the head's commit in it.

    Files that are not committed get a commit in a clone, so that the checkout remains as it is.
    """
    if head:
        yield review.checkout, head
        return
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        trees.git(review.checkout, "clone", "--quiet", "--shared", "--no-checkout", str(review.checkout), str(clone))
        trees.git(clone, "reset", "--quiet")
        trees.copy_files(review.checkout, clone)
        trees.git(clone, "add", "--all")
        trees.git(clone, "commit", "--quiet", "--allow-empty", "-m", "Changes that are not committed")
        yield clone, trees.commit(clone, "HEAD")
