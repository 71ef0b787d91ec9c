"""A report on the disk: the page, and beside it tables, figures and logs, without what an earlier report left."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

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
WRITTEN = "report-files.json"
"""In the report's folder: the files of the report, with the SHA-256 of their contents."""


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
    """Write `index.html`, `tables/`, `figures/` and `logs/`; returns the files but for the logs, the page first.

    Files of an earlier report in the folder go if they are as it wrote them; whatever else is there stays.

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
        made = {path.relative_to(folder).as_posix() for path in written} | set(copied.values())
        _clear(folder, made)
        _note(folder, made)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None
    return written


def _clear(folder: Path, made: Iterable[str]) -> None:
    """Remove what an earlier report wrote and this one did not, and folders that this empties."""
    for name, digest in _earlier(folder).items():
        path = folder / name
        if name not in made and path.is_file() and _digest(path) == digest:
            path.unlink()
            if path.parent != folder:
                with contextlib.suppress(OSError):
                    path.parent.rmdir()


def _earlier(folder: Path) -> Mapping[str, str]:
    """The files that the last report in the folder wrote; none where that is not known."""
    try:
        found = json.loads((folder / WRITTEN).read_text("utf-8"))["files"]
        return {name: digest for name, digest in found.items() if _is_inside(name)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return parts == (PAGE,) or (len(parts) == 2 and parts[0] in ("tables", "figures", "logs") and parts[1] != "..")


def _note(folder: Path, made: Iterable[str]) -> None:
    digests = {name: _digest(folder / name) for name in sorted(made)}
    write_text(folder / WRITTEN, json.dumps({"files": digests}, indent=1) + "\n")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
