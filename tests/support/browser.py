"""A page in the system's Chromium, headless, driven through Playwright; errors in the page are collected."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: No sandbox, since tests run as root in containers. The page's own policy still applies.
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]


def chromium() -> str | None:
    """Return the browser's path, None where none is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def browser(fonts: Path | None = None) -> Iterator[Browser]:
    """Run a browser of the test's own; ``fonts`` is a fontconfig file in place of the system's."""
    # Imported late: the driver costs a quarter of a second, and other tests do not need it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        environment: dict[str, str | float | bool] = {**os.environ}
        if fonts is not None:
            environment["FONTCONFIG_FILE"] = str(fonts)
        running = playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS, env=environment)
        yield running
        running.close()


@dataclass
class Shown:
    """A page as the browser shows it."""

    page: Page
    #: Errors, violations of its policy, dialogs, and everything it tried to fetch.
    complaints: list[str] = field(default_factory=list)

    def complain(self, what: str) -> None:
        """Record a complaint unless it is empty."""
        if what:
            self.complaints.append(what)

    def ask(self, expression: str, argument: object = None) -> Any:
        """Return an expression's value in the page."""
        return self.page.evaluate(expression, argument)

    def rows(self) -> list[str]:
        """Return the addresses of all rows, from top to bottom, whether they are in the document or not."""
        return list(self.ask("[...bootseq.view.rows].filter(row => row >= 0).map(row => bootseq.address(row))"))

    def steps_shown(self) -> int:
        """Return the number of steps that all rows together represent."""
        return int(
            self.ask("[...bootseq.view.rows].filter(row => row >= 0).reduce((n, row) => n + bootseq.stepCount(row), 0)")
        )

    def chosen(self) -> str:
        """Return the outline's text of the chosen row, which is on the screen."""
        return self.page.locator(".row.chosen").inner_text()


def show(running: Browser, file: Path, fragment: str = "", **options: Any) -> Shown:
    """Open a file, as a double click would."""
    page = running.new_page(viewport={"width": 1400, "height": 900}, **options)
    shown = Shown(page)
    page.on("pageerror", lambda error: shown.complain(f"error: {error}"))
    page.on("console", lambda message: shown.complain(f"{message.type}: {message.text}"))
    page.on("dialog", lambda dialog: shown.complain(f"dialog: {dialog.message}"))
    page.on("request", lambda request: shown.complain("" if request.url.startswith(file.as_uri()) else request.url))
    page.goto(file.as_uri() + fragment)
    return shown
