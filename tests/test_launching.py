"""Workers forked from a server do as fresh ones do, and the server outlives whatever they do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from errands_for_tests import Errand

from splgbench.confinement import ADDRESS_SLACK_MB, processor_sets
from splgbench.isolation import Outcome, run_errand
from splgbench.launching import ForkServers
from splgbench.trace import Event


@pytest.fixture(scope="module")
def servers() -> Iterator[ForkServers]:
    """One server for all tests here; its workers can import this folder's modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        with ForkServers() as found:
            yield found


def outcome_of(servers: ForkServers, deed: str, value: Any = None, **options: Any) -> tuple[Outcome, list[Event]]:
    events: list[Event] = []
    return run_errand(Errand(deed, value), events.append, launcher=servers, **options), events


@pytest.mark.parametrize(
    ("deed", "kind", "words"),
    [
        ("answer", "answer", None),
        ("large", "answer", None),
        ("fail", "failed", "ValueError: no such luck"),
        ("abort", "crashed", "its process died by SIGABRT"),
        ("vanish", "crashed", "its process ended with code 7"),
        ("run_out", "out-of-memory", None),
        ("unpicklable", "failed", "its answer cannot be sent"),
        ("refuse", "refused", None),
        ("kill_its_parent", "lost", "its fork server was killed"),
        ("interrupt_itself", "answer", None),
    ],
)
def test_one_after_the_other(servers: ForkServers, deed: str, kind: str, words: str | None) -> None:
    """Each errand ends as it would in a fresh interpreter, whatever the one before did, the server's death included."""
    outcome, events = outcome_of(servers, deed, "input", grace=20, wall_time=60)
    assert outcome.kind == kind
    assert words is None or words in outcome.value
    assert len(events) == (3 if deed == "answer" else 0)


def test_a_server_that_is_killed_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Preparing it then does nothing; the first worker comes from a new one."""
    with ForkServers() as servers:
        monkeypatch.setattr(sys, "executable", "/bin/false")
        servers.prepare(1)
        assert run_errand(Errand("answer"), lambda _event: None, launcher=servers).kind == "lost"
        monkeypatch.undo()
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        assert run_errand(Errand("answer", 7), lambda _event: None, launcher=servers).value == 7


def test_output_goes_to_the_log(servers: ForkServers, tmp_path: Path) -> None:
    """What Python, C and children print lands in the log and disturbs no message."""
    outcome, _ = outcome_of(servers, "chatter", log=tmp_path / "log")
    assert (outcome.kind, outcome.value) == ("answer", "heard")
    log = (tmp_path / "log").read_bytes()
    assert b"garbage from Python" in log
    assert b"garbage from a child" in log


@pytest.mark.skipif(sys.platform != "linux", reason="bounds of this kind are Linux's")
@pytest.mark.parametrize("threads", [1, 3])
def test_bounds_hold_inside(servers: ForkServers, threads: int) -> None:
    """Thread variables, processors and the address space are what was asked."""
    processor = max(os.sched_getaffinity(0))
    outcome, _ = outcome_of(servers, "tell_its_bounds", threads=threads, processors=(processor,), memory=500)
    variables, processors, address_space = outcome.value
    assert variables == {str(threads)}
    assert processors == [processor]
    assert address_space > 500 + ADDRESS_SLACK_MB
    assert outcome.peak_memory_mb is not None
    assert outcome.peak_memory_mb > 10


def test_processors_are_dealt_out_or_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots get disjoint processors where there are enough, else none of them is bound."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {5, 2, 7, 4}, raising=False)
    assert processor_sets(2, 2) == [(2, 4), (5, 7)]
    assert processor_sets(4, 1) == [(2,), (4,), (5,), (7,)]
    assert processor_sets(3, 2) == [(), (), ()]
