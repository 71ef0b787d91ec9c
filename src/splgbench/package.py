"""Instance packages on disk: a Frictionless Data Package, as a folder or one zip, with CSV or Parquet tables."""

from __future__ import annotations

import difflib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from splgbench import registry
from splgbench.errors import InputError, MissingSolverError, Problem
from splgbench.extensions import entries_of
from splgbench.files import decode, parse_csv, parse_json, written_whole
from splgbench.hashing import csv_line
from splgbench.instance import Instance
from splgbench.tables import SCHEMA_VERSION, TABLE, TABLES, Column, Table, TableSpec, as_table
from splgbench.validation import build_instance, cell_problems

DESCRIPTOR = "datapackage.json"
SIZE_LIMIT = 2**30
"""Bytes that one package may hold when unpacked."""
ENTRY_LIMIT = 1000
"""Entries that one zip may hold."""
_SETTINGS = {"schema", "capacity_mode", "utility_scale", "extensions"}
_WRITTEN_HERE = {"name", "profile", "splgbench", "resources"}


def read_package(path: str | Path, *, size_limit: int = SIZE_LIMIT) -> Instance:
    """Read and validate an instance package.

    Parameters
    ----------
    path : a folder, a zip, or the `datapackage.json` of a folder.
    size_limit : bytes the package may hold when unpacked.

    Raises
    ------
    InputError
        With file, row, column and rule of everything that is wrong.
    """
    path = Path(path)
    if path.name == DESCRIPTOR and path.is_file():
        path = path.parent
    if path.is_dir():
        return _read(_folder_reader(path, size_limit), path.name)
    if not path.exists():
        raise InputError("no such file or folder", str(path))
    if not zipfile.is_zipfile(path):
        raise InputError("must be a folder or a zip of an instance package", str(path))
    with _unzipping(str(path)):
        archive = zipfile.ZipFile(path)
    with archive:
        return _read(_zip_reader(archive, str(path), size_limit), path.stem)


Reader = Callable[[str], bytes]


def _folder_reader(folder: Path, size_limit: int) -> Reader:
    root = folder.resolve()
    left = size_limit

    def read(name: str) -> bytes:
        nonlocal left
        target = (folder / name).resolve()
        if not target.is_relative_to(root):
            raise InputError("must lie inside the package", str(folder / name))
        try:
            left -= target.stat().st_size
            if not target.is_file():
                raise InputError("must be a file", str(folder / name))
            if left < 0:
                raise InputError(f"the package must hold at most {size_limit} bytes", str(folder / name))
            return target.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", str(folder / name)) from None

    return read


