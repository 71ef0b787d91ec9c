"""What peers are handed and what becomes of what they say, without the peers."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from splgbench import load, solve
from splgbench.instance import Instance
from splgbench.polish import polish
from splgbench.result import Result
from splgbench.solver_libraries import load_highspy
from splgbench.transform import cut

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("compare_peers")


@pytest.fixture(scope="module")
def instance() -> Instance:
    return cut(load("easy"), 4, 12)


@pytest.fixture(scope="module")
def best(instance: Instance) -> Result:
    return solve(instance, "linked@highs", wall_time=20)


def read_model(path: Path):
    highs = load_highspy().Highs()
    highs.setOptionValue("output_flag", False)
    highs.readModel(str(path))
    return highs


def sections(text: str) -> dict[str, list[str]]:
    """A .dec file by its headings."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith(("PRESOLVED", "NBLOCKS", "BLOCK", "MASTERCONSS")):
            found[line] = []
        else:
            found[list(found)[-1]].append(line)
    return found


def test_decomposition_file_holds_every_row_once_and_hospitals_apart(peers, instance, tmp_path):
    """GCG may price blocks apart only if no column lies in the rows of two of them."""
    model = peers.hand_over(instance, "strengthened", tmp_path)
    found = sections((tmp_path / "hospital.dec").read_text())
    lp = read_model(tmp_path / "model.mps").getLp()
    blocks = {title: rows for title, rows in found.items() if title.startswith("BLOCK ")}
    assert found["NBLOCKS"] == [str(len(blocks))] == ["4"]
    assert sorted(sum(blocks.values(), found["MASTERCONSS"])) == sorted(lp.row_names_)
    block_of_row = {row: title for title, rows in blocks.items() for row in rows}
    start, index = lp.a_matrix_.start_, lp.a_matrix_.index_
    for column in range(lp.num_col_):
        rows = [lp.row_names_[index[at]] for at in range(start[column], start[column + 1])]
        assert len({block_of_row[row] for row in rows if row in block_of_row}) <= 1
    assert (tmp_path / "coupling.txt").read_text().split() == found["MASTERCONSS"]
    assert len((tmp_path / "mandates.txt").read_text().split()) == (model.mandate_column >= 0).sum()


def test_stages_together_are_the_model(peers, instance, best, tmp_path):
    """With the mandates of an optimum fixed, the LPs of the areas are worth it, and the master takes them."""
    model = peers.hand_over(instance, "linked", tmp_path)
    peers.hand_over_areas(instance, model, tmp_path)
    names = [*(tmp_path / "mandates.txt").read_text().split()]
    held = dict(zip(names, (best.volumes > 0)[model.mandate_column >= 0].tolist(), strict=True))
    worth, rows = 0.0, 0
    for path in (tmp_path / "master.mps", *sorted(tmp_path.glob("area_*.mps"))):
        part = read_model(path)
        lp = part.getLp()
        rows += lp.num_row_
        assert path.stem == "master" or not any(str(kind).endswith("kInteger") for kind in lp.integrality_)
        for column, name in enumerate(lp.col_names_):
            if name in held:
                part.changeColBounds(column, float(held[name]), float(held[name]))
        part.run()
        worth += part.getInfo().objective_function_value
    assert rows == model.n_rows
    assert worth == pytest.approx(best.primal, rel=1e-9)


def test_rows_over_volumes_of_two_areas_are_refused_as_stages(peers, instance, tmp_path):
    """Stages by area would lose such a row."""
    model = peers.hand_over(instance, "linked", tmp_path)
    area = instance.group_area[instance.offer_group]
    other = int(np.flatnonzero(area != area[0])[0])
    columns = model.row_columns.copy()
    columns[model.row_columns == model.volume_column[0]] = model.volume_column[other]
    with pytest.raises(ValueError, match="joins areas"):
        peers.hand_over_areas(instance, replace(model, row_columns=columns), tmp_path)


