"""Writing files whole or not at all, and reading CSV with row numbers."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, OutputError, Problem
from splgbench.tables import TABLES, Table

_PACKAGE_FILES = {"datapackage.json", *(f"{table.name}.{end}" for table in TABLES for end in ("csv", "parquet"))}


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes that ask for it in this way; they wait. The hold goes with the process.

    A file system without such locks, or a folder that cannot be opened, is used without.
    """
    try:
        held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; it takes the target's place only if the block succeeds.

    A symbolic link is followed. A device or a pipe is never replaced: what was written is copied into it.

    Raises
    ------
    OutputError
        Where the target cannot be written; nothing is left behind.
    """
    name, target = Path(target).name, Path(os.path.realpath(target))
    special = is_special(target)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=None if special else target.parent))
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from None
    try:
        draft = folder / name
        yield draft
        if special:
            _copy_into(draft, target)
        elif draft.is_dir() and target.is_dir():
            _replace_folder(draft, target, folder)
        else:
            draft.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_special(target: Path) -> bool:
    """Whether there is something that is neither a file nor a folder: a device, a pipe, a socket."""
    try:
        return target.exists() and not target.is_file() and not target.is_dir()
    except OSError:
        return False


def _copy_into(draft: Path, target: Path) -> None:
    if draft.is_dir():
        raise OutputError(f"cannot write {target}: it is no folder")
    with draft.open("rb") as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)


def _replace_folder(draft: Path, target: Path, folder: Path) -> None:
    """Swap a folder for another; an instance package is replaced, a folder that holds anything else is not."""
    present = {entry.name for entry in target.iterdir()}
    if present and not _is_instance_package(target):
        raise OutputError(f"cannot write {target}: the folder is not empty and is no instance package")
    foreign = sorted(present - {entry.name for entry in draft.iterdir()} - _PACKAGE_FILES)
    if foreign:
        raise OutputError(f"cannot write {target}: it also holds {', '.join(foreign)}, which would be lost")
    old = folder / "old"
    target.replace(old)
    try:
        draft.replace(target)
    except BaseException:
        old.replace(target)
        raise


def _is_instance_package(folder: Path) -> bool:
    try:
        descriptor = json.loads((folder / "datapackage.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(descriptor, dict) and "splgbench" in descriptor


def write_text(target: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with written_whole(Path(target)) as draft:
        draft.write_text(text, encoding="utf-8", newline="")


def read_text(path: Path) -> str:
    """Read a UTF-8 file, or say in one sentence why not."""
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path)) from None


def parse_json(text: str, file: str) -> Any:
    """A JSON text, or one sentence with the line that is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError([Problem(file, error.lineno, None, f"must be JSON: {error.msg}")]) from None
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(file, None, None, f"must be JSON: {error}")]) from None


def decode(data: bytes, file: str) -> str:
    """UTF-8 text (a byte-order mark is dropped)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError([Problem(file, line, None, "must be UTF-8 text")]) from None


def parse_csv(name: str, file: str, text: str, lines_before: int = 0, delimiter: str = ",") -> Table:
    """A CSV text with a header as a `Table`; rows carry their line numbers.

    Parameters
    ----------
    lines_before : lines of the file that stand before the text.
    delimiter : between cells.

    Raises
    ------
    InputError
        No header, a column named twice, a row with too few or too many fields, a file that breaks off.
    """
    if not text.strip():
        raise InputError("must have a header line", file)
    if not text.endswith(("\n", "\r")):
        line = lines_before + text.count("\n") + 1
        raise InputError([Problem(file, line, None, "the last line has no line end: the file may be truncated")])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    problems: list[Problem] = []
    records: list[list[str]] = []
    lines: list[int] = []
    header: list[str] = []
    try:
        header = next(reader)
        if not header:
            raise InputError([Problem(file, lines_before + 1, None, "must be the header line")])
        start = lines_before + reader.line_num + 1
        for record in reader:
            if record and len(record) != len(header):
                rule = f"must have {len(header)} fields as the header"
                problems.append(Problem(file, start, None, rule, len(record)))
            elif record:
                records.append(record)
                lines.append(start)
            start = lines_before + reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(file, lines_before + reader.line_num, None, f"must be valid CSV: {error}"))
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        problems.append(Problem(file, lines_before + 1, None, f"the header names a column twice: {', '.join(twice)}"))
    if problems:
        raise InputError(problems)
    columns = list(zip(*records, strict=True)) if records else [()] * len(header)
    return Table(name, file, dict(zip(header, columns, strict=True)), lines)
