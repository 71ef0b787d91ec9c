"""Versions of what every result depends on."""

from __future__ import annotations

import platform
from functools import cache

from splgbench.solver_libraries import version_of


@cache
def splgbench_version() -> str:
    return version_of("splgbench") or "0+source"


def versions() -> dict[str, str]:
    """splgbench, Python, numpy and ortools (whose flow solver polishes every answer)."""
    packages = {package: version_of(package) or "missing" for package in ("numpy", "ortools")}
    return {"splgbench": splgbench_version(), "python": platform.python_version(), **packages}
