"""The command line of the gallery: python -m examples.gallery draws all of its files again."""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from examples.gallery import drawing, page, recording
from examples.gallery.plan import HERE, PICTURES, SCREENSHOTS, STORED


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=HERE, help="[default: the gallery's own]"
)
@click.option("--screenshots/--no-screenshots", default=True, help="Take screenshots of the HTML page with Chromium.")
@click.option("--record", is_flag=True, help="First record boots.trace.jsonl.gz again, in the embedded cloud.")
def main(folder: Path, screenshots: bool, record: bool) -> None:
    """Draw the gallery from its recordings.

    Example: python -m examples.gallery
    """
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if screenshots and chromium is None:
        raise click.UsageError("no Chromium for the screenshots; install it, or pass --no-screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    if record:
        recording.record(STORED)
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
    """Draw the gallery's files in ``work``; return their paths."""
    drawing.ingest(work)
    drawn = [drawing.draw(picture, work) for picture in PICTURES]
    if chromium is None:
        return drawn
    for line in dict.fromkeys(map(drawing.page_command, SCREENSHOTS)):
        drawing.run(line, work)
    return drawn + drawing.photograph(work, chromium)


if __name__ == "__main__":
    main(prog_name="python -m examples.gallery")
