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
PATIENCE = 180_000
"""Milliseconds until something that does not come counts as missing; no claim on how long it takes."""


@dataclass
class Browser:
    """A browser and what its pages complained of.

    Parameters
    ----------
    context : of Playwright.
    home : how the addresses begin that pages may ask for.
    complaints : messages of the console that are warnings or errors, exceptions, and requests for anything else.
    """

    context: Any
    home: str = "file:"
    complaints: list[str] = field(default_factory=list)

    def open(self, page: Path, view: str = "", width: int = 1200) -> Any:
        """A page of a file that has run its script."""
        return self.visit(page.as_uri() + view, width)

    def visit(self, address: str, width: int = 1200) -> Any:
        """A page that has run its script."""
        tab = self.context.new_page()
        tab.set_viewport_size({"width": width, "height": 900})
        tab.on("console", self._heard)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", lambda request: self._asked(request.url))
        tab.goto(address)
        tab.wait_for_selector("body[data-ready=yes]")
        return tab

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "blob:")):
            self.complaints.append(f"asked for {url}")


@contextmanager
def browser(home: str = "file:") -> Iterator[Browser]:
    """Headless Chromium without a network; only what is on this machine can be reached.

    Parameters
    ----------
    home : how the addresses begin that pages may ask for.
    """
    from playwright.sync_api import sync_playwright

    alone = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=alone)
        try:
            context = chromium.new_context(offline=home.startswith("file:"))
            context.set_default_timeout(PATIENCE)
            yield Browser(context, home)
        finally:
            chromium.close()
