"""Plans, stores, resuming, shards, merging and exports."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from campaigns_for_tests import HOSTILE, Pretender, hostile, plan_of, run_plan, write_campaign
from rich.console import Console

from splgbench import InputError, Limits, read_allocation, read_package
from splgbench.campaign import plan as planning
from splgbench.campaign import store as storing
from splgbench.campaign.execution import not_run
from splgbench.campaign.executors import open_executor
from splgbench.campaign.export import export
from splgbench.campaign.fairness import differing, terms
from splgbench.campaign.merge import merge
from splgbench.campaign.plan import worst_case_seconds
from splgbench.campaign.runner import pending_cells
from splgbench.campaign.store import Store
from splgbench.campaign.summary import summary
from splgbench.cli import main
from splgbench.cli.progress import Progress
from splgbench.errors import OutputError
from splgbench.result import Status

SEEDS = "[limits]\nwall_time = 60\n[variations]\nseeds = [0, 1, 2, 3, 4, 5]\n"


# Plans


def test_cells_and_their_order(tmp_path: Path) -> None:
    """Variations are the outer loop; unsupported cells are planned with their reason; --only picks by label."""
    methods = [hostile("behave"), hostile("nothing")]
    plan = plan_of(tmp_path, methods, "[limits]\nwall_time = 60\n[variations]\nseeds = [0, 1]\n")
    assert [cell.limits.seed for cell in plan.cells] == [0, 0, 1, 1]
    assert [cell.unsupported for cell in plan.unsupported] == ["it cannot do this"] * 2
    assert len({cell.run_key for cell in plan.cells}) == 4
    assert len(plan_of(tmp_path, methods, SEEDS, only="behave*seed=3").cells) == 1
    with pytest.raises(InputError, match="matches none"):
        plan_of(tmp_path, methods, SEEDS, only="no such cell")


def test_the_worst_case(tmp_path: Path) -> None:
    """Every supported cell takes its limit and the grace; a single cell cannot be split."""
    plan = plan_of(tmp_path, [hostile("behave"), hostile("nothing")], SEEDS)
    assert worst_case_seconds(plan.cells, 5, 2) == 6 * 65 / 2
    assert worst_case_seconds(plan.cells, 5, 100) == 65


@pytest.mark.parametrize("count", [1, 2, 4, 6, 9])
def test_shards_are_the_whole(tmp_path: Path, count: int) -> None:
    """Each cell is in exactly one shard."""
    whole = plan_of(tmp_path, [hostile("behave")], SEEDS)
    parts = [plan_of(tmp_path, [hostile("behave")], SEEDS, shard=f"{i}/{count}") for i in range(1, count + 1)]
    keys = [cell.run_key for part in parts for cell in part.cells]
    assert sorted(keys) == sorted(cell.run_key for cell in whole.cells)


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0", "²/2", "1/²", f"1/{'9' * 5000}", "1/2\n"])
def test_shards_that_are_none(tmp_path: Path, shard: str) -> None:
    """The rule is named."""
    with pytest.raises(InputError, match="must be written i/n"):
        plan_of(tmp_path, [hostile("behave")], SEEDS, shard=shard)


def test_the_reference_run(tmp_path: Path) -> None:
    """It comes before the first cell and after every so many; each shard has its own."""
    extra = SEEDS + '[reference]\ninstance = "easy"\nmethod = "linked@highs"\nevery = 4\n'
    plan = plan_of(tmp_path, [hostile("behave")], extra)
    assert [cell.role for cell in plan.cells] == ["reference", *["run"] * 4, "reference", *["run"] * 2]
    assert len({cell.run_key for cell in plan.cells}) == 8
    first, second = (plan_of(tmp_path, [hostile("behave")], extra, shard=f"{i}/2").cells[0] for i in (1, 2))
    assert (first.role, second.role) == ("reference", "reference")
    assert first.run_key != second.run_key


def test_what_makes_a_run_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits, seed, permutation, repeat, versions, code and a method file's content are in the key."""
    copy = tmp_path / "copy.py"
    copy.write_text(HOSTILE.read_text())
    name = f"{copy}:deed=behave"

    def keys(extra: str = "[limits]\nwall_time = 60") -> tuple[str, str]:
        cell = plan_of(tmp_path, [name], extra).cells[-1]
        return cell.run_key, cell.cell_key

    first = keys()
    assert keys() == first
    for extra in (
        "[limits]\nwall_time = 61",
        "[limits]\nwall_time = 60\ngap = 0.1",
        "[limits]\nwall_time = 60\n[variations]\nseeds = 1",
        "[limits]\nwall_time = 60\n[variations]\npermutations = [1]",
        "[limits]\nwall_time = 60\n[variations]\nrepeats = 2",
    ):
        assert keys(extra)[1] != first[1], extra
    copy.write_text(HOSTILE.read_text() + "\n")
    changed = keys()
    assert (changed[0] != first[0], changed[1] == first[1]) == (True, True)
    monkeypatch.setattr(planning, "planned_versions", lambda _name: {"highspy": "99"})
    assert keys()[0] not in (first[0], changed[0])


