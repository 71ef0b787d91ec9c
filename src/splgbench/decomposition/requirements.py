"""What decompositions need besides the core."""

from __future__ import annotations

from splgbench.solver_libraries import highspy_needs_own_process, version_of


def missing_master() -> str | None:
    """Why the compiled pricer, or an LP on HiGHS beside it, cannot run in this process, or None."""
    if highspy_needs_own_process():
        return "its master problem and the exact volumes need highspy below 1.15 in one process"
    return None if version_of("numba") else "numba is not installed"


def master_versions() -> dict[str, str]:
    """Versions for a result."""
    return {package: version_of(package) or "missing" for package in ("numba", "highspy")}
