"""Stores that are damaged, foreign, newer or incomplete: one sentence that names the file, and nothing left behind."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from campaigns_for_tests import Pretender, hostile, plan_of, run_plan, write_campaign

from splgbench import InputError
from splgbench.campaign.store import Store
from splgbench.cli import main
from splgbench.errors import OutputError

SEEDS = f"[limits]\nwall_time = 60\n[variations]\nseeds = {list(range(60))}\n"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of 60 runs and its campaign file."""
    folder = tmp_path_factory.mktemp("sound")
    with Store(folder / "s.sqlite", writing=True) as store:
        run_plan(plan_of(folder, [hostile("behave")], SEEDS), store, Pretender())
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    """A store to be damaged; the campaign file stands beside it."""
    shutil.copytree(sound, tmp_path / "copy")
    return tmp_path / "copy" / "s.sqlite"


def shorten(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def shorten_to_a_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


def shorten_to_half_a_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def overwrite(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def overwrite_the_tail(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:8192] + random.Random(2).randbytes(len(data) - 8192))


def make_text(path: Path) -> None:
    path.write_text("run_key,status\n" * 1000)


def change(statement: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    return damage


DAMAGES = {
    "half": (shorten, "damaged"),
    "page": (shorten_to_a_page, "damaged"),
    "header": (shorten_to_half_a_header, "is no store"),
    "noise": (overwrite, "is no store"),
    "tail": (overwrite_the_tail, "damaged"),
    "text": (make_text, "is no store"),
    "newer": (change("PRAGMA user_version = 7"), "is a store of schema 7, of a newer splgbench"),
    "foreign": (change("DROP TABLE plan"), "is no store: it has no table plan"),
    "status": (change("UPDATE runs SET status = 'splendid' WHERE seed = 3"), "status in a row of runs is 'splendid'"),
    "number": (change("UPDATE runs SET wall_time_s = 'long' WHERE seed = 3"), "wall_time_s in a row of runs is 'long'"),
    "json": (change("UPDATE runs SET terms = '{' WHERE seed = 3"), "terms in a row of runs is '{'"),
    "list": (change("UPDATE runs SET counters = '[]' WHERE seed = 3"), "counters in a row of runs is []"),
}
COMMANDS = {
    "run": ["run", "CAMPAIGN", "--store", "STORE"],
    "show": ["store", "show", "STORE"],
    "export": ["store", "export", "STORE", "-o", "OUT/tables", "--format", "csv"],
    "merge": ["store", "merge", "SOUND", "STORE", "-o", "OUT/all.sqlite"],
    "report": ["report", "STORE", "-o", "OUT/report"],
    "compare-stores": ["compare-stores", "SOUND", "STORE"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_refused(
    command: str, damage: str, copy: Path, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one sentence with the file's name; no output comes to be."""
    deed, words = DAMAGES[damage]
    deed(copy)
    before = copy.read_bytes()
    (tmp_path / "OUT").mkdir()
    stands = {"STORE": copy, "CAMPAIGN": copy.with_name("campaign.toml"), "SOUND": sound / "s.sqlite"}
    argv = [str(stands.get(word, word)).replace("OUT", str(tmp_path / "OUT")) for word in COMMANDS[command]]
    assert main(argv) == 2
    told = capsys.readouterr().err
    assert str(copy) in told
    assert words in told
    assert len(told.strip().splitlines()) == 1
    assert [path for path in (tmp_path / "OUT").rglob("*") if path.is_file()] == []
    assert copy.read_bytes() == before
    assert sorted(path.name for path in copy.parent.iterdir()) == sorted(path.name for path in sound.iterdir())


@pytest.mark.parametrize("seed", range(12))
def test_bytes_that_flip(seed: int, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever bytes are wrong, reading ends with an answer or with one sentence."""
    draws = random.Random(seed)
    data = bytearray(copy.read_bytes())
    for _ in range(draws.choice([1, 20, 400])):
        data[draws.randrange(len(data))] = draws.randrange(256)
    copy.write_bytes(data)
    for argv in (["show", copy], ["export", copy, "-o", tmp_path / "t"], ["merge", copy, "-o", tmp_path / "m.sqlite"]):
        code = main(["store", *map(str, argv)])
        told = capsys.readouterr().err
        assert code in (0, 1, 2), told
        assert code != 2 or str(copy) in told


def test_an_error_while_writing_is_one_sentence(copy: Path) -> None:
    """A store that breaks while it is open stops the writer."""
    with Store(copy, writing=True) as store, pytest.raises(OutputError, match="cannot write"), store.transaction():
        store._connection.execute("DELETE FROM no_such_table")


# Files beside the store


def test_an_export_without_the_folder(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what is missing, after the tables that need no files."""
    shutil.rmtree(copy.with_name("s.sqlite.files"))
    assert main(["store", "export", str(copy), "-o", str(tmp_path / "out"), "--format", "csv"]) == 2
    told = capsys.readouterr().err
    assert f"{copy}.files: is missing, so the traces of 60 runs cannot be exported" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["instances.csv", "runs.csv", "sessions.csv"]


def test_an_export_without_a_trace(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A single trace that is missing, or is none, is named."""
    trace = next(copy.with_name("s.sqlite.files").rglob("*.trace.csv"))
    trace.write_text("time,primal,dual,source\nsoon,1,2,x\n")
    argv = ["store", "export", str(copy), "-o", str(tmp_path / "out"), "--format", "csv"]
    assert main(argv) == 2
    assert f"{trace}: must be a trace" in capsys.readouterr().err
    trace.unlink()
    assert main(argv) == 2
    assert f"{trace}: is missing, so the traces of 1 runs" in capsys.readouterr().err


def test_a_merge_without_the_folder(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows come in without the files that are lost, and a warning says how many."""
    shutil.rmtree(copy.with_name("s.sqlite.files"))
    target = tmp_path / "all.sqlite"
    assert main(["store", "merge", str(copy), "-o", str(target)]) == 0
    assert f"warning: 60 files that {copy} names are missing" in capsys.readouterr().err
    with Store(target) as store:
        assert {run["trace_file"] for run in store.runs()} == {None}
    assert main(["store", "merge", str(copy), "-o", str(tmp_path / "again.sqlite"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lost_files"] == {str(copy): 60}


def test_stores_of_like_names_share_nothing(tmp_path: Path) -> None:
    """part.1 and part.2 can be written at a time, each with files of its own."""
    plan = plan_of(tmp_path, [hostile("behave")])
    with Store(tmp_path / "part.1", writing=True) as one, Store(tmp_path / "part.2", writing=True) as two:
        run_plan(plan, one, Pretender())
        assert one.folder.is_dir()
        assert not two.folder.exists()
        run_plan(plan, two, Pretender())
        assert (one.folder.name, two.folder.name) == ("part.1.files", "part.2.files")


# What an opening leaves behind


def test_a_store_that_was_not_used_goes_again(tmp_path: Path) -> None:
    """Opened and closed: nothing is left; one that was there stays, also without runs."""
    with Store(tmp_path / "s.sqlite", writing=True):
        assert (tmp_path / "s.sqlite").exists()
    assert list(tmp_path.iterdir()) == []
    with Store(tmp_path / "s.sqlite", writing=True) as store, store.transaction():
        pass
    with Store(tmp_path / "s.sqlite", writing=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]


@pytest.mark.parametrize("executor", ["cloud", "slurm", "tcp://127.0.0.1:9"])
def test_an_executor_that_fails_leaves_no_store(
    executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong executor is no reason for an empty store."""
    pytest.importorskip("distributed")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("splgbench.campaign.dask_executor._ANSWER", 0.2)
    file = write_campaign(tmp_path, [hostile("behave")])
    (tmp_path / "work").mkdir()
    assert main(["run", str(file), "--store", str(tmp_path / "work" / "s.sqlite"), "--executor", executor]) in (2, 3, 5)
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert list((tmp_path / "work").iterdir()) == []


def test_a_merge_into_what_is_no_store(sound: Path, tmp_path: Path) -> None:
    """A file that is none of ours stays as it is."""
    target = tmp_path / "notes.txt"
    target.write_text("do not lose me\n" * 500)
    assert main(["store", "merge", str(sound / "s.sqlite"), "-o", str(target)]) == 2
    assert target.read_text() == "do not lose me\n" * 500
    assert list(tmp_path.iterdir()) == [target]


def test_a_lock_whose_file_was_removed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets the lock of a file that its last holder has just removed takes the new one."""
    from splgbench.campaign import store as storing

    path = tmp_path / "s.sqlite"
    real = storing.fcntl.flock
    removed: list[Path] = []

    def flock(lock: int, operation: int) -> None:
        if not removed:
            removed.append(tmp_path / "s.sqlite.lock")
            removed[0].unlink()
        real(lock, operation)

    monkeypatch.setattr(storing.fcntl, "flock", flock)
    with Store(path, writing=True):
        assert removed
        with pytest.raises(OutputError, match="another process is writing"):
            Store(path, writing=True)


def test_a_folder_in_the_place_of_a_store(tmp_path: Path) -> None:
    """It is refused, and its lock is gone."""
    (tmp_path / "s.sqlite").mkdir()
    with pytest.raises(InputError, match=r"s\.sqlite: "):
        Store(tmp_path / "s.sqlite", writing=True)
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]
