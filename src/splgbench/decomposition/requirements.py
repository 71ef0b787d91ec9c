"""What decompositions need besides the core."""

from __future__ import annotations

from splgbench import registry
from splgbench.solver_libraries import highspy_needs_own_process, version_of


def missing_master(backend: str = "highs") -> str | None:
    """Why the compiled pricer, an LP on HiGHS beside it, or `backend`, cannot run in this process, or None."""
    if highspy_needs_own_process():
        return "its master problem and the exact volumes need highspy below 1.15 in one process"
    if not version_of("numba"):
        return "numba is not installed"
    reason: str | None = registry.find("backends", backend).unavailable()
    return reason


def master_versions() -> dict[str, str]:
    """Versions for a result."""
    return {package: version_of(package) or "missing" for package in ("numba", "highspy")}


def solver_versions(backend: str) -> dict[str, str]:
    """Versions for a result: HiGHS, which solves the LPs, and the backend."""
    versions: dict[str, str] = registry.find("backends", backend).versions()
    return {"highspy": version_of("highspy") or "missing", **versions}
