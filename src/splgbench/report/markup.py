"""Tables and figures as HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from splgbench.report.charts import Chart
from splgbench.report.tables import Cell, Column, Table
from splgbench.report.texts import unbroken

LONG = 32
"""Characters from which on a text in a table may break anywhere."""
SHORT = 20
"""Rows up to which a table stays on one sheet of paper."""
MOST_ROWS = 60
"""Rows of a table that the page holds; its file has them all."""


def heading(level: int, text: str, anchor: str = "") -> str:
    """A heading."""
    name = f' id="{escape(anchor)}"' if anchor else ""
    return f"<h{level}{name}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph."""
    return f"<p{_kind(kind)}>{escape(text)}</p>"


def table(given: Table) -> str:
    """A table that scrolls sideways where the page is narrow."""
    head = "".join(f'<th scope="col"{_kind("n" * c.numeric)}>{escape(unbroken(c.title))}</th>' for c in given.columns)
    rows = "".join(
        f"<tr>{''.join(_cell(c, value) for c, value in zip(given.columns, row, strict=True))}</tr>"
        for row in given.rows[:MOST_ROWS]
    )
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    short = " short" if len(given.rows) <= SHORT else ""
    shown = f'<table class="board{short}" data-table="{given.key}" aria-label="{escape(given.title)}">{body}</table>'
    cut = f" The first {MOST_ROWS} of {len(given.rows)} rows; tables/{given.key}.csv has them all."
    return f"{scrolled(given.title, shown)}{paragraph(given.caption + cut * (len(given.rows) > MOST_ROWS), 'soft')}"


def scrolled(label: str, body: str) -> str:
    """What scrolls sideways where the page is narrow, also by the keyboard."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{body}</div>'


def figure(chart: Chart, key: str, controls: str = "") -> str:
    """The place of a chart, which the script draws; one sentence where there is nothing to draw."""
    label = escape(chart.title)
    if chart.empty:
        return f"<h3>{label}</h3>{paragraph(chart.if_empty)}"
    wide = f' style="min-width: {chart.least_width}px"' if chart.least_width else ""
    place = f'<div class="chart"{wide} data-chart="{escape(key)}" role="img" aria-label="{label}"></div>'
    place = scrolled(chart.title, place) if chart.least_width else place
    caption = f"<figcaption>{escape(chart.caption)}</figcaption>"
    return f"<figure><h3>{label}</h3>{controls}{place}{caption}</figure>"


def choice(view: str, title: str, options: Iterable[str], every: str = "") -> str:
    """A labelled choice that the view keeps; `every` names the empty one."""
    first = f'<option value="">{escape(every)}</option>' if every else ""
    rest = "".join(f'<option value="{escape(option)}">{escape(option)}</option>' for option in options)
    return f'<label>{escape(title)}<select data-view="{escape(view)}">{first}{rest}</select></label>'


def entry(view: str, title: str, kind: str) -> str:
    """A labelled field that the view keeps."""
    return f'<label>{escape(title)}<input type="{kind}" data-view="{escape(view)}"></label>'


def embedded(value: Any) -> str:
    """JSON that may stand in a script element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _kind(name: str) -> str:
    return f' class="{name}"' if name else ""


def _cell(column: Column, value: Cell) -> str:
    shown = column.shown(value)
    return f"<td{_kind('n' if column.numeric else 'wide' * (len(shown) > LONG))}>{escape(shown)}</td>"
