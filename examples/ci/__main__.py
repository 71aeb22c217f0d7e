"""The command line that CI systems call: python -m examples.ci compare --old 32 --new 34 -o REPORTS."""

import signal
import sys
from pathlib import Path
from types import FrameType

import click

from examples.ci.commands import CANNOT_TELL, CommandError
from examples.ci.comparison import compare as compare_releases
from examples.ci.recordings import Plan
from examples.embedded import EmbeddedError
from examples.embedded.release import RELEASES

_RELEASE = click.Choice(list(RELEASES))


@click.group()
def main() -> None:
    """Compare how two releases of Nova boot a server."""


@main.command()
@click.option("--old", type=_RELEASE, required=True, help="The release to compare with.")
@click.option("--new", type=_RELEASE, required=True, help="The release to examine.")
@click.option("--boots", type=click.IntRange(1), default=5, show_default=True, help="Boots of each release.")
@click.option("--mode", type=click.Choice(["processes", "one-process"]), default="processes", show_default=True)
@click.option(
    "--threads", type=click.Choice(["default", "native", "eventlet"]), default="default", show_default=True,
    help="What Nova's services run on.",
)  # fmt: skip
@click.option("--driver", type=click.Choice(["libvirt", "fake"]), help="One process only. [default: libvirt]")
@click.option(
    "--policy", "policies", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For bootseq diff, on top of its defaults; may be repeated.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="A folder for the reports."
)  # fmt: skip
def compare(
    old: str, new: str, boots: int, mode: str, threads: str, driver: str | None, policies: tuple[Path, ...],
    output: Path,
) -> None:  # fmt: skip
    """Record boots of two releases, compare them, write reports.

    The exit code is that of `bootseq diff`: 0 the same, 1 different by the policy, 2 undecided.

    Example: python -m examples.ci compare --old 32 --new 34 --policy examples/ci/policy.yaml -o reports
    """
    if mode == "processes" and driver is not None:
        raise click.UsageError("--driver is for --mode one-process: separate processes run the fake driver")
    signal.signal(signal.SIGTERM, _end)
    try:
        code = compare_releases(old, new, Plan(boots, mode, threads, driver or "libvirt"), output, policies)
    except (CommandError, EmbeddedError) as error:
        click.echo(f"compare: {error}", err=True)
        code = CANNOT_TELL
    sys.exit(code)


def _end(number: int, frame: FrameType | None) -> None:
    """Exit by an exception, so that a cancelled job stops the cloud on the way out."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main(prog_name="python -m examples.ci")
