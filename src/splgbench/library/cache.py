"""Instances of collections kept on disk, so that the second load need not derive them again.

An entry is one file: a line with the SHA-256 of what follows, then the arrays of the instance in NumPy's npz, without
pickles. It names the fingerprint of the code and the raw data it was derived from. An entry that is damaged, half
written or of another fingerprint counts as absent; a new one takes its place in one step, so processes may share the
folder. It is an aid and nothing more: where it cannot be written, instances are derived each time.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np

from splgbench.errors import OutputError
from splgbench.extensions import entries_of, with_extensions
from splgbench.files import written_whole
from splgbench.instance import Instance

VARIABLE = "SPLGBENCH_CACHE"
"""Environment variable of the folder; empty switches the cache off."""
_LAYOUT = "splgbench-instance-1"
_CODE = (
    "extensions",
    "files.py",
    "generator",
    "instance.py",
    "library",
    "random_bits.py",
    "sources",
    "tables.py",
    "validation.py",
)
_DATA = ("families", "raw", "recipes")
"""The parts of the package and of the shipped instances that decide what an instance is."""
_ARRAYS = tuple(entry.name for entry in fields(Instance) if "Array" in str(entry.type))
_OTHERS = tuple(entry.name for entry in fields(Instance) if entry.name not in (*_ARRAYS, "extensions"))


def cached(name: str, make: Callable[[], Instance]) -> Instance:
    """The instance of a library name from the cache; made and kept where the cache has none.

    Parameters
    ----------
    name : decides the file, `FOLDER/NAME.instance`.
    make : derives the instance.
    """
    folder = cache_folder()
    parts = name.split("/")
    if folder is None or {"", ".", ".."} & set(parts):
        return make()
    path = folder.joinpath(*parts[:-1], f"{parts[-1]}.instance")
    instance = _read(path, name)
    if instance is None:
        instance = make()
        _write(path, name, instance)
    return instance


def cache_folder() -> Path | None:
    """Where entries are kept: `SPLGBENCH_CACHE`, else the system's folder for caches; None where it is off."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "splgbench" / "instances"


@cache
def fingerprint() -> str:
    """SHA-256, in hex, of the code that derives instances and of the raw data it reads."""
    package, digest = resources.files("splgbench"), hashlib.sha256()
    data = resources.files("splgbench.instances")
    roots = [(part, package / part) for part in _CODE] + [(part, data / part) for part in _DATA]
    for root, place in roots:
        for path, file in _files(root, place):
            digest.update(f"{path} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _files(path: str, place: Traversable) -> Iterator[tuple[str, Traversable]]:
    if place.is_file():
        yield path, place
    elif place.is_dir():
        for entry in sorted(place.iterdir(), key=lambda entry: entry.name):
            if entry.name != "__pycache__":
                yield from _files(f"{path}/{entry.name}", entry)


def _write(path: Path, name: str, instance: Instance) -> None:
    described = {field: _plain(getattr(instance, field)) for field in _OTHERS}
    described["extensions"] = entries_of(instance)
    head = json.dumps([_LAYOUT, fingerprint(), name, described], ensure_ascii=False)
    buffer = io.BytesIO()
    arrays = {field: getattr(instance, field) for field in _ARRAYS}
    np.savez_compressed(buffer, head=np.frombuffer(head.encode(), dtype=np.uint8), **arrays)
    data = buffer.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as draft:
            draft.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    except (OSError, OutputError):
        return


def _read(path: Path, name: str) -> Instance | None:
    try:
        digest, _, data = path.read_bytes().partition(b"\n")
    except (OSError, ValueError):
        return None
    if hashlib.sha256(data).hexdigest().encode() != digest:
        return None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            *made_as, described = json.loads(archive["head"].tobytes())
            if made_as != [_LAYOUT, fingerprint(), name]:
                return None
            arrays = {field: archive[field] for field in _ARRAYS}
    except (KeyError, OSError, ValueError, zipfile.BadZipFile):  # whole, but written by something else
        return None
    entries = described.pop("extensions")
    instance = Instance(**arrays, **{field: _frozen(field, value) for field, value in described.items()})
    return with_extensions(instance, entries) if entries else instance


def _plain(value: Any) -> Any:
    """A field as JSON writes it; numbers and text stay what they are."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _frozen(field: str, value: Any) -> Any:
    if field == "notes":
        return {table: {column: tuple(cells) for column, cells in columns.items()} for table, columns in value.items()}
    return tuple(value) if isinstance(value, list) else value
