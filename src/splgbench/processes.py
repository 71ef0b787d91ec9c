"""Process trees and their memory, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_PARENT, _GROUP, _RESIDENT = 1, 2, 21
"""Positions in /proc/PID/stat after the name."""


def machine_memory_mb() -> int | None:
    """Memory of this machine in MB; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        return None


def children(pid: int) -> list[int]:
    """Process numbers of a process's children; empty on systems without /proc."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
        return found
    except FileNotFoundError:
        # The process is gone, or this kernel keeps no such file.
        return [child for child, fields in _all_processes().items() if int(fields[_PARENT]) == pid]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """Process numbers of everything a process has started, as far as it is still tied to it."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def resident_memory_of_tree_mb(pid: int) -> float | None:
    """Resident memory in MB of all descendants of a process, without itself; None where it has none."""
    return _resident_mb([fields for child in descendants(pid) if (fields := _fields(str(child)))])


def resident_memory_mb(group: int) -> float | None:
    """Resident memory of a process group in MB; None on systems without /proc."""
    return _resident_mb([fields for fields in _all_processes().values() if int(fields[_GROUP]) == group])


def _resident_mb(processes: list[list[bytes]]) -> float | None:
    if not processes:
        return None
    pages = sum(int(fields[_RESIDENT]) for fields in processes)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _all_processes() -> dict[int, list[bytes]]:
    numbers = [entry.name for entry in Path("/proc").glob("[0-9]*")]
    return {int(number): fields for number in numbers if (fields := _fields(number))}


def _fields(number: str) -> list[bytes]:
    """The fields of /proc/PID/stat after the name; empty if the process is gone."""
    try:
        return Path(f"/proc/{number}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []
