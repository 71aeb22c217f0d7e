"""The command line that CI systems call: python -m examples.ci compare --old 32 --new 34 -o REPORTS, and review."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import click

from examples.ci import comparison, reviewing
from examples.ci.commands import CANNOT_TELL, CommandError
from examples.ci.matrix import compare_neighbours
from examples.ci.recordings import Plan
from examples.ci.resolution import find, packages
from examples.ci.resolution.find import Choice
from examples.embedded import EmbeddedError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


def _recording_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of recordings and of their comparison."""
    options = [
        click.option("--boots", type=click.IntRange(1), default=5, show_default=True, help="Boots of each release."),
        click.option("--mode", type=click.Choice(["processes", "one-process"]), default="processes", show_default=True),
        click.option(
            "--threads", type=click.Choice(["default", "native", "eventlet"]), default="default", show_default=True,
            help="What Nova's services run on.",
        ),
        click.option("--driver", type=click.Choice(["libvirt", "fake"]), help="One process only. [default: libvirt]"),
        click.option("--placement", metavar="VERSION", default="", help="The version of Placement on both sides."),
        click.option(
            "--constraints", type=_FILE, metavar="FILE",
            help="Versions of libraries, in the form of OpenStack's upper-constraints.txt.",
        ),
        click.option("--fresh", is_flag=True, help="Boot even if the cache has boots of the same packages."),
        click.option(
            "--policy", "policies", multiple=True, type=_FILE,
            help="For bootseq diff, on top of its defaults; may be repeated.",
        ),
        click.option("-o", "--output", type=_FOLDER, required=True, help="A folder for the reports."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def main() -> None:
    """Compare how two releases of Nova, or two revisions of its source, boot a server."""


@main.command()
@click.argument("releases", nargs=-1)
@click.option("--old", metavar="RELEASE", help="The release to compare with.")
@click.option("--new", metavar="RELEASE", help="The release to examine.")
@click.option("--change", metavar="NAME==OLD..NEW", help="Compare two versions of a library, on the Nova of --old.")
@click.option("--matrix", is_flag=True, help="Compare each of RELEASES with the next one.")
@_recording_options
def compare(
    releases: tuple[str, ...], old: str | None, new: str | None, change: str | None, matrix: bool, output: Path,
    policies: tuple[Path, ...], **options: Any,
) -> None:  # fmt: skip
    """Record boots of two releases, compare them, write reports.

    A RELEASE is a series (34), a version (33.0.2), or the path of a checkout or sdist of Nova. The exit code is that of
    `bootseq diff`: 0 the same, 1 different by the policy, 2 undecided.

    \b
    Examples:
      python -m examples.ci compare --old 32 --new 34 --policy examples/ci/policy.yaml -o reports
      python -m examples.ci compare --old 34 --new ~/src/nova -o reports
      python -m examples.ci compare --matrix 31 32 33 34 -o reports
      python -m examples.ci compare --old 34 --change oslo.messaging==17.3.0..18.3.1 -o reports
    """
    if matrix != bool(releases) or (matrix and (old or new or change or len(releases) < 2)):
        raise click.UsageError("--matrix takes two or more RELEASES, and neither --old, --new nor --change")
    if not matrix and (old is None or (new is None) == (change is None)):
        raise click.UsageError("pass --old and --new, or --old and --change, or --matrix and RELEASES")
    plan, choice = _plan(**options)
    policy = [f"--policy={path}" for path in policies]

    def run() -> int:
        if matrix:
            return compare_neighbours([find.find(name, choice) for name in releases], plan, output, policy)
        base = find.find(str(old), choice)
        pair = find.change(base, change) if change else (base, find.find(str(new), choice))
        if change:
            locks = (release.lock.read_text() for release in pair)
            click.echo(f"packages that differ: {', '.join(packages.moved(*locks))}", err=True)
        return comparison.compare(*comparison.sides(*pair), plan, output, policy)

    _exit("compare", run)


@main.command()
@click.argument("checkout", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--base", metavar="REVISION", help="The revision to compare with.")
@click.option(
    "--head", metavar="REVISION", default="", help="The revision under review. [default: the files as they are]"
)
@click.option(
    "--baseline", type=click.Path(dir_okay=False, path_type=Path), help="Compare with this file, not with --base."
)
@click.option("--bless", is_flag=True, help="Write the head's boots to --baseline.")
@click.option("--artifact-url", metavar="URL", default="", help="Where OUTPUT is published, for links in the comment.")
@_recording_options
def review(
    checkout: Path, base: str | None, head: str, baseline: Path | None, bless: bool, artifact_url: str, output: Path,
    policies: tuple[Path, ...], **options: Any,
) -> None:  # fmt: skip
    """Compare how a checkout of Nova boots a server before and after a change; write a review comment.

    OUTPUT/comment.md is the comment, OUTPUT/report.html the page that it links to. The exit code is that of
    `bootseq diff`: 0 the same, 1 different by the policy, 2 undecided; with --bless it is 0.

    \b
    Examples:
      python -m examples.ci review ~/src/nova --base origin/master -o reports
      python -m examples.ci review ~/src/nova --baseline boots/nova.baseline --bless -o reports
    """
    if (base is None) == (baseline is None):
        raise click.UsageError("pass --base or --baseline")
    if bless and baseline is None:
        raise click.UsageError("--bless needs --baseline, the file to write")
    plan, choice = _plan(**options)
    change = reviewing.Review(checkout.resolve(), base or "", head, artifact_url)
    diff_options = [f"--policy={path}" for path in (reviewing.POLICY, *policies)]

    def run() -> int:
        if baseline:
            return reviewing.against_baseline(change, baseline, bless, plan, choice, output, diff_options)
        return reviewing.against_base(change, plan, choice, output, diff_options)

    _exit("review", run)


def _plan(
    boots: int, mode: str, threads: str, driver: str | None, placement: str, constraints: Path | None, fresh: bool
) -> tuple[Plan, Choice]:
    if mode == "processes" and driver is not None:
        raise click.UsageError("--driver is for --mode one-process: separate processes run the fake driver")
    text = constraints.read_text() if constraints else ""
    return Plan(boots, mode, threads, driver or "libvirt", fresh), Choice(placement, text)


def _exit(name: str, run: Callable[[], int]) -> None:
    signal.signal(signal.SIGTERM, _end)
    try:
        code = run()
    except (CommandError, EmbeddedError) as error:
        click.echo(f"{name}: {error}", err=True)
        code = CANNOT_TELL
    sys.exit(code)


def _end(number: int, frame: FrameType | None) -> None:
    """Exit by an exception, so that a cancelled job stops the cloud on the way out."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main(prog_name="python -m examples.ci")
