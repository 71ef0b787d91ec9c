"""The figures of value-based planning: the report's charts, written as SVG and PDF."""

from __future__ import annotations

from splgbench.report.charts import NEUTRAL, Axis, Chart, Series
from splgbench.value.evaluation import Evaluation
from splgbench.value.frontier import Frontier, PointStatus, distinct


def event_study(found: Evaluation) -> Chart:
    """The effects by time since the start, with their intervals."""
    since = list(found.events)
    told = "not tested" if found.trends is None else f"p = {found.trends.p:.3f}"
    return Chart(
        "event-study",
        "Effect by time since the start",
        f"Relative to the period before the start, adjusted for case mix; {found.level:.0%} intervals, errors "
        f"clustered. Parallel trends (leads jointly 0): {told}.",
        Axis("periods since the start"),
        Axis("effect on the outcome"),
        [
            Series("no effect", [min(since), max(since)], [0.0, 0.0], NEUTRAL),
            Series(
                "effect",
                since,
                [each.value for each in found.events.values()],
                0,
                "line+points",
                low=[each.low for each in found.events.values()],
                high=[each.high for each in found.events.values()],
            ),
        ],
    )


def benefit_against_cost(found: Frontier, name: str, utility_scale: int) -> Chart:
    """The points of a frontier; those without proof apart."""
    points = distinct(found.points)
    parts = (
        ("proved", [point for point in points if point.status is PointStatus.PROVED], 0, "line+points"),
        ("not proved", [point for point in points if point.status is not PointStatus.PROVED], 1, "points"),
    )
    proved = sum(point.status is PointStatus.PROVED for point in found.points)
    return Chart(
        "frontier",
        "Benefit against cost",
        f"{name}: {proved} of {len(found.points)} budgets with proof, {len(points)} different points. A proved point "
        "has the largest benefit of its budget at the least cost; between points the frontier is not known.",
        Axis("cost, thousands"),
        Axis("benefit, points"),
        [
            Series(
                label,
                [(point.cost or 0) / 1000 for point in held],
                [(point.benefit or 0) / utility_scale for point in held],
                number,
                kind,  # type: ignore[arg-type]
            )
            for label, held, number, kind in parts
            if held
        ],
    )
