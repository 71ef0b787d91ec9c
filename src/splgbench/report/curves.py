"""The figures of a ranking."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean

from splgbench.report.charts import NEUTRAL, Axis, Chart, Series
from splgbench.report.integrals import gap_steps, levels_at
from splgbench.report.measures import RESOLUTION_S, capped_gap, quantile, shifted_geometric_mean
from splgbench.report.profiles import profile, ratios
from splgbench.report.ranking import Ranking
from splgbench.report.records import Run
from splgbench.report.texts import shortened

LONGEST_TITLE = 28
"""Characters of a method's name beside an axis."""
UNKNOWN_SIZES = "The store does not say how many offers the instances have."
Looks = Mapping[str, int]
"""Number of a method's look."""

_MOMENTS = 60
_BANDS = 3
"""Methods that have a band: more of them cover each other."""


def performance_profile(ranking: Ranking, looks: Looks) -> Chart:
    """Dolan and More's profile with the virtual best as its reference."""
    found = ratios(ranking.times)
    finite = [value for values in found.values() for value in values if math.isfinite(value)]
    right = max([2.0, *finite]) * 1.1
    series = []
    for method in ranking.methods:
        points = profile(found[method])
        start = points[0][1] if points and points[0][0] == 1 else 0.0
        x = [1.0, *(tau for tau, _ in points), right]
        y = [start, *(share for _, share in points), points[-1][1] if points else 0.0]
        series.append(Series(method, x, y, looks[method], "step"))
    return Chart(
        "profile",
        "Performance profile",
        "The share of runs that a method solves within a multiple of the fastest method's time (Dolan and More 2002). "
        "The virtual best is at 100 % of what anyone solves, from 1 on. The order of the curves can change when a "
        "method leaves: read it with the leaderboard and the table of instances.",
        Axis("time / time of the fastest", log=True, span=(1.0, right)),
        Axis("share of runs", percent=True, span=(-0.02, 1.02)),
        series,
    )


def gap_bands(ranking: Ranking, looks: Looks) -> Chart:
    """Median of the gap over time, with the quartiles of the first methods."""
    limit = max([*ranking.limits, RESOLUTION_S])
    moments = [limit * 1000 ** (i / (_MOMENTS - 1) - 1) for i in range(_MOMENTS)]
    series = []
    banded = {standing.method for standing in ranking.standings[:_BANDS]}
    for method in ranking.methods:
        runs = [levels_at(gap_steps(run.trace, run.wall_time, run.gap), moments) for run in ranking.runs(method)]
        middle, low, high = ([quantile(at, share) for at in zip(*runs, strict=True)] for share in (0.5, 0.25, 0.75))
        band = (tuple(low), tuple(high)) if method in banded else ((), ())
        series.append(Series(method, moments, list(middle), looks[method], "line", *band))
    of = f", of the {_BANDS} first of the ranking" if len(ranking.methods) > _BANDS else ""
    return Chart(
        "gap-over-time",
        "Gap over time",
        f"The median gap over all runs of the ranking, with the band from the lower to the upper quartile{of}. A gap "
        "counts 100 % before the first incumbent and at most 100 % after it.",
        Axis("seconds", log=True, span=(moments[0], limit)),
        Axis("gap", percent=True, span=(-0.02, 1.02)),
        series,
    )


def cactus(ranking: Ranking, looks: Looks) -> Chart:
    """Solved runs against time."""
    series = []
    for method in ranking.methods:
        times = sorted(max(time, RESOLUTION_S) for time in ranking.times[method] if math.isfinite(time))
        solved = [float(position) for position in range(1, len(times) + 1)]
        series.append(Series(method, times, solved, looks[method], "line+points"))
    return Chart(
        "cactus",
        "Solved over time",
        f"How many of the {len(ranking.tasks)} runs a method solves within a time.",
        Axis("seconds", log=True),
        Axis("runs solved", span=(0, len(ranking.tasks) * 1.04)),
        series,
        "No method solved any of the runs.",
    )


def scatter(ranking: Ranking, first: str, second: str) -> Chart:
    """The times of two methods, run by run; the page puts others in their place."""
    x, y = ([max(time, RESOLUTION_S) for time in ranking.seconds(method)] for method in (first, second))
    texts = [ranking.table[first][task].instance for task in ranking.tasks]
    low, high = min([*x, *y, 0.1]), max([*x, *y, *ranking.limits]) * 1.2
    return Chart(
        "scatter",
        "Two methods, run by run",
        "A point below the line is a run that the method of the upright axis solves faster. Unsolved runs lie at the "
        "limit.",
        Axis(f"seconds, {shortened(first, LONGEST_TITLE)}", log=True, span=(low * 0.8, high)),
        Axis(f"seconds, {shortened(second, LONGEST_TITLE)}", log=True, span=(low * 0.8, high)),
        [
            Series("equal", [low * 0.8, high], [low * 0.8, high], NEUTRAL),
            Series("runs", x, list(y), 0, "points", texts=texts, in_legend=False),
        ],
    )


def scaling(ranking: Ranking, looks: Looks) -> list[Chart]:
    """Time and gap against the number of offers."""
    sizes = {digest: row["offers"] for digest, row in ranking.records.instances.items()}
    offers = size_axis(sizes[digest] for digest in {task[0] for task in ranking.tasks} if digest in sizes)
    times, gaps = [], []
    for method in ranking.methods:
        grouped: dict[str, list[Run]] = defaultdict(list)
        for run in ranking.runs(method):
            grouped[run.instance_hash].append(run)
        known = [(sizes[digest], runs) for digest, runs in grouped.items() if digest in sizes]
        ordered = sorted(known, key=lambda point: (point[0], point[1][0].instance))
        x = [size for size, _ in ordered]
        texts = [runs[0].instance for _, runs in ordered]
        seconds = [shifted_geometric_mean([run.seconds for run in runs], ranking.shift) for _, runs in ordered]
        gap = [fmean(capped_gap(run.gap) for run in runs) for _, runs in ordered]
        seconds = [max(time, RESOLUTION_S) for time in seconds]
        times.append(Series(method, x, list(seconds), looks[method], "points", texts=texts))
        gaps.append(Series(method, x, list(gap), looks[method], "points", texts=texts))
    note = "One point an instance, its seeds averaged"
    return [
        Chart(
            "scaling-time",
            "Time against size",
            f"{note} (shifted geometric mean, shift {ranking.shift:g} s); unsolved runs count at the limit.",
            offers,
            Axis("seconds", log=True),
            times,
            UNKNOWN_SIZES,
        ),
        Chart(
            "scaling-gap",
            "Gap against size",
            f"{note}; gaps at the limit, capped at 100 %.",
            offers,
            Axis("gap at the limit", percent=True, span=(-0.02, 1.02)),
            gaps,
            UNKNOWN_SIZES,
        ),
    ]


def size_axis(offers: Iterable[int]) -> Axis:
    """The axis of figures over the number of offers, logarithmic unless an instance has none."""
    return Axis("offers", log=all(number > 0 for number in offers))
