"""Pages in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Browser:
    """A browser and what its pages complained of.

    Parameters
    ----------
    context : of Playwright.
    complaints : messages of the console that are warnings or errors, exceptions, and requests for anything but files.
    """

    context: Any
    complaints: list[str] = field(default_factory=list)

    def open(self, page: Path, view: str = "", width: int = 1200) -> Any:
        """A page that has run its script."""
        tab = self.context.new_page()
        tab.set_viewport_size({"width": width, "height": 900})
        tab.on("console", self._heard)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", lambda request: self._asked(request.url))
        tab.goto(page.as_uri() + view)
        tab.wait_for_selector("body[data-ready=yes]")
        return tab

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(f"asked for {url}")


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield Browser(chromium.new_context(offline=True))
        finally:
            chromium.close()
