"""Stores in which something is missing: a page, tables and figures all the same, or one sentence."""

from __future__ import annotations

import re
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_for_tests import CHROMIUM, Browser, browser
from campaign.campaigns_for_tests import hostile, write_campaign
from report.stores_for_tests import a_run, a_store, odd_stores, records_of

from splgbench import Instance, write_package
from splgbench.campaign.cells import REFERENCE
from splgbench.cli import main
from splgbench.report import figures
from splgbench.report.content import gather
from splgbench.report.page import render

ODD = odd_stores()
IN_BROWSER = ("unsupported", "error without anything", "no time at all", "gap without end", "no offers", "odd names")
EXIT_CODES = {"wrong": 1}
"""Of `splgbench report` and `splgbench compare-stores`; 0 elsewhere."""


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Warnings are errors, for they would stand between the lines of the command; one format is as good as two."""
    monkeypatch.setattr(figures, "FORMATS", ("svg",))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def _report(store: Path, folder: Path, code: int = 0) -> str:
    """The page of a store; every figure that it draws lies beside it, and no other."""
    assert main(["report", str(store), "-o", str(folder)]) == code
    page = (folder / "index.html").read_text("utf-8")
    drawn = {place.removesuffix("-0") for place in re.findall(r'data-chart="([^"]+)"', page.partition("<script")[0])}
    assert {path.stem for path in (folder / "figures").iterdir()} == {
        re.sub(r"-(\d+)$", _as_file, key) for key in drawn
    }
    assert (folder / "tables" / "statuses.tex").is_file()
    return page


def _as_file(match: re.Match[str]) -> str:
    """The page counts rankings from 0, the files from 2 where there are several."""
    return f"-{int(match[1]) + 1}"


@pytest.mark.parametrize("name", ODD)
def test_odd_stores_have_reports(tmp_path: Path, name: str) -> None:
    """Whatever a store lacks, the command ends with a page and with what there is to draw."""
    runs, given = ODD[name]
    store = a_store(tmp_path / "s.sqlite", runs, **given)
    _report(store, tmp_path / "r", EXIT_CODES.get(name, 0))
    assert main(["compare-stores", str(store), str(store)]) == EXIT_CODES.get(name, 0)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")
def test_odd_stores_in_the_browser(chromium: Browser, tmp_path: Path) -> None:
    """No script stops, and every figure that has a place has points or lines."""
    for number, name in enumerate(IN_BROWSER):
        runs, given = ODD[name]
        file = tmp_path / f"{number}.html"
        file.write_text(render(gather(records_of(tmp_path / f"{number}.sqlite", runs, **given), 10.0), {}), "utf-8")
        page = chromium.open(file, "#?instance=0", width=390)
        page.evaluate("document.querySelectorAll('[data-chart]').forEach(draw)")
        for place in page.query_selector_all("[data-chart], [data-trace]"):
            page.wait_for_function("place => place.querySelectorAll('.scatterlayer .trace').length > 0", arg=place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert chromium.complaints == [], name
        page.close()


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    """Runs that never started have used no memory, and nobody is left to be ranked."""
    page = _report(a_store(tmp_path / "s.sqlite", ODD["unsupported"][0]), tmp_path / "r")
    assert "No run&#x27;s memory was measured." in page
    assert "No method is left to be ranked." in page
    page = _report(a_store(tmp_path / "t.sqlite", ODD["error"][0]), tmp_path / "t")
    assert "No method solved any of the runs." in page
    page = _report(a_store(tmp_path / "u.sqlite", ODD["nobody ran the same"][0]), tmp_path / "u")
    assert "There is no run that all methods ran." in page


def test_a_store_without_its_instances(tmp_path: Path) -> None:
    """Sizes are unknown, everything else is there."""
    store = a_store(tmp_path / "s.sqlite", [a_run("a@x"), a_run("b@x")])
    with sqlite3.connect(store) as connection:
        connection.execute("DELETE FROM instances")
    connection.close()
    assert "The store does not say how many offers the instances have." in _report(store, tmp_path / "r")


@pytest.mark.parametrize("runs", [[], [a_run("a@x", role=REFERENCE)]])
def test_stores_without_a_run_to_report(
    tmp_path: Path, runs: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing has run, or nothing but the reference run: one sentence."""
    store = a_store(tmp_path / "s.sqlite", runs, planned=2)
    assert main(["report", str(store), "-o", str(tmp_path / "r")]) == 2
    assert capsys.readouterr().err == f"splgbench: {store}: holds no finished run\n"
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        ([hostile("nothing")], "No run&#x27;s memory was measured."),
        ([hostile("segfault"), hostile("raise_nonsense")], "2 failures in 2 runs"),
        ([hostile("behave")], "No method solved any of the runs."),
        (["linked@highs"], "1 run of 1 method on 1 instance"),
    ],
)
def test_reports_of_small_campaigns(tmp_path: Path, methods: list[str], told: str) -> None:
    """Campaigns of unsupported runs, of errors, of a method that tells no time, of one run."""
    extra = "[limits]\nwall_time = 20\n[run]\nkeep = []\nattempts = 1"
    file = write_campaign(tmp_path, methods, extra)
    assert main(["run", str(file), "--store", str(tmp_path / "s.sqlite")]) == 0
    assert told in _report(tmp_path / "s.sqlite", tmp_path / "r")


def test_the_report_of_an_infeasible_instance(tmp_path: Path) -> None:
    """Both fixed volumes do not fit into the demand: solved by a proof, with no value anywhere."""
    instance = Instance.from_tables(
        hospitals=["H1", "H2"],
        groups={"group": ["A"], "area": ["x"]},
        demand={"group": ["A"], "cases": [10]},
        offers={"hospital": ["H1", "H2"], "group": ["A", "A"], "capacity": [9, 9], "utility": [3, 4]},
        overrides={
            "hospital": ["H1", "H2"],
            "group": ["A", "A"],
            "action": ["fix", "fix"],
            "cases": [9, 9],
            "reason": ["test", "test"],
        },
        name="tight",
    )
    write_package(instance, tmp_path / "tiny")
    file = write_campaign(tmp_path, ["linked@highs", "strengthened@highs"])
    assert main(["run", str(file), "--store", str(tmp_path / "s.sqlite")]) == 0
    page = _report(tmp_path / "s.sqlite", tmp_path / "r")
    assert "No wrong answers, no contradictions, no failures in 2 runs." in page
