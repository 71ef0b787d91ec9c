"""A log keeps its beginning and its end, whatever is written and whenever it is cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from splgbench.logs import CAP, KEPT, CappedLog


@pytest.mark.parametrize(
    "parts", [[10], [CAP], [CAP + 1], [CAP + 1, 5], [CAP // 2, CAP, 3 * CAP, KEPT + 1], [CAP + 1, 0]]
)
def test_beginning_and_end_remain(parts: list[int], tmp_path: Path) -> None:
    """Cut after any part, the log counts exactly what it left out."""
    log = CappedLog(tmp_path / "log")
    written = b""
    with (tmp_path / "log").open("ab", buffering=0) as stream:
        for number, size in enumerate(parts):
            part = bytes((number * 7 + place * 31) % 251 for place in range(min(size, 1000))) * (size // 1000 + 1)
            stream.write(part[:size])
            written += part[:size]
            log.trim()
    log.close()
    kept = (tmp_path / "log").read_bytes()
    if len(parts) == 1 and parts[0] <= CAP:
        assert kept == written
        return
    left_out = len(written) - KEPT - min(KEPT, len(written) - KEPT)
    assert kept.startswith(written[:KEPT])
    assert kept.endswith(written[-KEPT:])
    assert f"\n[splgbench: {left_out} bytes left out]\n".encode() in kept


def test_a_log_that_grows_all_at_once(tmp_path: Path) -> None:
    """Nobody looked while it grew: it is cut when it is closed."""
    log = CappedLog(tmp_path / "log")
    os.write(log.descriptor, b"first" + b"x" * (2 * CAP) + b"last")
    log.close()
    text = (tmp_path / "log").read_bytes()
    assert len(text) < CAP
    assert text.startswith(b"first")
    assert text.endswith(b"last")
    assert b"bytes left out]" in text
