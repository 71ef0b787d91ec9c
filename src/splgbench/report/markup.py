"""Tables and figures as HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from splgbench.report.charts import Chart
from splgbench.report.tables import Cell, Column, Table

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
    head = "".join(f'<th scope="col"{_kind("n" * c.numeric)}>{escape(c.title)}</th>' for c in given.columns)
    rows = "".join(
        f"<tr>{''.join(_cell(c, value) for c, value in zip(given.columns, row, strict=True))}</tr>"
        for row in given.rows[:MOST_ROWS]
    )
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    shown = f'<table class="board" data-table="{given.key}" aria-label="{escape(given.title)}">{body}</table>'
    cut = f" The first {MOST_ROWS} of {len(given.rows)} rows; tables/{given.key}.csv has them all."
    return f'<div class="scroll">{shown}</div>{paragraph(given.caption + cut * (len(given.rows) > MOST_ROWS), "soft")}'


def figure(chart: Chart, key: str, controls: str = "") -> str:
    """The place of a chart; the script draws it."""
    label = escape(chart.title)
    place = f'<div class="chart" data-chart="{escape(key)}" role="img" aria-label="{label}"></div>'
    return f"<figure><h3>{label}</h3>{controls}{place}<figcaption>{escape(chart.caption)}</figcaption></figure>"


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
    return f"<td{_kind('n' if column.numeric else 'wide' * (len(shown) > 40))}>{escape(shown)}</td>"
