"""Finding formulations, decompositions, backends and extensions: the project's folders and entry points of others."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from splgbench.errors import InputError, UnsupportedError

KINDS = ("formulations", "decompositions", "backends", "extensions")
_NOT_PLUGINS = {"backends": {"base", "own_process"}, "extensions": {"base"}}
_NAMED_BY_KIND = {"backends": "backend", "extensions": "extension"}


def normal_name(name: str) -> str:
    """Hyphen and underscore are the same in a name."""
    return name.replace("-", "_")


def names(kind: str) -> tuple[str, ...]:
    """Names of everything of a kind, sorted.

    Parameters
    ----------
    kind : one of `KINDS`.
    """
    return tuple(sorted({*_own(kind), *_entry_points(kind)}))


def find(kind: str, name: str) -> Any:
    """The formulation, decomposition, backend or extension of that name.

    Raises
    ------
    UnsupportedError
        There is none; the message lists those there are.
    """
    name = normal_name(name)
    if name in _own(kind):
        module = importlib.import_module(f"splgbench.{kind}.{name}")
        return getattr(module, _NAMED_BY_KIND.get(kind, name))
    if name in _entry_points(kind):
        return _entry_points(kind)[name].load()
    raise UnsupportedError(f"no {kind.rstrip('s')} named {name}; there are {', '.join(names(kind))}")


def from_file(path: Path) -> Any:
    """The formulation or decomposition that a Python file defines: what it names `method` or like itself.

    Raises
    ------
    InputError
        The file cannot be run, or has no such name.
    """
    name = normal_name(path.stem)
    spec = importlib.util.spec_from_file_location(f"splgbench_file_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError("there is no such Python file", str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"cannot be run: {type(error).__name__}: {error}", str(path)) from None
    for candidate in ("method", name):
        if hasattr(module, candidate):
            return getattr(module, candidate)
    raise InputError(f"must name its formulation or decomposition `method` or `{name}`", str(path))


def _own(kind: str) -> tuple[str, ...]:
    package = importlib.import_module(f"splgbench.{kind}")
    skipped = _NOT_PLUGINS.get(kind, set())
    return tuple(entry.name for entry in pkgutil.iter_modules(package.__path__) if entry.name not in skipped)


def _entry_points(kind: str) -> dict[str, Any]:
    return {normal_name(point.name): point for point in entry_points(group=f"splgbench.{kind}")}