@contextmanager
def _unzipping(file: str) -> Iterator[None]:
    """What a damaged, encrypted or exotic zip makes the zip module raise, as one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise InputError(f"cannot be read as a zip: {error}", file) from None


def _zip_reader(archive: zipfile.ZipFile, file: str, size_limit: int) -> Reader:
    entries = archive.infolist()
    if len(entries) > ENTRY_LIMIT:
        raise InputError(f"must hold at most {ENTRY_LIMIT} entries, has {len(entries)}", file)
    if len({entry.filename for entry in entries}) < len(entries):
        raise InputError("must not hold two entries of one name", file)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > size_limit:
        raise InputError(f"must unpack to at most {size_limit} bytes, says {unpacked}", file)
    left = size_limit

    def read(name: str) -> bytes:
        nonlocal left
        try:
            entry = archive.getinfo(str(PurePosixPath(name)))
        except KeyError:
            raise InputError(f"the zip has no {name} at its root", file) from None
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{name} must be stored or deflated", file)
        with _unzipping(file), archive.open(entry) as stream:
            data = stream.read(left + 1)
        left -= len(data)
        if left < 0:
            raise InputError(f"must unpack to at most {size_limit} bytes", file)
        return data

    return read


def _read(read: Reader, name: str) -> Instance:
    descriptor = _descriptor(decode(read(DESCRIPTOR), DESCRIPTOR))
    settings = descriptor["splgbench"]
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    for resource in descriptor["resources"]:
        if resource["name"] in TABLE:
            try:
                tables[resource["name"]] = _read_table(resource, read)
            except InputError as error:
                problems.extend(error.problems)
    if problems:
        raise InputError([*problems, *cell_problems(tables)])
    return build_instance(
        tables,
        capacity_mode=settings.get("capacity_mode", ""),
        utility_scale=settings.get("utility_scale", 0),
        name=str(descriptor.get("name", name)),
        metadata={key: value for key, value in descriptor.items() if key not in _WRITTEN_HERE},
        extensions=settings.get("extensions", {}),
    )


def _descriptor(text: str) -> dict[str, Any]:
    """Parse and check `datapackage.json` as far as the reader relies on it."""
    descriptor = parse_json(text, DESCRIPTOR)
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("splgbench"), dict):
        raise InputError("must be an object with an entry splgbench", DESCRIPTOR)
    settings = descriptor["splgbench"]
    if type(settings.get("schema")) is not int or settings["schema"] != SCHEMA_VERSION:
        found = settings.get("schema")
        raise InputError(f"has schema {found!r}; this splgbench reads schema {SCHEMA_VERSION}", DESCRIPTOR)
    extensions = settings.get("extensions", {})
    if not isinstance(extensions, dict):
        raise InputError("splgbench.extensions must be an object", DESCRIPTOR)
    unknown = set(extensions) - set(registry.names("extensions"))
    if unknown:
        names = ", ".join(sorted(unknown))
        raise InputError(f"has extensions this splgbench does not know, which may constrain: {names}", DESCRIPTOR)
    unknown = set(settings) - _SETTINGS
    if unknown:
        raise InputError(f"has unknown splgbench entries: {', '.join(sorted(unknown))}", DESCRIPTOR)
    resources = descriptor.get("resources")
    if not isinstance(resources, list) or not all(isinstance(entry, dict) for entry in resources):
        raise InputError("must list its tables under resources", DESCRIPTOR)
    names_seen: set[str] = set()
    for resource in resources:
        name = resource.get("name")
        if not isinstance(name, str):
            raise InputError("every resource needs a name", DESCRIPTOR)
        if name in names_seen:
            raise InputError(f"names the resource {name} twice", DESCRIPTOR)
        names_seen.add(name)
        meant = difflib.get_close_matches(name, TABLE, n=1, cutoff=0.8)
        if name not in TABLE and meant:
            raise InputError(f"names a resource {name}, which is no table; {meant[0]} is one", DESCRIPTOR)
        if name in TABLE:
            _check_path(name, resource.get("path"))
            rows = resource.get("rows", 0)
            if type(rows) is not int or rows < 0:
                raise InputError(f"resource {name}: rows must be a whole number (found {rows!r})", DESCRIPTOR)
    return descriptor


def _check_path(name: str, path: object) -> None:
    """A table's path is relative, stays inside the package and names CSV or Parquet."""
    if not isinstance(path, str) or not path:
        raise InputError(f"resource {name}: path must be one file name", DESCRIPTOR)
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or any(letter in path for letter in "\\:\0"):
        raise InputError(f"resource {name}: path must stay inside the package (found {path!r})", DESCRIPTOR)
    if parts.suffix not in (".csv", ".parquet"):
        raise InputError(f"resource {name}: path must end in .csv or .parquet (found {path!r})", DESCRIPTOR)


def _read_table(resource: dict[str, Any], read: Reader) -> Table:
    name, path = resource["name"], resource["path"]
    data = read(path)
    table = parse_csv(name, path, decode(data, path)) if path.endswith(".csv") else read_parquet(name, path, data)
    stated = resource.get("rows", 0)
    if table.length < stated:
        # A file that breaks off between two rows shows nowhere else.
        rule = f"must have the {stated} rows that {DESCRIPTOR} states: it may be truncated"
        raise InputError([Problem(path, None, None, rule, table.length)])
    return table


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingSolverError("pyarrow", "parquet") from None
    return parquet


def read_parquet(name: str, path: str, data: bytes) -> Table:
    """The table of a Parquet file; `path` is what errors call it.

    Raises
    ------
    InputError
        Bytes that are no Parquet table, or more cells than `SIZE_LIMIT`.
    """
    parquet = _parquet()
    try:
        stored = parquet.ParquetFile(io.BytesIO(data))
        cells = stored.metadata.num_rows * stored.metadata.num_columns
        if cells > SIZE_LIMIT:
            raise InputError(f"must hold at most {SIZE_LIMIT} cells, says {cells}", path)
        table = as_table(name, stored.read())
    except (OSError, ValueError, NotImplementedError, KeyError, TypeError) as error:
        raise InputError(f"must be a Parquet table: {error}", path) from None
    return Table(name, path, table.columns)


