"""Worker processes for the app: warm fork servers, each lent to one errand at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from splgbench.isolation import prepared_ahead
from splgbench.launching import ForkServers
from splgbench.methods import DEFAULT_METHOD

MOST_AT_ONCE = 8
"""Errands that run at once; others wait. A race of four leaves room for the other sessions."""


class Pool:
    """Fork servers that stay warm between errands; use it from any thread."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._idle: list[ForkServers] = []
        prepared_ahead(DEFAULT_METHOD)

    def warm(self) -> None:
        """Have one server ready, so that the first errand starts at once."""
        with self.lend() as servers:
            servers.prepare(1)

    @contextlib.contextmanager
    def lend(self) -> Iterator[ForkServers]:
        """A launcher that nobody else uses meanwhile; waits for a free one."""
        with self._free:
            with self._lock:
                servers = self._idle.pop() if self._idle else ForkServers(DEFAULT_METHOD)
            try:
                yield servers
            finally:
                with self._lock:
                    self._idle.append(servers)

    def close(self) -> None:
        """End all servers that are idle; those that work end with the app, whose end closes their sockets."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()
