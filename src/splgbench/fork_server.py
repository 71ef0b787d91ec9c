"""The process that workers are forked from: it has loaded the engine and no solver, so that one starts in milliseconds.

``python -m splgbench.fork_server FD [METHOD]`` serves whoever holds the other end of socket FD, one worker at a time; a
method that is named is prepared before, so that its workers find compiled code in place. A request
is one byte with three file descriptors: the worker's standard input, output and error. The answers are its process
number and, once it has ended and everything it left behind has been killed, its exit code and peak memory. When the
socket closes, the server kills its worker and ends.

A worker that daemonises does not escape: on Linux orphans are handed to this process, which kills them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import time
import warnings

from splgbench import registry, worker
from splgbench.launching import ENDED, REQUEST, STARTED
from splgbench.processes import children
from splgbench.versions import versions

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_SWEEP = 5.0
"""Seconds spent on killing what a worker left behind."""


def main() -> None:
    """Serve until the socket closes."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _process_control(_SET_CHILD_SUBREAPER, 1)
    # Python 3.12 warns of threads at a fork; those of OpenBLAS, the only ones here, look after themselves.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    _warm_up(*sys.argv[2:3])
    try:
        control.sendall(STARTED.pack(0))
    except OSError:
        # Who asked for the server has gone.
        return
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, len(REQUEST), 3)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            _become_worker(descriptors, [control.fileno(), woken, wake])
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        for descriptor in descriptors:
            os.close(descriptor)
        try:
            control.sendall(STARTED.pack(pid))
            code, peak = _wait(pid, control, woken)
            _sweep(pid)
            control.sendall(ENDED.pack(code, peak))
        except (EOFError, OSError):
            _sweep(pid)
            return


def _warm_up(method: str = "") -> None:
    """Look up once what every worker looks up: plug-ins and versions stay in caches."""
    if method:
        worker.prepared(method)
    for kind in registry.KINDS:
        registry.names(kind)
    versions()


def _become_worker(descriptors: list[int], inherited: list[int]) -> None:
    """The child's way: never returns."""
    try:
        _process_control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        for descriptor in (*descriptors, *inherited):
            os.close(descriptor)
        worker.main()
    finally:
        os._exit(1)


def _wait(pid: int, control: socket.socket, woken: int) -> tuple[int, float]:
    """Exit code (negative for a signal) and peak memory in MB of the worker; EOFError if the owner goes away first."""
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024
        readable, _, _ = select.select([control.fileno(), woken], [], [])
        if control.fileno() in readable:
            raise EOFError
        os.read(woken, 4096)


def _sweep(group: int) -> None:
    """Kill the worker's process group and every other descendant, and bury them."""
    deadline = time.monotonic() + _SWEEP
    while time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        for pid in children(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _process_control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
