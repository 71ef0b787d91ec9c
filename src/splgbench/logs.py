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
        self.tail = b""
        self.dropped = 0

    def trim(self) -> None:
        """Cut what has grown too long. The writer appends, so it goes on at the new end."""
        if os.fstat(self.descriptor).st_size > CAP:
            self._take()
            os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        """Put beginning, a note and end together; a log that grew all at once is cut here."""
        self.trim()
        if self.head:
            self._take()
            note = f"\n[splgbench: {self.dropped} bytes left out]\n".encode()
            self.path.write_bytes(self.head + note + self.tail)
        os.close(self.descriptor)

    def _take(self) -> None:
        """Keep the file's end, and its beginning the first time; count the rest."""
        size = os.fstat(self.descriptor).st_size
        begin = 0
        if not self.head:
            self.head = os.pread(self.descriptor, KEPT, 0)
            begin = len(self.head)
        end = os.pread(self.descriptor, KEPT, max(begin, size - KEPT))
        joined = self.tail + end
        self.dropped += size - begin - len(end) + max(0, len(joined) - KEPT)
        self.tail = joined[-KEPT:]
