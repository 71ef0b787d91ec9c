"""A store's tables as CSV and Parquet, for whatever analyses them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from splgbench.campaign import schema
from splgbench.campaign.run_files import COLUMNS as TRACE_COLUMNS
from splgbench.campaign.store import Store
from splgbench.errors import InputError, OutputError
from splgbench.files import written_whole
from splgbench.solver_libraries import load_optional

FORMATS = ("csv", "parquet")
_BATCH = 20_000
_KINDS = {"TEXT": "string", "INTEGER": "int64", "REAL": "float64"}

Rows = Iterator[Mapping[str, Any]]


def export(store: Store, folder: Path, formats: Iterable[str] = FORMATS, *, current: bool = True) -> list[Path]:
    """Write `runs`, `instances`, `sessions` and, last, `traces` in each format; returns the files.

    Parameters
    ----------
    formats : of `FORMATS`.
    current : only the runs of the campaigns as last planned.

    Raises
    ------
    InputError
        The store is damaged, or traces that it names are missing; the other tables are written then.
    OutputError
        A file cannot be written.
    """
    formats = tuple(dict.fromkeys(formats))
    for kind in formats:
        if kind not in FORMATS:
            raise InputError(f"must be {' or '.join(FORMATS)}, not {kind}", "--format")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from None
    written = []
    for name, columns, rows in _tables(store, current):
        for kind in formats:
            target = folder / f"{name}.{kind}"
            with written_whole(target) as draft:
                (_write_csv if kind == "csv" else _write_parquet)(draft, columns, rows())
            written.append(target)
    return written


def _tables(store: Store, current: bool) -> Iterator[tuple[str, dict[str, str], Callable[[], Rows]]]:
    """Name, columns with their kinds, and what reads the rows of every table."""
    yield "runs", _columns("runs"), lambda: _flat(store.runs(current=current))
    yield "instances", _columns("instances"), lambda: _flat(store.rows("instances"))
    yield "sessions", _columns("sessions"), lambda: _flat(store.rows("sessions"))
    _check_traces(store, current)
    kinds = ("string", "float64", "float64", "float64", "string", "int64")
    columns = dict(zip(("run_key", *TRACE_COLUMNS), kinds, strict=True))
    yield "traces", columns, lambda: _traces(store, current)


def _check_traces(store: Store, current: bool) -> None:
    lost = [run["trace_file"] for run in store.runs(current=current) if "trace_file" in store.missing_files(run)]
    if not lost:
        return
    told = f"so the traces of {len(lost)} runs cannot be exported (the other tables are)"
    if store.folder.is_dir():
        raise InputError(f"is missing, {told}", str(store.file(lost[0])))
    raise InputError(f"is missing, {told}: a store needs this folder beside it", str(store.folder))


def _columns(table: str) -> dict[str, str]:
    return {name: _KINDS[kind.split()[0]] for name, kind in schema.TABLES[table].items()}


def _flat(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows with mappings and lists as JSON text."""
    for row in rows:
        yield {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}


def _traces(store: Store, current: bool) -> Rows:
    for run in store.runs(current=current):
        for event in store.events(run):
            yield {"run_key": run["run_key"], **dict(zip(TRACE_COLUMNS, event, strict=True))}


def _write_csv(draft: Path, columns: Mapping[str, str], rows: Rows) -> None:
    with draft.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(draft: Path, columns: Mapping[str, str], rows: Rows) -> None:
    arrow = load_optional("pyarrow", "pyarrow", "parquet")
    parquet = load_optional("pyarrow.parquet", "pyarrow", "parquet")
    schema_ = arrow.schema([(name, getattr(arrow, kind)()) for name, kind in columns.items()])
    with parquet.ParquetWriter(draft, schema_) as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(arrow.Table.from_pylist(batch, schema_))
