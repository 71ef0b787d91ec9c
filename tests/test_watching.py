"""Work that gives up the interpreter lock stays stoppable."""

from __future__ import annotations

import threading
import time

import pytest

from splgbench.trace import Stop
from splgbench.watching import run_or_abandon, run_watched


def test_the_answer_and_the_error_come_back() -> None:
    """Without a stop it is as if the work had been called."""
    assert run_watched(lambda: 7, Stop(), lambda: None) == 7
    assert run_or_abandon(lambda: 7, Stop()) == 7
    for run in (
        lambda: run_watched(lambda: 1 // 0, Stop(), lambda: None),
        lambda: run_or_abandon(lambda: 1 // 0, Stop()),
    ):
        with pytest.raises(ZeroDivisionError):
            run()


def test_the_request_to_end_is_repeated() -> None:
    """A solver that forgets the first request hears the next."""
    stop, ended, requests = Stop(), threading.Event(), []
    stop.set()

    def interrupt() -> None:
        requests.append(time.perf_counter())
        if len(requests) == 3:
            ended.set()

    assert run_watched(lambda: ended.wait(5), stop, interrupt)
    assert len(requests) >= 3


def test_work_that_cannot_end_is_left_alone() -> None:
    """The caller goes on without it."""
    stop, release = Stop(), threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.perf_counter()
    assert run_or_abandon(lambda: release.wait(5), stop) is None
    assert time.perf_counter() - began < 2
    release.set()