def test_right_answers_stand_and_wrong_claims_are_refuted(peers, instance, best):
    """A peer's value, bound and mandates are taken for nothing before the exact check."""
    columns = {f"y{k}": k for k in range(instance.n_offers)}
    names = [f"y{k}" for k in np.flatnonzero(best.volumes)]
    right = {"ended": "optimal", "primal": float(best.primal), "dual": float(best.primal), "mandates": names}
    assert peers.judged(instance, columns, right, 60.0)["status"] == "optimal"
    dear = peers.judged(instance, columns, right | {"primal": best.primal + 10.0, "dual": best.primal + 99.0}, 60.0)
    assert dear["status"] == "wrong"
    assert "are worth" in dear["message"]
    low = peers.judged(instance, columns, right | {"dual": best.primal - 100.0}, 60.0)
    assert low["status"] == "wrong"
    lonely = [name for name, k in columns.items() if polish(instance, np.arange(len(columns)) == k).volumes is None]
    assert peers.judged(instance, columns, right | {"mandates": lonely[:1]}, 60.0)["status"] == "wrong"
    silent = peers.judged(instance, columns, {}, 60.0)
    assert (silent["status"], silent["primal"], silent["dual"]) == ("time-out", None, None)


def test_last_word_survives_noise_and_a_cut_line(peers):
    """A solver's own output and the half line of a killed process lose nothing that was said before."""
    lines = ["node | left", 'PEER {"primal": 5, "dual": 9}', "PEER ", 'PEER {"dual": 8}', 'PEER {"dual": 7']
    assert peers.heard(lines) == {"primal": 5, "dual": 8}


def fake_peer(peers, monkeypatch, folder: Path, program: str) -> None:
    """An environment whose Python is this one, and a program for it."""
    (folder / "fake").mkdir()
    state = {"python": sys.executable, "python_version": "3", "error": ""}
    (folder / "fake" / "installed.json").write_text(json.dumps(state))
    (folder / "solve_fake.py").write_text(program)
    monkeypatch.setattr(peers, "PROGRAMS", folder)
    monkeypatch.setitem(peers.PEERS, "fake", peers.Peer("fake", "solve_fake.py"))


def test_crash_is_an_error_that_keeps_what_was_said(peers, instance, monkeypatch, tmp_path):
    """A peer that dies shows the bound it had, and why it died."""
    program = "print('PEER {\"dual\": 1e6}', flush=True)\nraise RuntimeError('no dual')\n"
    fake_peer(peers, monkeypatch, tmp_path, program)
    row = peers.run_peer("fake", instance, 10.0, tmp_path)
    assert (row["status"], row["dual"], row["ended"]) == ("error", 10**6, "exit code 1")
    assert row["message"] == "RuntimeError: no dual"


def test_peer_that_does_not_stop_is_killed(peers, instance, monkeypatch, tmp_path):
    """The limit holds for a peer that ignores it."""
    monkeypatch.setattr(peers, "GRACE", 1.0)
    fake_peer(peers, monkeypatch, tmp_path, "import time\nprint('PEER {\"dual\": 1e6}', flush=True)\ntime.sleep(60)\n")
    row = peers.run_peer("fake", instance, 0.5, tmp_path)
    assert row["ended"] == "killed after 1.5 s"
    assert row["dual"] == 10**6


def test_peer_that_is_not_installed_is_shown_with_the_reason(peers, instance, tmp_path):
    """What does not install is told in the table, not left out."""
    row = peers.run_peer("gcg:linked", instance, 1.0, tmp_path)
    assert row["status"] == "unsupported"
    line = {**dict.fromkeys(peers.COLUMNS, ""), **row}
    assert "install.py" in peers.verdict(line, 1)


def test_table_shows_a_bound_below_another_methods_value_as_wrong(peers):
    """A bound may agree with its own allocation and still be refuted by another's."""
    common = {**dict.fromkeys(peers.COLUMNS, ""), "instance": "easy", "time_limit_s": "60", "wall_time_s": "1"}
    rows = [
        common | {"method": "benderslib", "status": "optimal", "primal": "90", "dual": "90", "ended": "optimal"},
        common | {"method": "auto", "status": "optimal", "primal": "100", "dual": "100"},
    ]
    text = peers.table(rows, 60.0)
    assert "| `benderslib` | 0.1 | 10.000 | 0.1 | 10.000 | WRONG bound (optimal) |" in text
    assert "| `auto` | 0.1 | 0.000 | 0.1 | 0.000 | optimal |" in text
