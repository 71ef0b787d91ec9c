"""How kernels are compiled that only other kernels call."""

from __future__ import annotations

from numba import njit

LEAN = {"cache": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
"""For kernels that only others call and that make no arrays: references to the many arrays they take are not counted,
which took longer than their work."""
njit_lean = njit(**LEAN)
njit_inlined = njit(**LEAN, forceinline=True)
"""The same for kernels that are called once for every block or node: passing the arrays takes its time, too."""
