"""Running a solver that does not return to Python while it works, and still stopping it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from splgbench.trace import Stop

T = TypeVar("T")
_PAUSE = 0.05


def run_watched(work: Callable[[], T], stop: Stop, interrupt: Callable[[], None]) -> T:
    """Run `work` in a thread of its own, so that this one stays awake for signals.

    Python handles a Ctrl-C in its main thread only, and there only between two bytecodes: a solver called there
    would keep it waiting until it returns.

    Parameters
    ----------
    work : calls the solver; it must give up the interpreter lock while it runs.
    interrupt : asks the solver to end; called again and again once `stop` is set, as a solver that is just
        starting may forget the first request.
    """
    worker, outcome = _started(work)
    try:
        while worker.is_alive():
            worker.join(_PAUSE)
            if stop:
                interrupt()
    except BaseException:
        interrupt()
        worker.join()
        raise
    return outcome.result()


def run_or_abandon(work: Callable[[], T], stop: Stop) -> T | None:
    """As `run_watched`, for a solver that cannot be asked to end: None once `stop` is set.

    The solver then works on unheard until its own time limit or the end of the process.
    """
    worker, outcome = _started(work)
    while worker.is_alive():
        worker.join(_PAUSE)
        if stop:
            return None
    return outcome.result()


def _started(work: Callable[[], T]) -> tuple[threading.Thread, Future[T]]:
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    return worker, outcome