# Stores


def test_resuming(tmp_path: Path) -> None:
    """What is stored is not done again; what was interrupted is; the plan keeps count."""
    plan = plan_of(tmp_path, [hostile("behave"), hostile("nothing")], SEEDS)
    with Store(tmp_path / "s.sqlite", writing=True) as store:
        session = run_plan(plan, store, Pretender(most=2))
        assert (session.finished, session.interrupted) == (8, True)
        assert len(pending_cells(plan, store)) == 4
        assert run_plan(plan, store, Pretender(Status.ERROR)).finished == 4
        assert pending_cells(plan, store) == []
        assert len(pending_cells(plan, store, again=("error",))) == 4
        found = summary(store)
        assert (found.planned, found.finished) == (12, 12)
        assert [row["finished"] for row in store.rows("sessions")] == [8, 4]


def test_other_versions_are_other_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update everything is pending again, unless versions are not to matter; old rows leave the report."""
    with Store(tmp_path / "s.sqlite", writing=True) as store:
        run_plan(plan_of(tmp_path, [hostile("behave")], SEEDS), store, Pretender())
        monkeypatch.setattr(planning, "planned_versions", lambda _name: {"splgbench": "99"})
        plan = plan_of(tmp_path, [hostile("behave")], SEEDS)
        assert len(pending_cells(plan, store)) == 6
        assert pending_cells(plan, store, any_version=True) == []
        run_plan(plan, store, Pretender(most=1))
        assert len(list(store.runs())) == 1
        assert len(list(store.runs(current=False))) == 7


def test_a_run_that_fails_halfway_through_storing(tmp_path: Path) -> None:
    """A transaction that breaks off leaves nothing."""
    plan = plan_of(tmp_path, [hostile("behave")], SEEDS)
    with Store(tmp_path / "s.sqlite", writing=True) as store:
        run_plan(plan, store, Pretender(most=1))
        row = dict(not_run(plan.cells[1], Status.ERROR, "").row)
        with pytest.raises(sqlite3.IntegrityError):
            store.commit_runs([{**row, "session": "x", "harness_s": 0.0}, {**row, "status": None}])
        assert len(list(store.runs())) == 1


def test_one_writer(tmp_path: Path) -> None:
    """A second writer is refused while readers are welcome."""
    path = tmp_path / "s.sqlite"
    with Store(path, writing=True):
        with pytest.raises(OutputError, match="another process is writing"):
            Store(path, writing=True)
        with Store(path) as reader:
            assert list(reader.runs()) == []
    with Store(path, writing=True):
        pass


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be one" * 50, None])
def test_what_is_no_store(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty and foreign files are refused in one sentence."""
    path = tmp_path / "s.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="store"):
        Store(path)


