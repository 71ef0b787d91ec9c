"""A chart for Plotly, as plain data: the page embeds it, and so can any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from splgbench.report.axes import log_span, log_ticks, tick_text
from splgbench.report.charts import BAND, NEUTRAL, Axis, Chart, Series, look
from splgbench.report.texts import one_line

CONFIG = {"responsive": True, "displaylogo": False, "scrollZoom": False}
_MODES = {"line": "lines", "step": "lines", "points": "markers", "line+points": "lines+markers"}
_FONT = "system-ui, sans-serif"


def as_plotly(chart: Chart) -> dict[str, Any]:
    """`data` and `layout` as `Plotly.newPlot` takes them."""
    bands = [edge for series in chart.series for edge in _band(series)]
    return {"data": [*bands, *map(_trace, chart.series)], "layout": _layout(chart)}


def _trace(series: Series) -> dict[str, Any]:
    style = look(series.number)
    mode = _MODES[series.kind] + ("+text" if series.labelled else "")
    trace: dict[str, Any] = {
        "type": "scatter",
        "name": _plain(series.name),
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
        name, hint = (_plain(text).replace("%", "&#37;") for text in (series.name, series.hint))
        trace["hovertemplate"] = f"%{{x:.4g}}, %{{y:,.0f}}<extra>{name}<br>{hint}</extra>"
    if series.texts:
        trace["text"] = ["<br>".join(map(_plain, text.split("\n"))) for text in series.texts]
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
    faint = f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},{BAND})"
    lower = {**edge, "y": [_short(value) for value in series.low]}
    upper = {**edge, "y": [_short(value) for value in series.high], "fill": "tonexty", "fillcolor": faint}
    return [lower, upper]


def _layout(chart: Chart) -> dict[str, Any]:
    return {
        "font": {"family": _FONT, "size": 13, "color": "#1a1a1a"},
        "margin": {"l": 60, "r": 16, "t": 12, "b": 56},
        "xaxis": _axis(chart.x, chart.all_x),
        "yaxis": _axis(chart.y, chart.all_y),
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
        "hoverlabel": {"namelength": -1},
        "plot_bgcolor": "#ffffff",
        "paper_bgcolor": "#ffffff",
    }


def _axis(axis: Axis, values: Sequence[float | str | None]) -> dict[str, Any]:
    if axis.hidden:
        return {"visible": False, "range": list(axis.span) if axis.span else None}
    spec: dict[str, Any] = {
        "title": {"text": _plain(axis.title), "standoff": 10},
        "automargin": True,
        "gridcolor": "#e3e3e3",
        "zerolinecolor": "#c8c8c8",
        "linecolor": "#767676",
    }
    if axis.log:
        span = axis.span or log_span(values)
        ticks = log_ticks(*span)
        spec |= {"type": "log", "tickvals": ticks, "ticktext": [tick_text(tick) for tick in ticks]}
        spec["range"] = [math.log10(value) for value in span]
    elif axis.span is not None:
        spec["range"] = list(axis.span)
    if axis.percent:
        spec["tickformat"] = ".0%"
    return spec


def _plain(text: str) -> str:
    """Text that Plotly shows as it is: what it takes for markup is escaped."""
    return escape(one_line(text), quote=False)


def _short(value: float | None) -> float | None:
    """Seven digits are more than a figure shows."""
    return None if value is None else float(f"{value:.7g}")
