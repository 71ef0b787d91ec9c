"""The store of finished runs: one SQLite file, and a folder of traces, allocations and logs beside it.

SQLite because it is in Python's standard library, a single file that any tool reads, and commits atomically; in
write-ahead mode reports can read while a campaign writes (on a network file system, where that mode does not work, a
rollback journal takes its place). A columnar database would answer large queries faster, but
a campaign writes one row at a time, and `splgbench store export` hands the rows to whatever analyses them.

There is one writer, the coordinator. A run's files are put in place first and its row is committed, with everything
flushed to the disk, afterwards: what a killed coordinator leaves is a whole row or none.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from splgbench.campaign import schema
from splgbench.campaign.cells import REFERENCE, Cell
from splgbench.campaign.plan import Plan
from splgbench.errors import InputError, OutputError, SplgbenchError
from splgbench.files import read_text
from splgbench.result import Status

_NETWORK = ("nfs", "lustre", "gpfs", "beegfs", "cifs", "smb", "ceph", "glusterfs", "afs", "9p", "fuse.sshfs")
_JSON: Mapping[str, type] = {
    "clash": list,
    **dict.fromkeys(("counters", "effective", "terms", "versions", "planned_versions", "recipe", "manifest"), dict),
}
"""Columns that hold JSON, and of what kind."""
_STATUSES = frozenset(map(str, Status))
_KINDS: Mapping[str, tuple[type, ...]] = {"TEXT": (str,), "INTEGER": (int,), "REAL": (float, int)}


class Store:
    """An open store.

    One that was made by opening it and closed without anything in it leaves nothing behind.

    Parameters
    ----------
    path : the database file.
    writing : open it as the one writer, making it where it is missing.

    Raises
    ------
    InputError
        There is no store, or not a sound one of this schema; reading it later may raise it, too.
    OutputError
        It cannot be written, or another process writes to it.
    """

    def __init__(self, path: str | Path, *, writing: bool = False) -> None:
        self.path = Path(path)
        self._lock: int | None = None
        if not writing and not self.path.is_file():
            raise InputError("there is no such store", str(path))
        if writing:
            self._take_lock()
        # A file that this call makes goes again unless something is written into it.
        self._unused = not self.path.exists()
        try:
            self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=60)
        except sqlite3.Error as error:
            self._release_lock()
            raise self._unreadable(error) from None
        try:
            with self._reading():
                self._connection.row_factory = sqlite3.Row
                self._prepare(writing)
        except SplgbenchError:
            self.close()
            raise

    # Files

    @property
    def folder(self) -> Path:
        """Where traces, allocations and logs are."""
        return self._beside(".files")

    def file(self, name: str) -> Path:
        """The path of a file that a row names."""
        return self.folder / name

    def keep_file(self, run_key: str, kind: str, content: bytes) -> str:
        """Put a run's file in place, whole; returns its name for the row."""
        name = f"{run_key[:2]}/{run_key}.{kind}"
        self._put(name, lambda draft: draft.write_bytes(content))
        return name

    def adopt_file(self, name: str, source: Path) -> None:
        """Copy a file of another store."""
        self._put(name, lambda draft: shutil.copyfile(source, draft))

    def _put(self, name: str, write: Callable[[Path], object]) -> None:
        target = self.file(name)
        draft = target.with_name(f".{target.name}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(draft)
            draft.replace(target)
        except OSError as error:
            raise OutputError(f"cannot write {target}: {error.strerror}") from None

    # Writing

    def begin(self, plan: Plan, pending: Iterable[Cell], manifest: Mapping[str, Any], *, whole: bool) -> str:
        """Open a session and note its plan; returns the session's name.

        Parameters
        ----------
        pending : what is going to be run; a reference run that is neither among it nor stored is not noted.
        whole : the plan is the campaign's (or its shard's) in full and takes the place of the last one.
        """
        session = uuid.uuid4().hex
        wanted = {cell.run_key for cell in pending} | set(self.statuses())
        with self.transaction():
            if whole:
                where = (plan.campaign.name, plan.shard)
                self._connection.execute("DELETE FROM plan WHERE campaign = ? AND shard = ?", where)
            for features in plan.instances.values():
                self.insert("instances", features)
            for position, cell in enumerate(plan.cells):
                if cell.role == REFERENCE and cell.run_key not in wanted:
                    continue
                self.insert(
                    "plan",
                    {
                        "campaign": plan.campaign.name,
                        "shard": plan.shard,
                        "position": position,
                        "run_key": cell.run_key,
                        "cell_key": cell.cell_key,
                        "role": cell.role,
                        "instance_hash": cell.instance_hash,
                        "method": cell.method,
                        "unsupported": cell.unsupported,
                    },
                )
            self.insert(
                "sessions",
                {
                    "session": session,
                    "campaign": plan.campaign.name,
                    "shard": plan.shard,
                    "began": manifest["began"],
                    "manifest": manifest,
                },
            )
        return session

    def finish(self, session: str, ended: str, finished: int) -> None:
        """Close a session."""
        statement = "UPDATE sessions SET ended = ?, finished = ? WHERE session = ?"
        with self.transaction():
            self._connection.execute(statement, (ended, finished, session))

    def commit_runs(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store finished runs at once, each in the place of an earlier one of the same key."""
        with self.transaction():
            for row in rows:
                self.insert("runs", row)

    def insert(self, table: str, row: Mapping[str, Any]) -> None:
        """Insert or replace one row, within a transaction."""
        columns = schema.TABLES[table]
        unknown = set(row) - set(columns)
        assert not unknown, unknown
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        values = [_written(name, value) for name, value in row.items()]
        self._connection.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's changes, or none."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            self._unused = False
        except sqlite3.DatabaseError as error:
            if type(error) in _OURS:
                raise
            raise OutputError(f"cannot write {self.path}: {_plain(error)}") from None

    # Reading

    def statuses(self, key: str = "run_key") -> dict[str, str]:
        """Status by run key, or by cell key whatever the versions."""
        with self._reading():
            rows = self._connection.execute(f"SELECT {key}, status FROM runs ORDER BY ended")
            return {row[0]: row[1] for row in rows}

    def rows(self, table: str, where: str = "", values: Sequence[Any] = ()) -> Iterator[dict[str, Any]]:
        """The rows of a table as mappings, JSON columns read; `where` is an SQL condition."""
        order = {"runs": "began, run_key", "sessions": "began", "plan": "position", "instances": "instance"}[table]
        condition = f" WHERE {where}" if where else ""
        kinds = schema.TABLES[table]
        with self._reading():
            for row in self._connection.execute(f"SELECT * FROM {table}{condition} ORDER BY {order}", values):
                yield {name: _read(table, name, kinds[name], row[name]) for name in kinds}

    def runs(self, *, current: bool = True) -> Iterator[dict[str, Any]]:
        """Finished runs.

        Parameters
        ----------
        current : only those of the campaigns as last planned; False for all that were ever stored.
        """
        yield from self.rows("runs", "run_key IN (SELECT run_key FROM plan)" if current else "")

    def trace(self, run: Mapping[str, Any]) -> list[tuple[float, float | None, float | None, str]]:
        """Time, primal, dual and source of a run's events; as `events`."""
        return [event[:4] for event in self.events(run)]

    def events(self, run: Mapping[str, Any]) -> list[tuple[float, float | None, float | None, str, int | None]]:
        """Time, primal, dual, source and iteration of a run's events; empty where none were kept.

        Raises
        ------
        InputError
            The file is missing or no trace.
        """
        from splgbench.campaign.run_files import parse_trace

        if not run["trace_file"]:
            return []
        file = self.file(run["trace_file"])
        text = read_text(file)
        try:
            return parse_trace(text)
        except (ValueError, csv.Error) as error:
            raise InputError(f"must be a trace: {error}", str(file)) from None

    def missing_files(self, run: Mapping[str, Any]) -> list[str]:
        """The columns of a run whose file is not there."""
        named = [column for column in schema.FILE_COLUMNS if run[column]]
        return [column for column in named if not self.file(run[column]).is_file()]

    def check(self) -> None:
        """Read everything.

        Raises
        ------
        InputError
            It is damaged.
        """
        with self._reading():
            found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise InputError(f"is damaged: {_plain(found)}", str(self.path))
        for table in schema.TABLES:
            for _ in self.rows(table):
                pass

    # Life

    def close(self) -> None:
        """Close the file and give up the writer's place."""
        self._connection.close()
        if self._unused:
            self.path.unlink(missing_ok=True)
            for end in ("-journal", "-wal", "-shm"):
                self._beside(end).unlink(missing_ok=True)
        self._release_lock()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, writing: bool) -> None:
        execute = self._connection.execute
        version = execute("PRAGMA user_version").fetchone()[0]
        empty = not execute("SELECT 1 FROM sqlite_master").fetchone()
        if version == 0 and writing and empty:
            execute(f"PRAGMA journal_mode = {'DELETE' if on_network(self.path) else 'WAL'}")
            unused = self._unused
            with self.transaction():
                for statement in schema.statements():
                    execute(statement)
            self._unused = unused
        elif version > schema.SCHEMA:
            rule = f"is a store of schema {version}, of a newer splgbench; this one knows schema {schema.SCHEMA}"
            raise InputError(rule, str(self.path))
        else:
            self._check_tables()
        if writing:
            self.check()
        execute("PRAGMA synchronous = FULL")

    def _check_tables(self) -> None:
        for table, columns in schema.TABLES.items():
            present = {row["name"] for row in self._connection.execute(f"PRAGMA table_info({table})")}
            if not present >= set(columns):
                raise InputError(f"is no store: it has no table {table} as splgbench makes it", str(self.path))

    def _beside(self, end: str) -> Path:
        return self.path.with_name(self.path.name + end)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what SQLite or damaged contents raise into one sentence."""
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter where SQLite's words quote the file
            raise self._unreadable(error) from None
        except _DamagedError as error:
            raise InputError(f"is damaged: {_plain(error)}", str(self.path)) from None

    def _unreadable(self, error: Exception) -> InputError:
        busy = getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR"))
        return InputError(f"{'cannot be read' if busy else 'is no store, or damaged'}: {_plain(error)}", str(self.path))

    def _take_lock(self) -> None:
        """One writer at a time; the lock goes with the process that holds it, however that ends."""
        path = self._beside(".lock")
        while self._lock is None:
            try:
                lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise OutputError(f"cannot write {self.path}: {error.strerror}") from None
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                raise OutputError(f"cannot write {self.path}: another process is writing to it") from None
            except OSError:
                # A file system without such locks; SQLite's own still keep two writes apart.
                os.close(lock)
                path.unlink(missing_ok=True)
                return
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), path.stat()):
                    self._lock = lock
                    return
            os.close(lock)  # its holder has removed it meanwhile

    def _release_lock(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._beside(".lock").unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = None


def on_network(path: Path) -> bool:
    """Whether a path lies on a network file system, where SQLite's write-ahead logging does not work."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return False
    place = path.resolve()
    kinds = [(folder, kind) for folder, kind in mounts if place.is_relative_to(folder)]
    return bool(kinds) and max(kinds, key=lambda mount: len(mount[0]))[1].startswith(_NETWORK)


def _written(name: str, value: Any) -> Any:
    if name not in _JSON or value is None:
        return value
    return json.dumps(value, sort_keys=True, default=str)


def _read(table: str, name: str, kind: str, value: Any) -> Any:
    """A value as the schema wants it; SQLite itself puts anything into any column."""
    if value is None and "NOT NULL" not in kind and "PRIMARY KEY" not in kind:
        return None
    sound = isinstance(value, _KINDS[kind.split(maxsplit=1)[0]])
    if sound and name in _JSON:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            sound = False
        else:
            sound = isinstance(value, _JSON[name])
    if not sound or (name == "status" and value not in _STATUSES):
        raise _DamagedError(f"{name} in a row of {table} is {value!r:.100}")
    return value


class _DamagedError(Exception):
    """A value that no store holds."""


_OURS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)
"""What a wrong statement raises, not a wrong file."""


def _plain(words: object) -> str:
    """One line of text."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(words))[:200]
