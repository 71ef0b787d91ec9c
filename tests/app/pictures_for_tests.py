"""Pictures that the browser tests take: for the documentation where SPLGBENCH_PICTURES names a folder."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

COLOURS = 128


def take(page: Any, name: str, height: int = 900) -> bytes:
    """Take a picture of a page as it stands, its top `height` pixels; returns the PNG."""
    from PIL import Image

    width = page.viewport_size["width"]
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(150)
    shot = page.screenshot(animations="disabled")
    page.set_viewport_size(before)
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS)
    data = io.BytesIO()
    picture.save(data, "png", optimize=True)
    folder = os.environ.get("SPLGBENCH_PICTURES")
    if folder:
        (Path(folder) / f"{name}.png").write_bytes(data.getvalue())
    return data.getvalue()
