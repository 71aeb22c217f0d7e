"""The gallery's drawing: recordings become traces, commands draw from them, a browser takes screenshots."""

import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from examples.gallery.plan import RECORDINGS, SCREENSHOTS, Picture, Recording, Screenshot

#: The bootseq beside this Python.
BOOTSEQ = Path(sys.executable).with_name("bootseq")
_SIZE = {"width": 1280, "height": 540}


class GalleryError(Exception):
    """A failed command with its stderr."""


def ingest(folder: Path) -> None:
    """Write every recording's trace file into ``folder``."""
    for recording in RECORDINGS:
        _ingest(recording, folder)


def _ingest(recording: Recording, folder: Path) -> None:
    if recording.source.name.endswith(".trace.jsonl.gz"):
        shutil.copyfile(recording.source, folder / recording.trace)
        return
    to = folder / recording.command.rpartition(" ")[2]
    if recording.source.is_dir():
        shutil.copytree(recording.source, to)
    else:
        with tarfile.open(recording.source) as archive:
            archive.extractall(to, filter="data")
    run(recording.command, folder)


def draw(picture: Picture, folder: Path) -> Path:
    """Run the picture's commands in ``folder``; return its file."""
    for line in picture.commands:
        run(line, folder)
    return folder / picture.file


def run(line: str, folder: Path) -> None:
    """Run a command line of the gallery in ``folder``."""
    name, *arguments = shlex.split(line)
    command = [str(BOOTSEQ) if name == "bootseq" else name, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GalleryError(f"{line}: exit code {done.returncode}: {done.stderr.strip()}")


def photograph(folder: Path, chromium: str) -> list[Path]:
    """Take the screenshots of the pages in ``folder``; return their files."""
    with sync_playwright() as playwright:
        # No sandbox: as root Chromium has none. The pages are our own.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        files = []
        for shot in SCREENSHOTS:
            page = browser.new_page(viewport=_SIZE, color_scheme="dark" if shot.dark else "light")  # type: ignore[arg-type]
            page.goto((folder / shot.page).as_uri() + (f"#{shot.step}" if shot.step else ""))
            for key in shot.keys:
                page.keyboard.press(key)
            page.wait_for_timeout(500)  # the minimap is painted when the page is idle
            page.screenshot(path=folder / shot.file)
            files.append(folder / shot.file)
        browser.close()
    return files


def page_command(shot: Screenshot) -> str:
    """Return the command that draws the screenshot's page."""
    return f"bootseq draw boot.trace.jsonl.gz vm1 -o {shot.page}"
