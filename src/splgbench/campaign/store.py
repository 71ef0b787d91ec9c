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
import fcntl
import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from splgbench.campaign import schema
from splgbench.campaign.plan import Plan
from splgbench.errors import InputError, OutputError

_NETWORK = ("nfs", "lustre", "gpfs", "beegfs", "cifs", "smb", "ceph", "glusterfs", "afs", "9p", "fuse.sshfs")
_JSON = ("clash", "counters", "effective", "terms", "versions", "planned_versions", "recipe", "manifest")


class Store:
    """An open store.

    Parameters
    ----------
    path : the database file.
    writing : open it as the one writer, making it where it is missing.

    Raises
    ------
    InputError
        There is no store, or not one of this schema.
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
        try:
            self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=60)
            self._connection.row_factory = sqlite3.Row
            self._prepare(writing)
        except sqlite3.DatabaseError as error:
            self._release_lock()
            raise InputError(f"is no store: {error}", str(path)) from None
        except InputError:
            self.close()
            raise

    # Files

    @property
    def folder(self) -> Path:
        """Where traces, allocations and logs are."""
        return self.path.with_suffix(".files")

    def file(self, name: str) -> Path:
        """The path of a file that a row names."""
        return self.folder / name

    def keep_file(self, run_key: str, kind: str, content: bytes) -> str:
        """Put a run's file in place, whole; returns its name for the row."""
        name = f"{run_key[:2]}/{run_key}.{kind}"
        target = self.file(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}")
        try:
            draft.write_bytes(content)
            draft.replace(target)
        except OSError as error:
            raise OutputError(f"cannot write {target}: {error.strerror}") from None
        return name

    def adopt_file(self, name: str, source: Path) -> None:
        """Copy a file of another store."""
        target = self.file(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}")
        shutil.copyfile(source, draft)
        draft.replace(target)

    # Writing

    def begin(self, plan: Plan, manifest: Mapping[str, Any], *, whole: bool) -> str:
        """Open a session and note its plan; returns the session's name.

        Parameters
        ----------
        whole : the plan is the campaign's (or its shard's) in full and takes the place of the last one.
        """
        session = uuid.uuid4().hex
        with self.transaction():
            if whole:
                where = (plan.campaign.name, plan.shard)
                self._connection.execute("DELETE FROM plan WHERE campaign = ? AND shard = ?", where)
            for features in plan.instances.values():
                self.insert("instances", features)
            for position, cell in enumerate(plan.cells):
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
        except sqlite3.OperationalError as error:
            raise OutputError(f"cannot write {self.path}: {error}") from None

    # Reading

    def statuses(self, key: str = "run_key") -> dict[str, str]:
        """Status by run key, or by cell key whatever the versions."""
        rows = self._connection.execute(f"SELECT {key}, status FROM runs ORDER BY ended")
        return {row[0]: row[1] for row in rows}

    def rows(self, table: str, where: str = "", values: Sequence[Any] = ()) -> Iterator[dict[str, Any]]:
        """The rows of a table as mappings, JSON columns read; `where` is an SQL condition."""
        order = {"runs": "began, run_key", "sessions": "began", "plan": "position", "instances": "instance"}[table]
        condition = f" WHERE {where}" if where else ""
        for row in self._connection.execute(f"SELECT * FROM {table}{condition} ORDER BY {order}", values):
            yield {name: _read(name, row[name]) for name in row.keys()}  # noqa: SIM118

    def runs(self, *, current: bool = True) -> Iterator[dict[str, Any]]:
        """Finished runs.

        Parameters
        ----------
        current : only those of the campaigns as last planned; False for all that were ever stored.
        """
        yield from self.rows("runs", "run_key IN (SELECT run_key FROM plan)" if current else "")

    def trace(self, run: Mapping[str, Any]) -> list[tuple[float, float | None, float | None, str]]:
        """Time, primal, dual and source of a run's events; empty where none were kept."""
        from splgbench.campaign.run_files import parse_trace

        return parse_trace(self.file(run["trace_file"]).read_text("utf-8")) if run["trace_file"] else []

    # Life

    def close(self) -> None:
        """Close the file and give up the writer's place."""
        self._connection.close()
        self._release_lock()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, writing: bool) -> None:
        execute = self._connection.execute
        version = execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and writing and not execute("SELECT 1 FROM sqlite_master").fetchone():
            execute(f"PRAGMA journal_mode = {'DELETE' if on_network(self.path) else 'WAL'}")
            with self.transaction():
                for statement in schema.statements():
                    execute(statement)
        elif version != schema.SCHEMA:
            rule = f"must be a store of schema {schema.SCHEMA}, written by this version of splgbench"
            raise InputError(rule, str(self.path))
        execute("PRAGMA synchronous = FULL")

    def _take_lock(self) -> None:
        """One writer at a time; the lock goes with the process that holds it, however that ends."""
        lock = self.path.with_suffix(".lock")
        try:
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release_lock()
            raise OutputError(f"cannot write {self.path}: another process is writing to it") from None
        except OSError:
            # A file system without such locks; SQLite's own still keep two writes apart.
            self._release_lock()

    def _release_lock(self) -> None:
        if self._lock is not None:
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


def _read(name: str, value: Any) -> Any:
    return json.loads(value) if name in _JSON and value is not None else value
