"""A log that cannot fill the disk: its beginning and its end are kept, what lies between is counted."""

from __future__ import annotations

import os
from pathlib import Path

CAP = 4 * 2**20
"""Bytes at which a growing log is cut."""
KEPT = 2**18
"""Bytes kept of the beginning and of the end of a log that was cut."""


class CappedLog:
    """A file that a process appends to and that is cut from outside whenever it has grown past `CAP`.

    Parameters
    ----------
    path : the file; it is emptied first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self.head = b""
        self.dropped = 0

    def trim(self) -> None:
        """Cut what has grown too long. The writer appends, so it goes on at the new end."""
        size = os.fstat(self.descriptor).st_size
        if size > CAP:
            if not self.head:
                self.head = os.pread(self.descriptor, KEPT, 0)
                self.dropped -= len(self.head)
            os.ftruncate(self.descriptor, 0)
            self.dropped += size

    def close(self) -> None:
        """Put beginning, a note and end together."""
        size = os.fstat(self.descriptor).st_size
        if self.head or size > CAP:
            if not self.head:
                self.head = os.pread(self.descriptor, KEPT, 0)
                self.dropped -= len(self.head)
            tail = os.pread(self.descriptor, KEPT, max(0, size - KEPT))
            note = f"\n[splgbench: {self.dropped + size - len(tail)} bytes left out]\n".encode()
            self.path.write_bytes(self.head + note + tail)
        os.close(self.descriptor)
