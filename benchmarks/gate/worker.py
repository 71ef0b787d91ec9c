"""A process that measures one revision on request: one JSON object a line in, one out.

``python worker.py TREE``: TREE holds the revision's splgbench; the suites are this checkout's, for both revisions.
"""

from __future__ import annotations

import gc
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:1] = [sys.argv[1], str(Path(__file__).parents[1])]

from gate.figures import CLOCKS, COUNTERS, figures  # noqa: E402

SHORTEST = 0.005
"""Seconds of processor time that one reading of a clock takes at least."""


def counters(only: str | None) -> dict[str, Any]:
    """Every counter of the gate: its value, or why there is none."""
    wanted = COUNTERS if only is None else re.compile(only)
    values: dict[str, Any] = {}
    for figure in figures("track_", wanted):
        try:
            value = figure.prepared()()
            values[figure.name] = value if math.isfinite(value) else "skipped: not counted here"
        except NotImplementedError as reason:
            values[figure.name] = f"skipped: {reason}"
        except Exception as error:
            values[figure.name] = f"failed: {type(error).__name__}: {error}"
    return values


class Clocks:
    """Clocks that are set up, each with how often one reading repeats it."""

    def __init__(self, only: str | None) -> None:
        self.ready: dict[str, Callable[[], Any]] = {}
        self.skipped: dict[str, str] = {}
        for figure in figures("time_", CLOCKS if only is None else re.compile(only)):
            try:
                run = figure.prepared()
                run()
            except NotImplementedError as reason:
                self.skipped[figure.name] = f"skipped: {reason}"
            except Exception as error:
                self.skipped[figure.name] = f"failed: {type(error).__name__}: {error}"
            else:
                self.ready[figure.name] = run
        # What is there stays, and is no work for the collector, which runs between readings only.
        gc.collect()
        gc.freeze()
        gc.disable()

    def numbers(self) -> dict[str, int]:
        """How often each must run for a reading of `SHORTEST`."""
        return {name: max(1, round(SHORTEST / max(self.read(name, 1), 1e-6))) for name in self.ready}

    def read(self, name: str, number: int) -> float:
        """Seconds of processor time that one call takes, the mean of `number`."""
        run = self.ready[name]
        gc.collect()
        began = time.process_time()
        for _ in range(number):
            run()
        return (time.process_time() - began) / number


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what suites print is no answer
    import splgbench

    if not Path(splgbench.__file__ or "").is_relative_to(sys.argv[1]):
        sys.exit(f"splgbench was imported from {splgbench.__file__}")
    clocks = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: Any
        if request["do"] == "counters":
            answer = counters(request["only"])
        elif request["do"] == "prepare":
            clocks = Clocks(request["only"])
            answer = {"skipped": clocks.skipped, "numbers": clocks.numbers()}
        else:
            assert clocks is not None
            answer = clocks.read(request["clock"], request["number"])
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
