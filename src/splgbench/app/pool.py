"""Worker processes for the app: warm fork servers, each lent to one errand at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from splgbench.errors import SplgbenchError
from splgbench.isolation import prepared_ahead
from splgbench.launching import ForkServers
from splgbench.methods import DEFAULT_METHOD
from splgbench.trace import Stop

MOST_AT_ONCE = 8
"""Errands that run at once; others wait. A race of four leaves room for the other sessions."""
_LOOK = 0.1
"""Seconds between two looks of who waits at whether it is to go on."""


class Pool:
    """Fork servers that stay warm between errands; use it from any thread."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._preparing = threading.Lock()
        self._idle: list[ForkServers] = []
        prepared_ahead(DEFAULT_METHOD)

    def warm(self) -> None:
        """Have one server ready, so that the first errand starts at once."""
        with self.lend(Stop()):
            pass

    @contextlib.contextmanager
    def lend(self, stop: Stop) -> Iterator[ForkServers]:
        """A launcher that nobody else uses meanwhile; waits for a free one.

        Raises
        ------
        SplgbenchError
            `stop` was set meanwhile.
        """
        while not self._free.acquire(timeout=_LOOK):
            if stop:
                raise SplgbenchError("stopped while it waited for others to end")
        try:
            servers = self._taken()
            try:
                yield servers
            finally:
                with self._lock:
                    self._idle.append(servers)
        finally:
            self._free.release()

    def _taken(self) -> ForkServers:
        """An idle launcher, else a new one; of the first two, one waits for what the other compiles."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        with self._preparing:
            with self._lock:
                if self._idle:
                    return self._idle.pop()
            servers = ForkServers(DEFAULT_METHOD)
            servers.prepare(1)
            return servers

    def close(self) -> None:
        """End all servers that are idle; those that work end with the app, whose end closes their sockets."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()
