"""A solver in a process of its own: whatever it does, the caller lives on and says what happened."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from errands_for_tests import DoomedSolve, Errand
from instances_for_tests import make, plain_tables

from splgbench import isolation, worker
from splgbench.allocation import Allocation
from splgbench.errors import InputError, MissingSolverError, SplgbenchError, UnsupportedError
from splgbench.isolation import Outcome, Stopwatch, answered, is_near, run_errand, solve_isolated
from splgbench.limits import Limits
from splgbench.processes import resident_memory_mb
from splgbench.result import Result, Status
from splgbench.trace import Event, Stop
from splgbench.worker import SolveClock, SolveErrand

GRACE = 0.3


@pytest.fixture(autouse=True)
def _importable_errands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker starts afresh: tell it where this folder's modules are. Afterwards no process may be left."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    before = children()
    yield
    assert children() - before == set(), "a worker was left behind"


def children() -> set[int]:
    """Process numbers of this process's children."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(stat.parent.name))
    return found


def outcome_of(deed: str, value: Any = None, grace: float = 20, **options: Any) -> tuple[Outcome, list[Event]]:
    events: list[Event] = []
    outcome = run_errand(Errand(deed, value), events.append, grace=grace, **options)
    return outcome, events


def hours_pass_at_the_first_event(monkeypatch: pytest.MonkeyPatch) -> Callable[[Event], None]:
    """A clock for the watch, and the event handler that turns it on: a limit is reached without waiting for it."""
    passed = [0.0]

    def on_event(_event: Event) -> None:
        passed[0] = 10_000.0

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0], perf_counter=time.perf_counter)
    monkeypatch.setattr(isolation, "time", clock)
    return on_event


def test_silence_ends_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that says nothing for long enough is ended as if its time were up, without a limit of its own."""
    on_event = hours_pass_at_the_first_event(monkeypatch)
    assert run_errand(Errand("hang"), on_event, silence=5000, grace=GRACE).kind == "time-out"


def test_an_answer_and_its_events() -> None:
    """What the errand reports and returns arrives whole and in order."""
    outcome, events = outcome_of("answer", {"array": np.arange(3), "text": "Zürich"})
    assert outcome.kind == "answer"
    assert outcome.value["array"].tolist() == [0, 1, 2]
    assert outcome.value["text"] == "Zürich"
    assert [(event.primal, event.dual, event.source) for event in events] == [
        (0, 10, "test"),
        (1, 9, "test"),
        (2, 8, "test"),
    ]
    assert answered(outcome) is outcome.value


def test_a_large_answer() -> None:
    """Megabytes go through the pipe, however small its buffer."""
    outcome, _ = outcome_of("large")
    assert outcome.value.sum() == 2**20 * (2**20 - 1) // 2


@pytest.mark.parametrize(("which", "kind"), [("input", InputError), ("missing", MissingSolverError)])
def test_a_refusal_keeps_its_kind_and_its_words(which: str, kind: type[SplgbenchError]) -> None:
    """An error of ours comes back as itself: same class, same message, same problems and exit code."""
    outcome, _ = outcome_of("refuse", which)
    assert outcome.kind == "refused"
    with pytest.raises(kind) as caught:
        answered(outcome)
    if which == "input":
        assert str(caught.value) == "offers, row 3, column capacity: must be a whole number (found 1.5)"
        assert caught.value.problems[0].value == 1.5  # type: ignore[attr-defined]
    else:
        assert str(caught.value) == "gurobipy is not installed: pip install 'splgbench[gurobi]'"
        assert caught.value.exit_code == UnsupportedError.exit_code


@pytest.mark.parametrize(
    ("deed", "kind", "words"),
    [
        ("fail", "failed", "ValueError: no such luck"),
        ("abort", "crashed", "its process died by SIGABRT"),
        ("real_time_signal", "crashed", "its process died by signal"),
        ("leave", "failed", "SystemExit: 7"),
        ("vanish", "crashed", "its process ended with code 7"),
        ("run_out", "out-of-memory", None),
        ("unpicklable", "failed", "its answer cannot be sent"),
    ],
)
def test_ends_without_an_answer(deed: str, kind: str, words: str | None) -> None:
    """Exceptions, crashes, exits and messages that cannot be read are told apart and told in words."""
    outcome, _ = outcome_of(deed, wall_time=30)
    assert outcome.kind == kind
    assert outcome.value is None if words is None else words in outcome.value
    with pytest.raises(SplgbenchError, match="the solver's process failed"):
        answered(outcome)


def test_a_message_that_cannot_be_read() -> None:
    """A worker whose words make no sense is not waited for, though it goes on."""
    outcome, _ = outcome_of("poison", grace=GRACE)
    assert outcome.kind == "crashed"
    assert "sent what cannot be read" in outcome.value


def test_a_hang_is_killed_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """An errand that ignores its wall time is killed a grace later."""
    on_event = hours_pass_at_the_first_event(monkeypatch)
    assert run_errand(Errand("hang"), on_event, wall_time=5000, grace=GRACE).kind == "time-out"


def test_a_memory_hog_is_killed() -> None:
    """The limit counts resident memory of the whole process group, children included."""
    if resident_memory_mb(os.getpgrp()) is None:
        pytest.skip("no /proc here")
    outcome, _ = outcome_of("hog_in_a_child", memory=350, wall_time=60)
    assert outcome.kind == "out-of-memory"
    assert outcome.peak_memory_mb is not None
    assert outcome.peak_memory_mb > 350


def test_an_interrupt_lets_the_errand_finish() -> None:
    """A stop reaches the worker as an interrupt; one that listens answers in time."""
    stop = Stop()
    outcome = run_errand(Errand("wait_for_stop"), lambda _event: stop.set(), stop=stop, wall_time=60, grace=10)
    assert (outcome.kind, outcome.value) == ("answer", "stopped in time")


def test_an_interrupt_from_outside_sets_the_stop() -> None:
    """SIGINT to the worker itself does not end it: it sets the errand's stop."""
    outcome, _ = outcome_of("interrupt_itself")
    assert (outcome.kind, outcome.value) == ("answer", True)