def test_the_journal_suits_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write-ahead logging, but a rollback journal on a network file system; both resume alike."""
    modes = []
    for name, network in (("local", False), ("remote", True)):
        monkeypatch.setattr(storing, "on_network", lambda _path, network=network: network)
        plan = plan_of(tmp_path, [hostile("behave")], SEEDS)
        path = tmp_path / f"{name}.sqlite"
        for most in (2, 10):
            with Store(path, writing=True) as store:
                run_plan(plan, store, Pretender(most=most))
        with Store(path, writing=True) as store:
            assert pending_cells(plan, store) == []
        with contextlib.closing(sqlite3.connect(path)) as connection:
            modes.append(connection.execute("PRAGMA journal_mode").fetchone()[0])
    assert modes == ["wal", "delete"]


def test_merging_shards(tmp_path: Path) -> None:
    """Runs, files, plans and sessions of all shards come together; doing it twice changes nothing."""
    stores = []
    for part in (1, 2, 3):
        plan = plan_of(tmp_path, [hostile("behave")], SEEDS, shard=f"{part}/3")
        stores.append(tmp_path / f"{part}.sqlite")
        with Store(stores[-1], writing=True) as store:
            run_plan(plan, store, Pretender())
    with Store(tmp_path / "all.sqlite", writing=True) as target:
        assert merge(target, stores).runs == 6
        again = merge(target, stores)
        assert (again.runs, again.present) == (0, 6)
        runs = list(target.runs())
        assert len(runs) == 6
        assert all(target.trace(run) == [(1.0, 2.0, 3.0, "x")] for run in runs)
        assert len(list(target.rows("sessions"))) == 3
        whole = plan_of(tmp_path, [hostile("behave")], SEEDS)
        assert pending_cells(whole, target) == []
        with pytest.raises(InputError, match="into itself"):
            merge(target, [target.path])


REFERENCE = '[reference]\ninstance = "easy"\nmethod = "linked@highs"\nevery = 2\n'


def test_merged_shards_need_no_reference_runs(tmp_path: Path) -> None:
    """A reference run is for the runs that follow it: where these are done, also by shards, it is not run again."""
    stores = []
    for part in (1, 2):
        plan = plan_of(tmp_path, [hostile("behave")], SEEDS + REFERENCE, shard=f"{part}/2")
        stores.append(tmp_path / f"{part}.sqlite")
        with Store(stores[-1], writing=True) as store:
            run_plan(plan, store, Pretender())
    whole = plan_of(tmp_path, [hostile("behave")], SEEDS + REFERENCE)
    with Store(tmp_path / "all.sqlite", writing=True) as target:
        merge(target, stores)
        assert pending_cells(whole, target) == []
        run_plan(whole, target, Pretender())
        found = summary(target)
        assert (found.planned, found.finished) == (10, 10)
        assert len(found.reference_s) == 4


def test_reference_runs_for_what_is_left(tmp_path: Path) -> None:
    """On resuming, the parts that are done need none; an unsupported run needs none either."""
    extra = SEEDS + REFERENCE
    plan = plan_of(tmp_path, [hostile("behave")], extra)
    assert [cell.role for cell in plan.pending([])] == ["reference", "run", "run"] * 3
    done = [cell.run_key for cell in plan.cells if cell.limits.seed < 3 and cell.role == "run"]
    assert [(cell.role, cell.repeat) for cell in plan.pending(done)] == [
        ("reference", 1),
        ("run", 0),
        ("reference", 2),
        ("run", 0),
        ("run", 0),
    ]
    nothing = plan_of(tmp_path, [hostile("nothing")], extra)
    assert {cell.role for cell in nothing.pending([])} == {"run"}


def test_exports_agree_with_the_store(tmp_path: Path) -> None:
    """CSV and Parquet hold the same rows, with types."""
    pyarrow = pytest.importorskip("pyarrow.parquet")
    plan = plan_of(tmp_path, [hostile("behave"), hostile("nothing")], SEEDS)
    with Store(tmp_path / "s.sqlite", writing=True) as store:
        run_plan(plan, store, Pretender())
        assert len(export(store, tmp_path / "out")) == 8
        stored = {run["run_key"]: run for run in store.runs()}
    with (tmp_path / "out" / "runs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    table = pyarrow.read_table(tmp_path / "out" / "runs.parquet").to_pylist()
    assert {row["run_key"] for row in rows} == {row["run_key"] for row in table} == set(stored)
    for row in table:
        assert row["seed"] == stored[row["run_key"]]["seed"]
        assert json.loads(row["terms"]) == stored[row["run_key"]]["terms"]
    assert pyarrow.read_table(tmp_path / "out" / "traces.parquet").num_rows == 6


def test_terms_that_differ_are_named() -> None:
    """What a killed run could not report agrees with all; everything else must be the same."""
    one = {"threads": 1, "presolve": "on", "wall_time": 60.0, "primal_tolerance": 1e-6}
    assert differing([one, dict(one), {**one, "presolve": None, "primal_tolerance": None}]) == {}
    assert differing([one, {**one, "threads": 2}]) == {"threads": [1, 2]}
    assert differing([one, {**one, "primal_tolerance": 1e-9}]) == {"primal_tolerance": [1e-6, 1e-9]}


def test_tolerances_are_terms() -> None:
    """As the solver says it has them; whole numbers have none, and a solver that does not say agrees with all."""
    said = {
        "primal_feasibility_tolerance": 1e-6,
        "dual_feasibility_tolerance": 1e-7,
        "mip_feasibility_tolerance": 1e-5,
    }
    names = ("primal_tolerance", "dual_tolerance", "integrality_tolerance")

    def of(effective: dict[str, Any]) -> list[Any]:
        found = terms(Limits(wall_time=60), effective, "P", True)
        return [found[name] for name in names]

    assert of(said) == [1e-6, 1e-7, 1e-5]
    assert of(dict.fromkeys(said, 0.0)) == of({}) == [None, None, None]


def test_executors_by_name(tmp_path: Path) -> None:
    """A name that is none is refused."""
    campaign = plan_of(tmp_path, [hostile("behave")]).campaign
    with pytest.raises(InputError, match="--executor: must be local, dask"), open_executor("cloud", 1, campaign):
        pass


# The command line


def test_a_campaign_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Plan, real runs in processes of their own, the store with what a report needs, and nothing left to do."""
    extra = '[limits]\nwall_time = 60\nmemory = 900\n[variations]\npermutations = ["none", 1]\n'
    file = write_campaign(tmp_path, ["linked@highs", "linked@scip", "linked@cpsat"], extra)
    store_path = tmp_path / "s.sqlite"
    words = ["run", str(file), "--store", str(store_path), "--workers", "2"]

    assert main([*words, "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert (len(planned["cells"]), planned["worst_case_s"]) == (6, 6 * 65 / 2)
    assert not store_path.exists()

    assert main(words) == 0
    printed = capsys.readouterr()
    assert "6 runs stored" in printed.out
    assert "[6/6] tiny" in printed.err
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["finished"] == 0

    assert main(["store", "show", str(store_path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["statuses"] == {name: {"optimal": 2} for name in ("linked@highs", "linked@scip", "linked@cpsat")}
    assert main(["store", "export", str(store_path), "-o", str(tmp_path / "out"), "--format", "csv"]) == 0
    assert main(["store", "merge", str(store_path), "-o", str(tmp_path / "merged.sqlite")]) == 0
    capsys.readouterr()

    with Store(tmp_path / "merged.sqlite") as store:
        runs = list(store.runs())
        check_complete(runs, store, tmp_path)


def check_complete(runs: list[dict[str, Any]], store: Store, folder: Path) -> None:
    """Everything docs/measuring.md asks for is in the rows and files."""
    instance = read_package(folder / "tiny")
    for run in runs:
        assert (run["status"], run["primal"], run["dual"], run["gap"]) == ("optimal", 36, 36, 0)
        assert run["instance_hash"] == instance.instance_hash
        assert run["terms"]["threads"] == run["effective"]["threads"] == 1
        exact = run["method"] == "linked@cpsat"
        assert run["terms"]["integrality_tolerance"] == (None if exact else 1e-6)
        assert run["effective"].get("requested_mip_feasibility_tolerance") == (None if exact else 1e-6)
        assert {"splgbench", "python", "numpy"} <= set(run["versions"])
        assert "code" in run["planned_versions"]
        assert run["peak_memory_mb"] > 10
        assert run["harness_s"] > 0
        assert read_allocation(store.file(run["allocation_file"]), instance).objective == 36
        assert store.trace(run)
        assert store.file(run["log_file"]).stat().st_size > 0
    assert {run["permutation"] for run in runs} == {None, 1}
    if len(os.sched_getaffinity(0)) >= 2:
        assert {run["processors"] for run in runs} <= {str(number) for number in os.sched_getaffinity(0)}
    manifest = next(store.rows("sessions"))["manifest"]
    assert {"versions", "machine", "git_commit", "instances", "seeds", "campaign_file"} <= set(manifest)
    assert {"processor", "cores", "memory_mb", "system"} <= set(manifest["machine"])


def test_an_interrupt_from_the_keyboard(tmp_path: Path) -> None:
    """Ctrl-C ends the runs in flight without storing them, keeps what had finished, and says how to go on."""
    file = write_campaign(tmp_path, [hostile("behave"), hostile("sleep", seconds=300)])
    store_path = tmp_path / "s.sqlite"
    command = [sys.executable, "-m", "splgbench", "run", str(file), "--store", str(store_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "behave" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; run the same command again" in out
    with Store(store_path) as store:
        assert [run["status"] for run in store.runs()] == ["time-out"]
        assert [row["finished"] for row in store.rows("sessions")] == [1]


def test_a_merge_of_what_is_no_store_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sources are looked at first."""
    assert main(["store", "merge", str(tmp_path / "missing.sqlite"), "-o", str(tmp_path / "all.sqlite")]) == 2
    assert "there is no such store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    """The view shows the overall count, what each worker is at, and the last results."""
    plan = plan_of(tmp_path, [hostile("behave")], SEEDS)
    progress = Progress(len(plan.cells))
    progress.started("local-1", plan.cells[0])
    progress.started("local-2", plan.cells[1])
    row = {**not_run(plan.cells[0], Status.TIME_OUT, "", attempts=1).row, "gap": 0.25, "worker": "local-1"}
    progress.finished(row)
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    console.print(progress._view())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[1/6] tiny" in shown
    assert "gap 25.0 %" in shown
    assert "local-2  tiny" in shown
    assert "local-1" not in shown


def test_wrong_answers_show_in_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A liar makes the command end with 1 and is named."""
    file = write_campaign(tmp_path, [hostile("bound_too_low")])
    assert main(["run", str(file), "--store", str(tmp_path / "s.sqlite")]) == 1
    assert "CONTRADICTION on tiny" in capsys.readouterr().out
    assert main(["store", "show", str(tmp_path / "s.sqlite")]) == 1
    assert "CONTRADICTION on tiny" in capsys.readouterr().out
