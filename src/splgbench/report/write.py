"""A report on the disk: the page, and beside it tables, figures and logs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from splgbench.errors import OutputError
from splgbench.files import write_text
from splgbench.report.charts import Chart
from splgbench.report.content import Content
from splgbench.report.figures import write_figure
from splgbench.report.page import render
from splgbench.report.records import Records
from splgbench.report.tables import Table, as_csv, as_latex
from splgbench.solver_libraries import load_optional

PAGE = "index.html"


def check_libraries() -> None:
    """Say what is missing before hours of work, not after.

    Raises
    ------
    MissingSolverError
        Plotly or Matplotlib is not installed.
    """
    for module in ("plotly.offline", "matplotlib.figure"):
        load_optional(module, module.partition(".")[0], "report")


def write_report(content: Content, folder: Path, *, logs: bool = True) -> list[Path]:
    """Write `index.html`, `tables/`, `figures/` and `logs/`; returns the files, the page first.

    Parameters
    ----------
    logs : copy the logs of the runs and link to them.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    try:
        for name in ("tables", "figures"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        copied = _copy_logs(content.records, folder) if logs else {}
        written = [folder / PAGE]
        write_text(written[0], render(content, copied))
        for stem, table in _tables(content):
            for kind, text in (("csv", as_csv(table)), ("tex", as_latex(table))):
                target = folder / "tables" / f"{stem}.{kind}"
                write_text(target, text)
                written.append(target)
        for stem, chart in _charts(content):
            written += write_figure(chart, folder / "figures" / stem)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None
    return written


def _copy_logs(records: Records, folder: Path) -> dict[str, str]:
    """Addresses of the logs, relative to the page."""
    found = {}
    for run in records.runs:
        source = records.files / run.row["log_file"] if run.row["log_file"] else None
        if source is not None and source.is_file():
            target = folder / "logs" / f"{run.key}.txt"
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
            found[run.key] = f"logs/{target.name}"
    return found


def _tables(content: Content) -> Sequence[tuple[str, Table]]:
    found = [(key, table) for key, table in content.tables.items()]
    for number, board in enumerate(content.boards):
        found += [(_numbered(table.key, number), table) for table in board.tables]
    return found


def _charts(content: Content) -> Sequence[tuple[str, Chart]]:
    found = [(key, chart) for key, chart in content.charts.items()]
    for number, board in enumerate(content.boards):
        found += [(_numbered(chart.key, number), chart) for chart in board.charts]
    return found


def _numbered(key: str, number: int) -> str:
    """The first ranking's files have plain names."""
    return key if number == 0 else f"{key}-{number + 1}"