def test_a_deaf_errand_is_killed_after_an_interrupt() -> None:
    """One that does not listen is killed a grace after the stop."""
    stop = Stop()
    outcome = run_errand(Errand("hang"), lambda _event: stop.set(), stop=stop, wall_time=60, grace=GRACE)
    assert outcome.kind == "interrupted"


def test_a_stop_before_the_start() -> None:
    """A worker that is interrupted while it still starts up was interrupted, it did not crash."""
    stop = Stop()
    stop.set()
    assert outcome_of("hang", stop=stop, grace=GRACE)[0].kind == "interrupted"


def test_an_exception_in_the_caller_kills_the_worker() -> None:
    """If the caller's own handler raises, a keyboard interrupt for instance, nothing is left running."""

    def raises(_event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_errand(Errand("hang"), raises)


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    """Whatever is printed, by Python, by C or by a child, disturbs no message and lands in the log."""
    outcome, events = outcome_of("chatter", log=tmp_path / "log")
    assert (outcome.kind, outcome.value, len(events)) == ("answer", "heard", 1)
    log = (tmp_path / "log").read_bytes()
    for words in (
        b"garbage from Python",
        b"\x00\xff garbage from C",
        b"garbage from a child",
        b"and on standard error",
    ):
        assert words in log


def test_several_at_once() -> None:
    """Threads may run workers side by side."""
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda n=n: outcomes.append(outcome_of("answer", n)[0])) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.value for outcome in outcomes) == [0, 1]


@pytest.mark.skipif(sys.platform != "linux", reason="names a process as Linux does")
def test_odd_process_names_do_not_matter() -> None:
    """The memory count survives processes whose names are no text or hold brackets."""

    script = (
        "import ctypes, time; ctypes.CDLL(None).prctl(15, b'a) \\xff (b', 0, 0, 0); print(flush=True); time.sleep(60)"
    )
    odd = subprocess.Popen(["python3", "-c", script], stdout=subprocess.PIPE)
    try:
        assert odd.stdout is not None
        odd.stdout.readline()
        assert resident_memory_mb(os.getpgrp()) is not None
    finally:
        odd.kill()
        odd.wait()
        odd.stdout.close()


# Solves


# Offers A (utility 3, U 5) and B (utility 2, U 4) in one cell of 7: the optimum is 5 x 3 + 2 x 2 = 19.
INSTANCE = make(plain_tables({("A", "G"): (5, 3), ("B", "G"): (4, 2)}, {"G": 7}, minimum={"G": 2}))


def doomed(monkeypatch: pytest.MonkeyPatch, deed: str, bound: str = "", mandates: str = "", **options: Any) -> Result:
    monkeypatch.setattr(isolation, "SolveErrand", DoomedSolve)
    grace = GRACE if deed == "hang" else 20
    return solve_isolated(f"{deed}:{bound}:{mandates}", INSTANCE, grace=grace, **options)


def test_a_solve_in_its_own_process() -> None:
    """The result is that of the method itself, with its allocation, trace and versions."""
    result = solve_isolated("linked@highs", INSTANCE, Limits(wall_time=60, memory=4000), permutation=1)
    assert (result.status, result.primal, result.dual, result.volumes.tolist()) == (Status.OPTIMAL, 19, 19, [5, 2])  # type: ignore[union-attr]
    assert result.method == "linked@highs"
    assert "highspy" in result.versions


