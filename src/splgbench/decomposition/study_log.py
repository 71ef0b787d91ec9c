"""A log of what a decomposition does, for study: one JSON object a line, all loops in one stream.

Every line has `time` (seconds since the solve began), `iteration` and `kind`; the rest goes by the kind.

| kind | fields |
| --- | --- |
| `bounds` | `primal`, `dual`, `source`: an event of the trace |
| `multipliers` | `bound` (L at them), `prices` as [family, name, name, price]: those of rows that are not 0 |
| `column` | `block`, `value`, `cases` as [hospital, group, cases] |
| `cut` | `block`, `constant`, `weights` as [hospital, group, weight]: theta_block <= constant + weights @ mandates |

Rows of cells are named by group and region; others by their number in the formulation's model and "". Cuts of
cells have no name and are left out of `prices`; `bound` counts them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from splgbench.errors import OutputError


class StudyLog:
    """The log of one solve.

    Parameters
    ----------
    path : the file, written anew; None for no log, which costs nothing.
    started : clock value (`time.perf_counter`) that times count from.

    Raises
    ------
    OutputError
        The file cannot be written.
    """

    def __init__(self, path: Path | None, started: float) -> None:
        self.started = started
        self.stream: TextIO | None = None
        if path is not None:
            try:
                self.stream = path.open("w", encoding="utf-8")
            except OSError as error:
                raise OutputError(f"cannot write {path}: {error.strerror}") from None

    def write(self, kind: str, iteration: int, fields: Callable[[], Mapping[str, Any]]) -> None:
        """Add a line; `fields` is asked only where there is a log."""
        if self.stream is not None:
            told = round(time.perf_counter() - self.started, 6)
            line = {"time": told, "iteration": iteration, "kind": kind, **fields()}
            self.stream.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """End the file."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
