"""Tables before anything shows them, and the same as CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from splgbench.readable import HUGE, amount, percent
from splgbench.report.texts import one_line

Cell = str | int | float | None
Form = Literal["text", "whole", "number", "seconds", "percent", "p"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    **{mark: f"{{{mark}}}" for mark in "[*`"},
}
"""What LaTeX takes for something else: [ and * for arguments of the end of the row before them."""


@dataclass(frozen=True)
class Column:
    """A column: its title and how its values are written."""

    title: str
    form: Form = "text"

    @property
    def numeric(self) -> bool:
        return self.form != "text"

    def shown(self, value: Cell) -> str:
        """A value for people."""
        if value is None:
            return "-"
        if isinstance(value, str):
            return one_line(value)
        if self.form == "percent":
            return percent(value) or ""
        if self.form == "p" and value < 0.001:
            return "< 0.001"
        if self.form == "whole" or abs(value) >= HUGE or (self.form == "number" and abs(value) >= 1000):
            return amount(value)
        return format(value, {"number": ".4g", "seconds": ",.2f", "p": ".3f"}.get(self.form, ""))


@dataclass(frozen=True)
class Table:
    """Columns and rows.

    Parameters
    ----------
    key : names its files and its place in the page.
    caption : what is shown and how it is measured.
    rows : None for what is unknown or does not apply.
    """

    key: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def as_csv(table: Table) -> str:
    """Comma-separated, values in full; unknown ones empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.title for column in table.columns])
    writer.writerows([["" if cell is None else cell for cell in row] for row in table.rows])
    return text.getvalue()


def as_latex(table: Table) -> str:
    """A `tabular` of the package booktabs in a `table`, with caption and label."""
    kinds = "".join("r" if column.numeric else "l" for column in table.columns)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{_escaped(f'{table.title}. {table.caption}')}}}",
        rf"  \label{{tab:{table.key}}}",
        rf"  \begin{{tabular}}{{{kinds}}}",
        r"    \toprule",
        f"    {' & '.join(_escaped(column.title) for column in table.columns)} \\\\",
        r"    \midrule",
        *(
            f"    {' & '.join(_escaped(c.shown(cell)) for c, cell in zip(table.columns, row, strict=True))} \\\\"
            for row in table.rows
        ),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    escaped = "".join(_SPECIAL.get(mark, mark) for mark in one_line(text))
    return re.sub("-(?=-)", "-{}", escaped)
