"""Writing files whole or not at all, and reading CSV with row numbers."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splgbench.errors import InputError, OutputError, Problem
from splgbench.tables import Table


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; it takes the target's place only if the block succeeds.

    Raises
    ------
    OutputError
        Where the target cannot be written; nothing is left behind.
    """
    target = Path(target)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from None
    try:
        draft = folder / target.name
        yield draft
        if draft.is_dir() and target.is_dir():
            _replace_folder(draft, target, folder)
        else:
            draft.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace_folder(draft: Path, target: Path, folder: Path) -> None:
    """Swap a folder for another; an instance package is replaced, a folder of anything else is not."""
    if any(target.iterdir()) and not (target / "datapackage.json").is_file():
        raise OutputError(f"cannot write {target}: the folder is not empty and is no instance package")
    old = folder / "old"
    target.replace(old)
    try:
        draft.replace(target)
    except OSError:
        old.replace(target)
        raise


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


def decode(data: bytes, file: str) -> str:
    """UTF-8 text (a byte-order mark is dropped)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError([Problem(file, line, None, "must be UTF-8 text")]) from None


def parse_csv(name: str, file: str, text: str) -> Table:
    """A CSV text with a header as a `Table`; rows carry their line numbers.

    Raises
    ------
    InputError
        No header, a column named twice, a row with too few or too many fields, a file that breaks off.
    """
    if not text.strip():
        raise InputError("must have a header line", file)
    if not text.endswith(("\n", "\r")):
        line = text.count("\n") + 1
        raise InputError([Problem(file, line, None, "the last line has no line end: the file may be truncated")])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[Problem] = []
    records: list[list[str]] = []
    lines: list[int] = []
    try:
        header = next(reader)
        start = reader.line_num + 1
        for record in reader:
            if record and len(record) != len(header):
                rule = f"must have {len(header)} fields as the header"
                problems.append(Problem(file, start, None, rule, len(record)))
            elif record:
                records.append(record)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(file, reader.line_num, None, f"must be valid CSV: {error}"))
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        problems.append(Problem(file, 1, None, f"the header names a column twice: {', '.join(twice)}"))
    if problems:
        raise InputError(problems)
    columns = list(zip(*records, strict=True)) if records else [()] * len(header)
    return Table(name, file, dict(zip(header, columns, strict=True)), lines)
