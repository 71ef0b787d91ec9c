"""Charts as SVG and PDF for papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from splgbench.report.charts import NEUTRAL, Axis, Chart, Series, look
from splgbench.solver_libraries import load_optional

FORMATS = ("svg", "pdf")
_DASHES: dict[str, Any] = {
    "solid": "-",
    "dash": (0, (5, 2)),
    "dot": (0, (1, 1.5)),
    "dashdot": (0, (5, 2, 1, 2)),
    "longdash": (0, (9, 3)),
    "longdashdot": (0, (9, 3, 1, 3)),
}
_MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "x": "x",
    "cross": "P",
    "star": "*",
}
_SIZE = (5.2, 3.6)
"""Inches: a column and a half of a page."""


def write_figure(chart: Chart, stem: Path) -> list[Path]:
    """Write a chart beside `stem`, once in each of `FORMATS`; the same chart gives the same bytes."""
    matplotlib = load_optional("matplotlib", "matplotlib", "report")
    figure_module = load_optional("matplotlib.figure", "matplotlib", "report")
    written = []
    with matplotlib.rc_context({"svg.hashsalt": chart.key, "font.size": 8, "pdf.fonttype": 42}):
        figure = figure_module.Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        for series in chart.series:
            _draw(axes, series)
        _dress(axes.xaxis, axes.set_xscale, axes.set_xlabel, axes.set_xlim, chart.x)
        _dress(axes.yaxis, axes.set_yscale, axes.set_ylabel, axes.set_ylim, chart.y)
        if chart.x.hidden:
            axes.set_axis_off()
        else:
            axes.grid(color="#e3e3e3", linewidth=0.6)
        if any(series.in_legend and series.number != NEUTRAL for series in chart.series):
            axes.legend(frameon=False, fontsize=7)
        for kind in FORMATS:
            target = stem.with_name(f"{stem.name}.{kind}")
            figure.savefig(target, metadata={"Date": None} if kind == "svg" else {"CreationDate": None})
            written.append(target)
    return written


def _draw(axes: Any, series: Series) -> None:
    style = look(series.number)
    y = [float("nan") if value is None else value for value in series.y]
    shown = series.in_legend and series.number != NEUTRAL
    lines, points = series.kind != "points", "points" in series.kind
    axes.plot(
        series.x,
        y,
        color=style.colour,
        linestyle=_DASHES[series.dash or style.dash] if lines else "none",
        marker=_MARKERS[style.marker] if points else None,
        markersize=4,
        linewidth=1.2,
        drawstyle="steps-post" if series.kind == "step" else "default",
        label=series.name if shown else "_",
    )
    if series.low:
        axes.fill_between(series.x, series.low, series.high, color=style.colour, alpha=0.15, linewidth=0)
    if series.labelled:
        for x, value, text in zip(series.x, y, series.texts, strict=True):
            lines_of_text = text.replace("<br>", "\n")
            axes.annotate(lines_of_text, (x, value), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7)


def _dress(axis: Any, set_scale: Any, set_label: Any, set_limits: Any, given: Axis) -> None:
    ticker = load_optional("matplotlib.ticker", "matplotlib", "report")
    if given.log:
        set_scale("log")
    if given.percent:
        axis.set_major_formatter(ticker.PercentFormatter(1.0))
    if given.span is not None:
        set_limits(*given.span)
    set_label(given.title)