def write_package(instance: Instance, path: str | Path, *, table_format: str = "csv", with_empty: bool = False) -> None:
    """Write an instance package, whole or not at all; the same instance gives the same bytes.

    Parameters
    ----------
    path : a folder to make (or an instance package to replace), or a file ending in .zip.
    table_format : "csv" or "parquet".
    with_empty : write optional tables that have no rows, too.
    """
    if table_format not in ("csv", "parquet"):
        raise InputError(f"table format must be csv or parquet, not {table_format!r}", "write_package")
    path = Path(path)
    files = package_files(instance, table_format, with_empty)
    with written_whole(path) as draft:
        if path.suffix == ".zip":
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in files.items():
                    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, data)
        else:
            draft.mkdir()
            for name, data in files.items():
                (draft / name).write_bytes(data)


def package_files(instance: Instance, table_format: str = "csv", with_empty: bool = False) -> dict[str, bytes]:
    """The files of the instance's package by name."""
    files: dict[str, bytes] = {}
    resources = []
    tables = instance.to_tables()
    for spec in TABLES:
        columns = tables.get(spec.name)
        if columns is None:
            if not with_empty or spec.name == "regions":
                continue
            columns = {column.name: [] for column in spec.columns if column.required}
        columns = _worth_writing(spec, columns)
        path = f"{spec.name}.{table_format}"
        files[path] = _csv_bytes(columns) if table_format == "csv" else _parquet_bytes(spec, columns)
        resources.append(_resource(spec, path, columns, bool(instance.regions)))
    descriptor = {
        "name": instance.name or "instance",
        **{key: value for key, value in instance.metadata.items() if key not in _WRITTEN_HERE},
        "profile": "tabular-data-package" if table_format == "csv" else "data-package",
        "splgbench": {
            "schema": SCHEMA_VERSION,
            "capacity_mode": instance.capacity_mode,
            "utility_scale": instance.utility_scale,
            **({"extensions": entries_of(instance)} if instance.extensions else {}),
        },
        "resources": resources,
    }
    text = json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n"
    return {DESCRIPTOR: text.encode(), **files}


def _worth_writing(spec: TableSpec, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out optional columns that hold nothing but their default."""
    kept = {}
    for name, cells in columns.items():
        column = spec.column(name)
        optional = column is not None and not column.required and column.name != "region"
        if not (optional and column is not None and all(cell in (column.default, None, "") for cell in cells)):
            kept[name] = cells
    return kept


def _csv_bytes(columns: dict[str, list[Any]]) -> bytes:
    lines = [csv_line(columns)]
    blank = [["" if cell is None else cell for cell in cells] for cells in columns.values()]
    lines.extend(csv_line(row) for row in zip(*blank, strict=True))
    return ("\n".join(lines) + "\n").encode()


def _parquet_bytes(spec: TableSpec, columns: dict[str, list[Any]]) -> bytes:
    parquet = _parquet()
    import pyarrow

    whole = {column.name for column in spec.columns if column.kind == "whole"}
    arrays = {
        name: pyarrow.array(
            cells if name in whole else [None if cell is None else str(cell) for cell in cells],
            type=pyarrow.int64() if name in whole else pyarrow.string(),
        )
        for name, cells in columns.items()
    }
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), buffer)
    return buffer.getvalue()


def _resource(spec: TableSpec, path: str, columns: dict[str, list[Any]], with_regions: bool) -> dict[str, Any]:
    fields = [_field(spec.column(name), name, with_regions) for name in columns]
    resource: dict[str, Any] = {"name": spec.name, "path": path, "rows": len(next(iter(columns.values())))}
    if path.endswith(".csv"):
        resource |= {
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
        }
    else:
        resource |= {"format": "parquet", "mediatype": "application/vnd.apache.parquet"}
    return {**resource, "schema": {"fields": fields}}


def _field(column: Column | None, name: str, with_regions: bool) -> dict[str, Any]:
    if column is None:
        return {"name": name, "type": "any"}
    constraints: dict[str, Any] = {}
    if column.required or (name == "region" and with_regions):
        constraints["required"] = True
    if column.kind == "whole":
        constraints["minimum"] = 0
    if column.choices:
        constraints["enum"] = list(column.choices)
    field: dict[str, Any] = {"name": name, "type": "integer" if column.kind == "whole" else "string"}
    return {**field, "constraints": constraints} if constraints else field
