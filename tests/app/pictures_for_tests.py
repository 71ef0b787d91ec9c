"""Pictures that the browser tests take for the documentation, where SPLGBENCH_PICTURES names a folder."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

COLOURS = 128


def take(page: Any, name: str, height: int = 900) -> None:
    """Take a picture of the top `height` pixels of a page as it stands; without the variable, nothing."""
    folder = os.environ.get("SPLGBENCH_PICTURES")
    if not folder:
        return
    from PIL import Image

    before = page.viewport_size
    page.set_viewport_size({"width": before["width"], "height": height})
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(150)
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    page.set_viewport_size(before)
    picture.convert("RGB").quantize(COLOURS).save(Path(folder) / f"{name}.png", optimize=True)
