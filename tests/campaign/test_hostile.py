"""Methods that misbehave cannot hurt a campaign: each gets its status, and everything they started is gone."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from campaigns_for_tests import hostile, plan_of, run_plan

from splgbench.campaign.execution import MISTIMED
from splgbench.campaign.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what escapes is caught on Linux only")

ENDS = {
    "behave": ("time-out", ""),
    "nothing": ("unsupported", "it cannot do this"),
    "ignore_its_limit": ("time-out", "killed: it ignored its time limit"),
    "stop_itself": ("time-out", "killed: it ignored its time limit"),
    "eat_memory_slowly": ("out-of-memory", "killed at its memory limit"),
    "eat_memory_at_once": ("out-of-memory", ""),
    "segfault": ("error", "its process died by SIGSEGV"),
    "leave": ("error", "its process ended with code 0"),
    "daemonise": ("time-out", ""),
    "crash_with_children": ("error", "its process died by SIGSEGV"),
    "print_garbage": ("time-out", ""),
    "kill_its_server": ("error", "its fork server was killed"),
    "kill_itself": ("error", "its process died by SIGKILL"),
    "raise_nonsense": ("error", "no such luck"),
    "return_nonsense": ("error", "it returned str, not a Result"),
    "return_malformed": ("error", "its result makes no sense"),
    "boast": ("wrong", "it has a value without an allocation"),
    "overfill": ("wrong", "the checker refuses its allocation"),
    "bound_too_low": ("wrong", "lies below the checked value"),
    "claim_a_proof": ("wrong", "its value and its bound do not meet"),
    "close_no_gap": ("error", "it says gap-closed, but no gap was asked for"),
    "deny": ("wrong", "it says infeasible, but to grant nothing is feasible"),
    "deny_what_it_holds": ("wrong", "it says infeasible, but has an allocation of 0"),
    "overflow": ("wrong", "primal is beyond 64 bits"),
    "miscount": ("error", "its result cannot be stored"),
    "turn_back_time": ("time-out", ""),
    "ramble": ("time-out", "????"),
    "hurry": ("time-out", MISTIMED),
    "hurry_and_forge_the_clock": ("time-out", MISTIMED),
    "take_its_time": ("time-out", MISTIMED),
    "report_nonsense": ("error", "its process died by SIGSEGV"),
    "say_interrupted": ("error", "it says interrupted, but nobody interrupted it"),
}
EXTRA = """
[limits]
wall_time = 3
memory = 400
[run]
grace = 0.3
attempts = 2
"""


def test_times_are_those_that_passed(ended: tuple[dict[str, dict[str, Any]], Path]) -> None:
    """A time that the harness did not measure is replaced by the one it did; a message has an end."""
    runs, _ = ended
    assert 0 <= runs["turn_back_time"]["wall_time_s"] < 60
    assert runs["hurry"]["wall_time_s"] >= 1.2
    assert runs["hurry_and_forge_the_clock"]["wall_time_s"] >= 1.2
    assert runs["take_its_time"]["wall_time_s"] != 2.9
    assert len(runs["ramble"]["message"]) <= 4000


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], Path]:
    """Every deed in one campaign, two at a time: the stored runs by deed."""
    folder = tmp_path_factory.mktemp("hostile")
    plan = plan_of(folder, [hostile(deed, ledger=folder / "ledger") for deed in ENDS], EXTRA)
    with Store(folder / "store.sqlite", writing=True) as store:
        assert run_plan(plan, store).finished == len(ENDS)
        runs = {run["method"].partition("deed=")[2].partition(",")[0]: run for run in store.runs()}
    return runs, folder


@pytest.mark.parametrize("deed", ENDS)
def test_every_deed_gets_its_status(ended: tuple[dict[str, dict[str, Any]], Path], deed: str) -> None:
    """The status follows docs/measuring.md and the message says what happened."""
    run = ended[0][deed]
    status, words = ENDS[deed]
    assert run["status"] == status, run["message"]
    assert words in run["message"]


def test_what_was_killed_from_outside_is_tried_again(ended: tuple[dict[str, dict[str, Any]], Path]) -> None:
    """A run that something else kills is lost, not judged; it gets as many attempts as the campaign allows."""
    runs = ended[0]
    tried = {deed for deed, run in runs.items() if run["attempts"] > 1}
    assert tried == {"kill_its_server", "kill_itself"}


def test_nothing_is_left_running(ended: tuple[dict[str, dict[str, Any]], Path]) -> None:
    """Daemons and orphans die with the run that started them."""
    lines = (ended[1] / "ledger").read_text().splitlines()
    assert sum(line.startswith("daemon") for line in lines) == 1
    assert sum(line.startswith("child") for line in lines) == 3
    started = {int(line.split()[1]) for line in lines}
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(map(alive, started)):
        time.sleep(0.05)
    assert [pid for pid in started if alive(pid)] == []


def test_garbage_goes_to_a_log_that_stays_small(ended: tuple[dict[str, dict[str, Any]], Path]) -> None:
    """The beginning and the end of 13 MB are kept, with a note between."""
    runs, folder = ended
    log = (folder / "store.sqlite.files" / runs["print_garbage"]["log_file"]).read_bytes()
    assert len(log) < 2**20
    assert b"bytes left out]" in log
    assert log.endswith(b"garbage\n")


def test_what_was_reported_in_time_is_kept(ended: tuple[dict[str, dict[str, Any]], Path]) -> None:
    """A killed run keeps its mandates, polished and checked, its bound, its trace and its allocation."""
    runs, folder = ended
    run = runs["ignore_its_limit"]
    assert (run["primal"], run["dual"]) == (0, 100_000)
    assert run["wall_time_s"] >= 3
    assert (runs["report_nonsense"]["primal"], runs["report_nonsense"]["dual"]) == (0, 100_000)
    with Store(folder / "store.sqlite") as store:
        assert store.trace(run) == [(0.01, 1.0, 100_000.0, "hostile")]
        assert store.file(run["allocation_file"]).read_text().startswith("# instance_hash")


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False