def test_the_solve_is_timed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding the method is not counted; the solve is, by the clock around it."""
    clock = [0.0]
    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    class Solver:
        def solve(self, *_: object) -> str:
            clock[0] += 7.0
            return "answer"

    def import_slowly(_name: str) -> Solver:
        clock[0] += 100.0
        return Solver()

    monkeypatch.setattr(worker, "method", import_slowly)
    words: list[object] = []
    assert SolveErrand("slow", INSTANCE, Limits()).run(words.append, Stop()) == "answer"  # type: ignore[comparison-overlap]
    assert words == [SolveClock(), SolveClock(7.0)]


@pytest.mark.parametrize(
    ("inside", "measured"),
    [
        (10.0, 10.0),
        (10.2, 10.2),  # word took 0.1 s longer at the beginning than at the end, and 10.3 s have passed in all
        (9.9, 9.9),
        (9.0, 10.1),  # a second short of what passed outside: not believed
        (0.0, 10.1),
        (30.0, 10.1),
        (float("nan"), 10.1),
        ("long", 10.1),
    ],
)
def test_two_clocks(inside: Any, measured: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock inside counts where the one outside allows it: here 0.2 s, then 10.1 s until word of the end."""
    clock = [100.0]
    monkeypatch.setattr(isolation, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    watch = Stopwatch()
    clock[0] += 0.2
    watch.hear(SolveClock())
    clock[0] += 10.1
    watch.hear(SolveClock(inside))
    assert watch.seconds(answered=True) == pytest.approx(measured)
    clock[0] += 5.0
    assert watch.seconds(answered=False) == pytest.approx(15.1)


@pytest.mark.parametrize(
    ("claimed", "measured", "near"),
    [
        (0.0, 0.04, True),
        (0.0, 0.06, False),
        (0.51, 0.5, True),
        (99.5, 100.0, True),
        (98.5, 100.0, False),
        (101.5, 100.0, False),
        (-0.01, 0.0, False),
        (10**400, 1.0, False),
        (float("nan"), 1.0, False),
        ("1.0", 1.0, False),
        (None, 0.0, False),
        (np.float32(1.0), 1.0, True),
    ],
)
def test_claims_near_the_measured_time_stand(claimed: object, measured: float, near: bool) -> None:
    """Within 0.05 s or one per cent."""
    assert is_near(claimed, measured) is near


def test_a_refused_solve_raises() -> None:
    """An unknown method is refused in the worker and raised here."""
    with pytest.raises(UnsupportedError, match="no formulation named nonsense"):
        solve_isolated("nonsense@highs", INSTANCE)


@pytest.mark.parametrize(
    ("deed", "options", "status", "words"),
    [
        ("hang", {"limits": Limits(wall_time=5000)}, Status.TIME_OUT, "killed: it ignored its time limit"),
        ("hog", {"limits": Limits(memory=350)}, Status.OUT_OF_MEMORY, "killed at its memory limit"),
        ("segfault", {}, Status.ERROR, "its process died by SIGSEGV"),
    ],
)
def test_what_a_killed_solver_had_found_is_kept(
    deed: str, options: dict[str, Any], status: Status, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last mandates are polished and checked, the last bound kept; the status says how it ended."""
    if status is Status.TIME_OUT:
        options = options | {"on_event": hours_pass_at_the_first_event(monkeypatch)}
    result = doomed(monkeypatch, deed, "21.5", "10", **options)
    assert (result.status, result.primal, result.dual, result.claimed_dual) == (status, 15, 21, 21.5)
    assert result.volumes is not None
    assert result.volumes.tolist() == [5, 0]
    assert words in result.message
    assert len(result.trace) == 1


def test_what_comes_after_the_limit_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """News between the time limit and the kill are dropped: they took more time than others had."""
    result = doomed(monkeypatch, "hang", "21.5", "10", limits=Limits(wall_time=0.05))
    assert (result.status, result.primal, result.dual, result.trace) == (Status.TIME_OUT, None, None, ())


def test_an_interrupted_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interrupt the best reported allocation remains, with its status."""
    stop = Stop()
    result = doomed(monkeypatch, "hang", "", "11", stop=stop, on_event=lambda _event: stop.set())
    assert (result.status, result.primal, result.dual) == (Status.INTERRUPTED, 19, None)
    assert "killed after an interrupt" in result.message


def test_a_crash_after_the_proof_is_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the reported bound meets the checked value, the optimum is proved, whatever happened then."""
    result = doomed(monkeypatch, "segfault", "19.4", "11")
    assert (result.status, result.primal, result.dual) == (Status.OPTIMAL, 19, 19)
    assert "SIGSEGV" in result.message


def test_a_crash_with_nothing_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without mandates and bound there is nothing but the start that was given, and no bound."""
    start = Allocation({("B", "G"): 4}, INSTANCE.instance_hash)
    result = doomed(monkeypatch, "abort", start=start)
    assert (result.status, result.primal, result.dual) == (Status.ERROR, 8, None)


def test_a_killed_liar_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound below the checked value of its own mandates is wrong, crash or not."""
    result = doomed(monkeypatch, "segfault", "12", "11")
    assert result.status is Status.WRONG
    assert "lies below the checked value 19" in result.message
