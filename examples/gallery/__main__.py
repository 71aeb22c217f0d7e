"""The command line of the gallery: python -m examples.gallery makes all of its files anew."""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from examples.gallery import drawing, page, recording
from examples.gallery.plan import HERE, KEPT, PICTURES, SCREENSHOTS


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=HERE, help="[default: the gallery's own]"
)
@click.option("--screenshots/--no-screenshots", default=True, help="With Chromium, of the HTML page.")
@click.option(
    "--record", is_flag=True, help="First boot the servers of boots.trace.jsonl.gz anew, in the embedded cloud."
)
def main(folder: Path, screenshots: bool, record: bool) -> None:
    """Draw the gallery anew from the recordings that are kept.

    Example: python -m examples.gallery
    """
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if screenshots and chromium is None:
        raise click.UsageError("no Chromium to take screenshots with: install it, or ask for --no-screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    if record:
        recording.record(KEPT)
    try:
        with tempfile.TemporaryDirectory() as work:
            for file in make(Path(work), chromium if screenshots else None):
                shutil.copyfile(file, folder / file.name)
                click.echo(f"{folder / file.name}: {file.stat().st_size / 1000:.0f} kB")
    except drawing.GalleryError as error:
        click.echo(f"gallery: {error}", err=True)
        sys.exit(2)
    (folder / "README.md").write_text(page.page())


def make(work: Path, chromium: str | None) -> list[Path]:
    """The gallery's files, made in ``work``."""
    drawing.ingest(work)
    made = [drawing.draw(picture, work) for picture in PICTURES]
    if chromium is None:
        return made
    for line in dict.fromkeys(map(drawing.page_command, SCREENSHOTS)):
        drawing.run(line, work)
    return made + drawing.photograph(work, chromium)


if __name__ == "__main__":
    main(prog_name="python -m examples.gallery")
