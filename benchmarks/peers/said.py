"""What a peer's program tells the comparison: one line of JSON at a time, so that a killed run keeps its last word."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

MARK = "PEER "


def say(**facts: Any) -> None:
    """Tell some of: primal, dual (utility units), mandates (names of columns), ended, versions, options, counters."""
    finite = {k: v for k, v in facts.items() if not (isinstance(v, float) and not math.isfinite(v))}
    print(MARK + json.dumps(finite), flush=True)


def heard(lines: Iterable[str]) -> dict[str, Any]:
    """The last word on each fact; lines of other output, and one cut short, are passed over."""
    known: dict[str, Any] = {}
    for line in lines:
        if line.startswith(MARK):
            try:
                known |= json.loads(line.removeprefix(MARK))
            except json.JSONDecodeError:
                continue
    return known
