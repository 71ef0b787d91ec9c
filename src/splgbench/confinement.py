"""What a worker process may use: threads by its environment, processors and address space by itself."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from splgbench import solver_log

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
"""What numerical libraries read when they are loaded."""
ADDRESS_SLACK_MB = 1024
"""Address space above the memory limit: libraries, arenas and files that are mapped without being resident."""
ADDRESS_SLACK_PER_PROCESSOR_MB = 128


def pinned_environment(threads: int) -> dict[str, str]:
    """This process's environment with every library held to `threads` threads."""
    return {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}


@dataclass(frozen=True)
class Confinement:
    """Bounds that a worker lays on itself and on what it starts, before it works.

    Parameters
    ----------
    memory : megabytes it may hold. A watchdog outside counts them; here they become a limit on the address space,
        with slack, which stops what grows faster than a watchdog looks.
    processors : numbers of the processors it may run on; empty for all.
    prints : whether its output is kept, so that solvers may print.
    """

    memory: int | None = None
    processors: tuple[int, ...] = ()
    prints: bool = False

    def apply(self) -> None:
        """Take effect in this process, as far as the system knows such limits."""
        if self.processors and hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, self.processors)
        if self.memory is not None:
            _limit_address_space(self.memory)
        if self.prints:
            solver_log.turn_on()


def _limit_address_space(memory: int) -> None:
    mapped = _mapped_mb()
    if mapped is None:
        return
    import resource

    slack = ADDRESS_SLACK_MB + ADDRESS_SLACK_PER_PROCESSOR_MB * (os.cpu_count() or 1)
    wanted = int(mapped + memory + slack) * 2**20
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _mapped_mb() -> float | None:
    """Address space of this process, from /proc; None on systems without it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_sets(slots: int, threads: int) -> list[tuple[int, ...]]:
    """Disjoint processors for `slots` workers of `threads` threads each; empty tuples where there are too few."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(available) < slots * threads:
        return [()] * slots
    return [tuple(available[slot * threads : (slot + 1) * threads]) for slot in range(slots)]
