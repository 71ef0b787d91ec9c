"""Which figures of the suites the gate looks at, and how far each may move.

A figure is named as asv names it: ``solves.Trees.track_nodes(linked, highs, tiny-real)``.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SUITES = ("models", "solves", "decompositions", "engine")

COUNTERS = re.compile(
    r"models\.Sizes\..*\((?!gdp_)\w+, (\w+, (tiny-real|tiny-linked)|highs, basel)\)$"
    r"|models\.Sizes\..*\(gdp_\w+, highs, tiny-real\)$"
    r"|solves\.Relaxations\..*\((?!gdp_)\w+, highs, (tiny-real|tiny-linked)\)$"
    r"|solves\.Roots\..*\((?!gdp_)\w+, highs, (tiny-real|tiny-linked)\)$"
    r"|solves\.Trees\..*\((?!gdp_)\w+, (highs|scip|cpsat), (tiny-real|tiny-linked)\)$"
    r"|decompositions\.Rounds\..*(tiny-real|tiny-linked)\)$"
)
"""Counters that every run of the gate takes; the rest of the suites is asv's."""

CLOCKS = re.compile(
    r"models\.Building\.time_build\((big_m_literal|linked|semicontinuous|strengthened), basel\)$"
    r"|models\.Passing\.time_pass\(strengthened, basel\)$"
    r"|engine\.\w+\.time_\w+\(basel\)$"
)
"""Clocks that every run of the gate takes: what a change of the code itself can slow down."""


@dataclass(frozen=True)
class Tolerance:
    """How far a counter may move: by `relative` of the larger value, or by `absolute`, whichever is more."""

    relative: float = 0.0
    absolute: float = 0.0

    def allows(self, before: float, after: float) -> bool:
        return abs(after - before) <= max(self.absolute, self.relative * max(abs(before), abs(after)))


EXACT = Tolerance()
TOLERANCES: tuple[tuple[str, Tolerance], ...] = (
    # tracemalloc sees what the interpreter happens to keep.
    ("track_peak_memory", Tolerance(relative=0.02, absolute=4096)),
    # A solver's floating-point sum in another order of rows.
    ("_gap", Tolerance(absolute=1e-9)),
)
"""By a part of the figure's name, the first that fits; the others are exact."""


def tolerance(name: str) -> Tolerance:
    """How far a counter may move."""
    return next((allowed for part, allowed in TOLERANCES if part in name), EXACT)


@dataclass(frozen=True)
class Figure:
    """A benchmark of the suites on one combination of its parameters."""

    name: str
    suite: type
    method: str
    case: tuple[str, ...]

    def prepared(self) -> Any:
        """What takes it, set up; call the result.

        Raises
        ------
        NotImplementedError
            It is skipped, with the reason.
        """
        suite = self.suite()
        getattr(suite, "setup", lambda *_: None)(*self.case)
        return lambda: getattr(suite, self.method)(*self.case)


def figures(prefix: str, wanted: re.Pattern[str]) -> Iterator[Figure]:
    """The suites' figures whose method begins with `prefix` and whose name matches."""
    for module_name in SUITES:
        module = importlib.import_module(f"suites.{module_name}")
        for class_name, suite in inspect.getmembers(module, inspect.isclass):
            if suite.__module__ != module.__name__ or not hasattr(suite, "params"):
                continue
            for method, case in itertools.product(
                [name for name in vars(suite) if name.startswith(prefix)], itertools.product(*suite.params)
            ):
                name = f"{module_name}.{class_name}.{method}({', '.join(case)})"
                if wanted.search(name):
                    yield Figure(name, suite, method, case)
