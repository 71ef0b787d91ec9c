"""Starting processes that measure, and asking them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from gate.trees import GateError

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")


LONGEST = 900.0
"""Seconds that an answer may take: a solve that never ends must not hold the gate."""


class Worker:
    """A process with one revision of splgbench.

    Parameters
    ----------
    tree : folder of the revision.
    scratch : its working folder; instances made by one worker serve the next.
    """

    def __init__(self, tree: Path, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONHASHSEED": "0"}
        self.tree = tree
        self.log = scratch / "worker.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("worker.py")), str(tree)],
                cwd=scratch,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def ask(self, **request: Any) -> Any:
        """One request and its answer.

        Raises
        ------
        GateError
            The process has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        watch = threading.Timer(LONGEST, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        if not line:
            last = self.log.read_text().strip().splitlines()[-1:] or ["it said nothing"]
            raise GateError(f"the process that measures {self.tree.name} ended: {last[0]}")
        return json.loads(line)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        assert self.process.stdin is not None
        if kind is not None:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()


def processor_seconds() -> float:
    """Processor time of this process and of the workers that have ended."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
