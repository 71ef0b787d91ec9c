"""Starting worker processes: a fresh interpreter each, or forked from a server that has the engine loaded."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from typing import BinaryIO, Protocol

from splgbench.confinement import pinned_environment
from splgbench.processes import resident_memory_mb, resident_memory_of_tree_mb

REQUEST = b"w"
"""To a fork server, with three file descriptors (`splgbench.fork_server`)."""
STARTED = struct.Struct("<q")
"""From a fork server: the worker's process number; 0 once it is ready for the first."""
ENDED = struct.Struct("<qd")
"""From a fork server: the worker's exit code and peak memory in MB."""
_LAST_WORDS = 10.0
"""Seconds a fork server gets to bury its worker before it is given up."""


class LostWorkerError(Exception):
    """The fork server is gone, and its worker with it."""


class WorkerProcess(Protocol):
    """A started worker."""

    @property
    def pid(self) -> int:
        """Its process number, and that of its process group."""

    @property
    def stdin(self) -> BinaryIO:
        """Where it reads."""

    @property
    def stdout(self) -> BinaryIO:
        """Where its messages come from."""

    def exit_code(self, timeout: float = 0.0) -> int | None:
        """How it ended (negative for a signal); None if it has not within `timeout` seconds."""

    def resident_mb(self) -> float | None:
        """Resident memory of it and of what it started, in MB; None where unknown."""

    def end(self) -> float | None:
        """Kill it with everything it started; returns its peak memory in MB where the system counted it."""


class Launcher(Protocol):
    """What starts workers."""

    def launch(self, threads: int, sink: int) -> WorkerProcess:
        """Start one.

        Parameters
        ----------
        threads : threads its numerical libraries may use.
        sink : file descriptor for what it prints.
        """


class FreshInterpreter:
    """Starts every worker as a new Python."""

    def launch(self, threads: int, sink: int) -> WorkerProcess:
        """See `Launcher.launch`."""
        return _Fresh(
            subprocess.Popen(
                [sys.executable, "-m", "splgbench.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                env=pinned_environment(threads),
                start_new_session=True,
            )
        )


class _Fresh:
    """A worker with an interpreter of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.pid = process.pid
        self.stdin: BinaryIO = process.stdin  # type: ignore[assignment]
        self.stdout: BinaryIO = process.stdout  # type: ignore[assignment]

    def exit_code(self, timeout: float = 0.0) -> int | None:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def resident_mb(self) -> float | None:
        return resident_memory_mb(self.pid)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


class ForkServer:
    """Forks workers, one at a time, from a process that has loaded the engine; use it from one thread.

    The process is started with the first worker, and again after a loss.

    Parameters
    ----------
    threads : threads the workers' numerical libraries may use.
    ahead : a method that the server prepares before its first worker; "" for none.
    """

    def __init__(self, threads: int, ahead: str = "") -> None:
        self.threads = threads
        self.ahead = ahead
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def prepare(self) -> None:
        """Have the server ready.

        Raises
        ------
        LostWorkerError
            The server was killed.
        """
        if self._server is None or self._server.poll() is not None:
            self.close()
            self._start()

    def fork(self, sink: int) -> WorkerProcess:
        """Start a worker; see `Launcher.launch`.

        Raises
        ------
        LostWorkerError
            The server was killed.
        """
        self.prepare()
        assert self._control is not None
        assert self._server is not None
        reads, stdin = os.pipe()
        stdout, writes = os.pipe()
        try:
            socket.send_fds(self._control, [REQUEST], [reads, writes, sink])
            (pid,) = STARTED.unpack(_receive(self._control, STARTED.size, None))
        except (EOFError, OSError):
            self.close()
            os.close(stdin)
            os.close(stdout)
            raise LostWorkerError("its fork server was killed") from None
        finally:
            os.close(reads)
            os.close(writes)
        return _Forked(self, self._control, self._server.pid, pid, os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"))

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "splgbench.fork_server", str(theirs.fileno()), self.ahead],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=pinned_environment(self.threads),
                start_new_session=True,
            )
        self._control = ours
        try:
            _receive(ours, STARTED.size, None)
        except (EOFError, OSError):
            self.close()
            raise LostWorkerError("its fork server was killed") from None

    def close(self) -> None:
        """End the server and its worker."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None:
            try:
                self._server.wait(_LAST_WORDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None


class ForkServers:
    """A fork server for every number of threads that is asked for; use it from one thread at a time.

    Parameters
    ----------
    ahead : see `ForkServer`.
    """

    def __init__(self, ahead: str = "") -> None:
        self._ahead = ahead
        self._servers: dict[int, ForkServer] = {}

    def prepare(self, threads: int) -> None:
        """Have a server ready; one that is killed while it starts is started again with the first worker."""
        with contextlib.suppress(LostWorkerError):
            self._of(threads).prepare()

    def launch(self, threads: int, sink: int) -> WorkerProcess:
        """See `Launcher.launch` and `ForkServer.fork`."""
        return self._of(threads).fork(sink)

    def close(self) -> None:
        """End all servers and their workers."""
        while self._servers:
            self._servers.popitem()[1].close()

    def _of(self, threads: int) -> ForkServer:
        if threads not in self._servers:
            self._servers[threads] = ForkServer(threads, self._ahead)
        return self._servers[threads]

    def __enter__(self) -> ForkServers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Forked:
    """A worker forked from a server."""

    def __init__(
        self,
        owner: ForkServer,
        control: socket.socket,
        server_pid: int,
        pid: int,
        stdin: BinaryIO,
        stdout: BinaryIO,
    ) -> None:
        self.owner = owner
        self.control = control
        self.server_pid = server_pid
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.ended: tuple[int, float] | None = None

    def exit_code(self, timeout: float = 0.0) -> int | None:
        """See `WorkerProcess.exit_code`.

        Raises
        ------
        LostWorkerError
            The server was killed.
        """
        if self.ended is None:
            try:
                self.ended = ENDED.unpack(_receive(self.control, ENDED.size, timeout))
            except TimeoutError:
                return None
            except (EOFError, OSError):
                raise LostWorkerError("its fork server was killed") from None
        return self.ended[0]

    def resident_mb(self) -> float | None:
        return resident_memory_of_tree_mb(self.server_pid)

    def end(self) -> float | None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        try:
            if self.exit_code(_LAST_WORDS) is None:
                self.owner.close()
        except LostWorkerError:
            self.owner.close()
        return None if self.ended is None else self.ended[1]


def _receive(control: socket.socket, size: int, timeout: float | None) -> bytes:
    """Exactly `size` bytes; TimeoutError if none come in time, EOFError if the other end is closed."""
    readable, _, _ = select.select([control], [], [], timeout)
    if not readable:
        raise TimeoutError
    data = b""
    while len(data) < size:
        part = control.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
