"""Importing solver libraries that may be missing or that cannot share a process.

From version 1.15 on highspy carries a libhighs that clashes with the one ortools carries, whichever is imported
first. splgbench then gives HiGHS a process of its own (`splgbench.backends.highs`) and says so here in one sentence
where that cannot help because the other library is already loaded.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib import metadata
from types import ModuleType

from splgbench.errors import MissingSolverError, SolverClashError

FIRST_CLASHING_HIGHSPY = (1, 15)


@cache
def version_of(package: str) -> str | None:
    """The installed version of a distribution, or None; looked up once a process."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def highspy_needs_own_process() -> bool:
    """Whether the installed highspy cannot share a process with ortools."""
    version = version_of("highspy")
    if version is None:
        return False
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return parts >= FIRST_CLASHING_HIGHSPY


def load_highspy() -> ModuleType:
    """Import highspy.

    Raises
    ------
    SolverClashError
        ortools is loaded here and this highspy cannot join it.
    """
    if highspy_needs_own_process() and _loaded("ortools"):
        raise SolverClashError(_clash("highspy", "ortools"))
    return _load("highspy", "highspy", "highspy")


def load_ortools(module: str) -> ModuleType:
    """Import a module of ortools.

    Raises
    ------
    SolverClashError
        highspy is loaded here and cannot be joined.
    """
    if highspy_needs_own_process() and _loaded("highspy"):
        raise SolverClashError(_clash("ortools", "highspy"))
    return _load(module, "ortools", "ortools")


def load_optional(module: str, package: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Raises
    ------
    MissingSolverError
        Naming the extra that brings it.
    """
    return _load(module, package, extra)


def _loaded(package: str) -> bool:
    return package in sys.modules


def _clash(wanted: str, present: str) -> str:
    return (
        f"{wanted} {version_of(wanted)} and {present} {version_of(present)} cannot share a process and {present} is "
        "already loaded here: install highspy below 1.15, or leave importing solvers to splgbench, which gives HiGHS "
        "a process of its own"
    )


def _load(module: str, package: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == module.split(".", maxsplit=1)[0]:
            raise MissingSolverError(package, extra) from None
        raise
