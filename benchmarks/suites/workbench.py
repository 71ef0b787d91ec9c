"""What every suite stands on: instances made once a run, and work done once for all the figures it gives.

asv starts a process for every figure, in one folder for all suites that share a `setup_cache`. Files there hold the
instances and what was measured, so that a solve which gives six counters is done once.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .cases import INSTANCES, make

if TYPE_CHECKING:
    from splgbench.instance import Instance

Figures = Mapping[str, float]

LARGEST_PIECE = 120.0
"""Seconds of wall time that one figure may take, its solves included."""


class Workbench:
    """Base of the suites.

    `version` is set by hand: it changes where a figure is no longer comparable with those of the past.
    """

    version = "1"
    timeout = LARGEST_PIECE

    def setup_cache(self) -> None:
        """Make every instance once; one that an old version cannot make fails no figure but its own."""
        for name in INSTANCES:
            try:
                instance(name)
            except Exception as error:
                print(f"{name} cannot be made: {type(error).__name__}: {error}")

    setup_cache.timeout = LARGEST_PIECE  # type: ignore[attr-defined]


@cache
def instance(name: str) -> Instance:
    """The instance of a name, from this run's folder if it is there."""
    file = Path(f"{name}.pickle")
    if file.exists():
        made: Instance = pickle.loads(file.read_bytes())
        return made
    made = make(name)
    file.write_bytes(pickle.dumps(made))
    return made


def once(what: str, measure: Callable[[], Figures]) -> Figures:
    """The figures of some work, done where this run's folder has none of that name.

    Raises
    ------
    NotImplementedError
        What `measure` raises of that kind: the work cannot be done, and why. asv then skips the figure.
    """
    file = Path(f"{what}.json")
    if not file.exists():
        try:
            known: dict[str, object] = {"figures": dict(measure())}
        except NotImplementedError as reason:
            known = {"skipped": str(reason)}
        file.write_text(json.dumps(known))
    known = json.loads(file.read_text())
    if "skipped" in known:
        raise skipped(str(known["skipped"]))
    figures: Figures = known["figures"]  # type: ignore[assignment]
    return figures


def figure(figures: Figures, name: str) -> float:
    """One of them; not a number, which asv shows as n/a, where it is not among them."""
    if name not in figures:
        print(f"skipped: no {name} is counted here")
    return figures.get(name, math.nan)


def skipped(reason: str) -> NotImplementedError:
    """What `setup` raises where a figure is skipped; asv keeps no reason, so it is printed, too."""
    print(f"skipped: {reason}")
    return NotImplementedError(reason)
