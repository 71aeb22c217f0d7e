"""Making the gallery: recordings become traces, commands draw from them, a browser looks at the page."""

import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from examples.gallery.plan import KEPT, RECORDINGS, SCREENSHOTS, Picture, Recording, Screenshot

#: The bootseq beside the Python that runs this.
BOOTSEQ = Path(sys.executable).with_name("bootseq")
_SIZE = {"width": 1280, "height": 540}


class GalleryError(Exception):
    """A command failed: which, and what it said."""


def ingest(folder: Path) -> None:
    """Every recording's trace file, in ``folder``."""
    for recording in RECORDINGS:
        _ingest(recording, folder)


def _ingest(recording: Recording, folder: Path) -> None:
    if recording.source == KEPT:
        shutil.copyfile(KEPT, folder / recording.trace)
        return
    to = folder / recording.command.rpartition(" ")[2]
    if recording.source.is_dir():
        shutil.copytree(recording.source, to)
    else:
        with tarfile.open(recording.source) as archive:
            archive.extractall(to, filter="data")
    run(recording.command, folder)


def draw(picture: Picture, folder: Path) -> Path:
    """Its file, made in ``folder`` by its commands."""
    for line in picture.commands:
        run(line, folder)
    return folder / picture.file


def run(line: str, folder: Path) -> None:
    """One command of the gallery, as it stands there."""
    name, *arguments = shlex.split(line)
    asked = [str(BOOTSEQ) if name == "bootseq" else name, *arguments]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GalleryError(f"{line}: exit code {done.returncode}: {done.stderr.strip()}")


def photograph(folder: Path, chromium: str) -> list[Path]:
    """Pictures of the pages in ``folder``."""
    with sync_playwright() as playwright:
        # No sandbox: as root Chromium has none. The pages are our own.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        made = []
        for shot in SCREENSHOTS:
            page = browser.new_page(viewport=_SIZE, color_scheme="dark" if shot.dark else "light")  # type: ignore[arg-type]
            page.goto((folder / shot.page).as_uri() + (f"#{shot.step}" if shot.step else ""))
            for key in shot.keys:
                page.keyboard.press(key)
            page.wait_for_timeout(500)  # the minimap is painted when nothing else is to do
            page.screenshot(path=folder / shot.file)
            made.append(folder / shot.file)
        browser.close()
    return made


def page_command(shot: Screenshot) -> str:
    """What makes the page of which it is a picture."""
    return f"bootseq draw boot.trace.jsonl.gz vm1 -o {shot.page}"
