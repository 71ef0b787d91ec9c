"""The figures of value-based planning: the report's charts, written as SVG and PDF."""

from __future__ import annotations

from splgbench.report.charts import NEUTRAL, Axis, Chart, Series
from splgbench.value.evaluation import Evaluation


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
