"""A chart for Plotly, as plain data: the page embeds it, and so can any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from splgbench.report.charts import NEUTRAL, Axis, Chart, Series, look

CONFIG = {"responsive": True, "displaylogo": False, "scrollZoom": False}
_MODES = {"line": "lines", "step": "lines", "points": "markers", "line+points": "lines+markers"}
_FONT = "system-ui, sans-serif"


def as_plotly(chart: Chart) -> dict[str, Any]:
    """`data` and `layout` as `Plotly.newPlot` takes them."""
    traces = [trace for series in chart.series for trace in (*_band(series), _trace(series))]
    return {"data": traces, "layout": _layout(chart)}


def _trace(series: Series) -> dict[str, Any]:
    style = look(series.number)
    mode = _MODES[series.kind] + ("+text" if series.labelled else "")
    trace: dict[str, Any] = {
        "type": "scatter",
        "name": series.name,
        "x": list(series.x),
        "y": [_short(value) for value in series.y],
        "mode": mode,
        "legendgroup": series.name,
        "showlegend": series.in_legend and series.number != NEUTRAL,
    }
    if "lines" in mode:
        trace["line"] = {"color": style.colour, "dash": series.dash or style.dash, "width": 2}
        if series.kind == "step":
            trace["line"]["shape"] = "hv"
    if "markers" in mode:
        trace["marker"] = {"color": style.colour, "symbol": style.marker, "size": 8}
    if series.hint:
        trace["hovertemplate"] = f"%{{x:.4g}}, %{{y:,.0f}}<extra>{series.name}<br>{series.hint}</extra>"
    if series.texts:
        trace["text"] = list(series.texts)
        if series.labelled:
            trace["textposition"] = "middle right"
    if series.number == NEUTRAL and not series.texts:
        trace["hoverinfo"] = "skip"
    return trace


def _band(series: Series) -> list[dict[str, Any]]:
    if not series.low:
        return []
    edge = {
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": series.name,
        "x": list(series.x),
    }
    colour = look(series.number).colour
    faint = f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},0.15)"
    lower = {**edge, "y": [_short(value) for value in series.low]}
    upper = {**edge, "y": [_short(value) for value in series.high], "fill": "tonexty", "fillcolor": faint}
    return [lower, upper]


def _layout(chart: Chart) -> dict[str, Any]:
    return {
        "font": {"family": _FONT, "size": 13, "color": "#1a1a1a"},
        "margin": {"l": 60, "r": 16, "t": 12, "b": 56},
        "xaxis": _axis(chart.x, [value for series in chart.series for value in series.x]),
        "yaxis": _axis(chart.y, [value for series in chart.series for value in series.y]),
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
        "plot_bgcolor": "#ffffff",
        "paper_bgcolor": "#ffffff",
    }


def _axis(axis: Axis, values: Sequence[float | str | None]) -> dict[str, Any]:
    if axis.hidden:
        return {"visible": False, "range": list(axis.span) if axis.span else None}
    spec: dict[str, Any] = {
        "title": {"text": axis.title},
        "automargin": True,
        "gridcolor": "#e3e3e3",
        "zerolinecolor": "#c8c8c8",
        "linecolor": "#767676",
    }
    if axis.log:
        positive = [value for value in values if isinstance(value, int | float) and value > 0]
        ticks = _log_ticks(*(axis.span or (min(positive, default=1.0), max(positive, default=1.0))))
        spec |= {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}
    if axis.percent:
        spec["tickformat"] = ".0%"
    if axis.span is not None:
        spec["range"] = [math.log10(value) for value in axis.span] if axis.log else list(axis.span)
    return spec


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high` and the next on either side: of each decade 1, 2 and 5, or 1 alone."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [10.0**decade * digit for decade in decades for digit in ((1,) if len(decades) > 5 else (1, 2, 5))]


def _short(value: float | None) -> float | None:
    """Seven digits are more than a figure shows."""
    return None if value is None else float(f"{value:.7g}")
