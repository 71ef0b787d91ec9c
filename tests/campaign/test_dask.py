"""Dask: a real scheduler and real workers, one of which is killed while it works."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from campaigns_for_tests import hostile, plan_of, run_plan

from splgbench.campaign import dask_executor
from splgbench.campaign.dask_executor import DaskExecutor, batch_cluster, connected
from splgbench.campaign.store import Store
from splgbench.errors import InputError, SplgbenchError, UnsupportedError

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_worker_is_killed_and_the_engine_tries_again(tmp_path: Path) -> None:
    """Every run is stored once; those the dead worker was doing were begun again, and nothing of it is left."""
    ledger = tmp_path / "ledger"
    plan = plan_of(
        tmp_path,
        [hostile("sleep", seconds=0.3, ledger=ledger)],
        "[limits]\nwall_time = 60\n[variations]\nseeds = [0, 1, 2, 3, 4, 5, 6, 7]",
    )
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        Store(tmp_path / "store.sqlite", writing=True) as store,
    ):
        victims = client.run(os.getpid)
        assert len(victims) == 2
        killed: list[int] = []

        def kill_one(row: dict[str, object]) -> None:
            if not killed:
                killed.append(victims[min(victims)])
                os.kill(killed[0], signal.SIGKILL)

        session = run_plan(plan, store, DaskExecutor(client, "dask"), on_finished=kill_one)
        runs = list(store.runs())
        hosts = {run["worker"] for run in runs}
    assert (session.finished, len(runs)) == (8, 8)
    assert {run["status"] for run in runs} == {"time-out"}
    assert len(hosts) >= 1
    starts = [line.split()[0] for line in ledger.read_text().splitlines()]
    assert set(starts) == set("01234567")
    assert 8 <= len(starts) <= 10
    pids = [int(line.split()[1]) for line in ledger.read_text().splitlines()]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.1)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tcp://no-port", "nonsense://x:1"])
def test_a_scheduler_that_does_not_answer(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says so, after a time of our own rather than Dask's, and no client of Dask's is left trying."""
    monkeypatch.setattr(dask_executor, "_ANSWER", 0.2)
    monkeypatch.setattr(distributed, "Client", None)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "600s"}),
        pytest.raises(SplgbenchError, match=f"the Dask scheduler {address} does not answer: "),
        connected(address, 1, {}),
    ):
        pass


def test_a_running_scheduler_is_used() -> None:
    """An address that answers gives an executor of that name."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
        connected(cluster.scheduler_address, 1, {}) as executor,
    ):
        assert executor.name == cluster.scheduler_address
        assert executor._room() == dask_executor.FEWEST_AHEAD


def test_no_batch_system_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its command nothing is started that would wait for ever."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnsupportedError, match="there is no sbatch here"), connected("slurm", 1, {}):
        pass


def test_batch_systems_take_the_settings_of_the_campaign() -> None:
    """The job script holds what the campaign's [cluster] table says; wrong settings are refused."""
    pytest.importorskip("dask_jobqueue")
    settings = {"cores": 2, "processes": 1, "memory": "8GB", "walltime": "04:00:00", "queue": "long"}
    with batch_cluster("slurm", settings) as cluster:
        script = cluster.job_script()
    assert "#SBATCH -p long" in script
    assert "#SBATCH -t 04:00:00" in script
    with batch_cluster("pbs", settings) as cluster:
        assert "#PBS -q long" in cluster.job_script()
    with pytest.raises(InputError, match="must hold settings of SLURMCluster"):
        batch_cluster("slurm", {"memory": "8GB"})
