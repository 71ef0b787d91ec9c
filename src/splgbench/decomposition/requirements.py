"""What decompositions need besides the core."""

from __future__ import annotations

from splgbench.solver_libraries import highspy_needs_own_process, version_of


def missing_compiler() -> str | None:
    """Why the compiled pricer cannot run here, or None."""
    return None if version_of("numba") else "numba is not installed"


def missing_master() -> str | None:
    """Why a master problem on HiGHS cannot run in this process, or None."""
    if highspy_needs_own_process():
        return "its master problem and the exact volumes need highspy below 1.15 in one process"
    return missing_compiler()


def compiled_versions() -> dict[str, str]:
    """Versions for a result."""
    return {"numba": version_of("numba") or "missing"}


def master_versions() -> dict[str, str]:
    """Versions for a result."""
    return {**compiled_versions(), "highspy": version_of("highspy") or "missing"}
