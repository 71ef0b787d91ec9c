"""Charts as SVG and PDF for papers."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

from splgbench.report.axes import log_span, log_ticks, tick_text
from splgbench.report.charts import BAND, NEUTRAL, Axis, Chart, Series, look
from splgbench.report.texts import one_line, shortened
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
_STYLE: dict[str, Any] = {"font.family": "DejaVu Sans", "font.size": 8, "pdf.fonttype": 42, "text.usetex": False}
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
_PIXELS = 110
"""Pixels of the page that take an inch."""
_LEGEND_CHARACTERS = 88
"""That fit beside each other above a figure, about eight of them for a line's sample."""
_LEGEND_ROW = 0.16
"""Inches."""
_NAMED = "name: "
"""Before every name of the legend: Matplotlib leaves out those that begin with "_"."""


def write_figure(chart: Chart, stem: Path) -> list[Path]:
    """Write a chart beside `stem`, once in each of `FORMATS`; the same chart gives the same bytes.

    An empty chart has no files.
    """
    if chart.empty:
        return []
    matplotlib = load_optional("matplotlib", "matplotlib", "report")
    figure_module = load_optional("matplotlib.figure", "matplotlib", "report")
    written = []
    with warnings.catch_warnings(), matplotlib.rc_context(_STYLE | {"svg.hashsalt": chart.key}):
        # A name in a script that the font does not have is drawn as boxes.
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        figure = figure_module.Figure(
            figsize=(max(_SIZE[0], chart.least_width / _PIXELS), _SIZE[1]), layout="constrained"
        )
        axes = figure.add_subplot()
        for series in chart.series:
            _draw(axes, series)
        _dress(axes.xaxis, axes.set_xscale, axes.set_xlabel, axes.set_xlim, chart.x, chart.all_x)
        _dress(axes.yaxis, axes.set_yscale, axes.set_ylabel, axes.set_ylim, chart.y, chart.all_y)
        if chart.x.hidden:
            axes.set_axis_off()
        else:
            axes.grid(color="#e3e3e3", linewidth=0.6)
        _legend(figure, axes)
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
        label=f"{_NAMED}{one_line(series.name)}" if shown else "_",
    )
    if series.low:
        axes.fill_between(series.x, series.low, series.high, color=style.colour, alpha=BAND, linewidth=0, zorder=1)
    if series.labelled:
        for x, value, text in zip(series.x, y, series.texts, strict=True):
            told = axes.annotate(text, (x, value), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7)
            told.set_parse_math(False)


def _legend(figure: Any, axes: Any) -> None:
    """Names above the axes, where they cover nothing; as text, whatever they look like."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    names = [shortened(label.removeprefix(_NAMED), _LEGEND_CHARACTERS - 8) for label in labels]
    columns = max(1, min(len(names), _LEGEND_CHARACTERS // (max(map(len, names)) + 8)))
    figure.set_figheight(_SIZE[1] + _LEGEND_ROW * math.ceil(len(names) / columns))
    legend = figure.legend(handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize=7)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


def _dress(axis: Any, set_scale: Any, set_label: Any, set_limits: Any, given: Axis, values: list[Any]) -> None:
    ticker = load_optional("matplotlib.ticker", "matplotlib", "report")
    span = given.span or (log_span(values) if given.log else None)
    if span is not None:
        set_limits(*span)
    if given.log:
        assert span is not None
        set_scale("log")
        ticks = log_ticks(*span)
        axis.set_major_locator(ticker.FixedLocator(ticks))
        axis.set_major_formatter(ticker.FixedFormatter([tick_text(tick) for tick in ticks]))
        axis.set_minor_locator(ticker.NullLocator())
    if given.percent:
        axis.set_major_formatter(ticker.PercentFormatter(1.0))
    set_label(one_line(given.title))
    axis.label.set_parse_math(False)
