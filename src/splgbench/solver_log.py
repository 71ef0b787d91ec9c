"""Whether solvers print what they do: only in a process whose output is kept."""

from __future__ import annotations

import ctypes
import sys

_LINE_BUFFERED = 1
_wanted = False


def wanted() -> bool:
    """Whether backends let their solvers print."""
    return _wanted


def turn_on() -> None:
    """Let solvers print in this process, line by line so that a killed one leaves its last words."""
    global _wanted  # noqa: PLW0603
    _wanted = True
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        output = ctypes.c_void_p.in_dll(library, "stdout")
        library.setvbuf(output, None, _LINE_BUFFERED, ctypes.c_size_t(4096))


def flush() -> None:
    """Write out what C libraries have printed; for a process that ends without their farewell."""
    if _wanted and sys.platform == "linux":
        ctypes.CDLL(None).fflush(None)
