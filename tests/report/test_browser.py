"""The page in headless Chromium: figures, filters, the address, many rows, narrow screens, paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from browser_for_tests import CHROMIUM, Browser, browser
from report.stores_for_tests import TERMS, a_run, golden_runs, records_of

from splgbench.report.content import gather
from splgbench.report.lattice import LpBound
from splgbench.report.page import render
from splgbench.report.write import write_report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")

MOST_ROWS = 400
"""Rows of tables that a page may hold, however large the store."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the golden store, with LP bounds."""
    folder = tmp_path_factory.mktemp("golden")
    records = records_of(folder / "golden.sqlite", golden_runs())
    relaxations = [
        LpBound(name, f"hash-of-{name}", formulation, bound, 0.1)
        for name in ("one", "two")
        for formulation, bound in (("linked", 1500.0), ("strengthened", 1200.0))
    ]
    return write_report(gather(records, 10.0, relaxations), folder / "report")[0]


def _rows(page: Any, place: str) -> int:
    return int(re.match(r"\d+", page.inner_text(f"#{place} .count"))[0])


def test_every_figure_renders_and_nobody_complains(chromium: Browser, golden: Path) -> None:
    """Scrolled into sight, every figure has lines or points; nothing is fetched, the console stays silent."""
    page = chromium.open(golden)
    places = page.query_selector_all("[data-chart]")
    keys = {place.get_attribute("data-chart") for place in places}
    ranked = {"profile", "gap-over-time", "cactus", "scatter", "scaling-time", "scaling-gap"}
    assert keys == {f"{key}-0" for key in ranked} | {"lattice", "memory", "drift"}
    for place in places:
        place.scroll_into_view_if_needed()
        page.wait_for_function("place => place.querySelectorAll('.scatterlayer .trace').length > 0", arg=place)
    assert chromium.complaints == []
    page.close()


def test_the_verdict_is_seen_first(chromium: Browser, golden: Path) -> None:
    """Without scrolling there is the count of wrong answers, above any ranking."""
    page = chromium.open(golden)
    box = page.locator(".verdict").bounding_box()
    assert "3 wrong answers, 3 contradictions" in page.inner_text(".verdict")
    assert box["y"] + box["height"] < 900
    assert box["y"] < page.locator('[data-table="leaderboard"]').bounding_box()["y"]
    page.close()


def test_filters_sort_and_the_address(chromium: Browser, golden: Path) -> None:
    """Filters cut instances, runs and the plot of two methods; the address brings the same view back."""
    page = chromium.open(golden)
    assert (_rows(page, "instances-table"), _rows(page, "runs-table")) == (2, 19)
    page.select_option("[data-view=family]", "family-1")
    assert (_rows(page, "instances-table"), _rows(page, "runs-table")) == (1, 10)
    page.select_option("[data-view=method]", "linked@highs")
    page.select_option("[data-view=status]", "time-out")
    assert _rows(page, "runs-table") == 3
    assert page.evaluate("DATA.charts['scatter-0'].data.at(-1).x.length") == 3
    page.select_option("[data-view=x0]", "linked@highs")
    assert page.evaluate("DATA.charts['scatter-0'].data.at(-1).x") == [100, 100, 100]
    page.click("#runs-table th:has-text('wall s') button")
    page.click("#runs-table th:has-text('wall s') button")
    assert page.get_attribute("#runs-table th:has-text('wall s')", "aria-sort") == "descending"
    page.click("#instances-table .rowlink")
    page.wait_for_selector("#detail .scatterlayer .trace")
    address = page.url
    page.close()
    again = chromium.open(golden, "#" + address.partition("#")[2])
    assert (_rows(again, "instances-table"), _rows(again, "runs-table")) == (1, 3)
    assert again.input_value("[data-view=method]") == "linked@highs"
    assert again.input_value("[data-view=x0]") == "linked@highs"
    assert again.get_attribute("#runs-table th:has-text('wall s')", "aria-sort") == "descending"
    assert again.inner_text("#detail h3").startswith("two")
    assert "family-1" in again.inner_text("#detail")
    again.click("#reset")
    assert (_rows(again, "runs-table"), "#" in again.url) == (19, False)
    again.fill("[data-view=most]", "150")
    assert _rows(again, "instances-table") == 1
    again.fill("[data-view=text]", "no such name")
    assert _rows(again, "instances-table") == 0
    assert chromium.complaints == []
    again.close()


@pytest.mark.parametrize(
    "view",
    [
        "#?x0=nope",
        "#?y0=&method=nope&status=nope&family=nope&capacity=nope&without=nope",
        "#?instance=99999&ipage=x&rpage=-1",
        "#?instance=length&isort=nope&rsort=-",
        "#?instance=1.5&least=abc&most=1e999",
        "#?__proto__=1&constructor=2&toString=3&unheard=of",
        "#?%E0%A4%A&&&=&x0",
        "#nowhere",
    ],
)
def test_nonsense_in_the_address(chromium: Browser, golden: Path, view: str) -> None:
    """What the page does not know is left out: it shows what it shows without an address, and goes on working."""
    page = chromium.open(golden, view)
    assert (_rows(page, "instances-table"), _rows(page, "runs-table")) == (2, 19)
    assert page.input_value("[data-view=x0]") == "strengthened@highs"
    assert page.input_value("[data-view=y0]") == "linked@highs"
    assert page.get_attribute("#instances-table th:has-text('offers')", "aria-sort") == "ascending"
    assert page.inner_text("#detail") == ""
    assert page.evaluate("DATA.charts['scatter-0'].data.at(-1).x.length") == 6
    page.select_option("[data-view=family]", "family-1")
    assert _rows(page, "runs-table") == 10
    assert page.url.endswith("#?family=family-1")
    page.evaluate("location.hash = '#?x0=nope&family=family-0'")
    page.wait_for_function("document.querySelector('#runs-table .count').textContent.startsWith('9 rows')")
    assert chromium.complaints == []
    page.close()


def test_a_legend_with_every_name(chromium: Browser, tmp_path: Path) -> None:
    """On a phone, too, thirty long names stand there in full; a click takes a method out of the figure and back."""
    methods = [f"strengthened@highs:presolve=off,heuristics=0.05,number={number}" for number in range(30)]
    runs = [a_run(method, wall=1.0 + number) for number, method in enumerate(methods)]
    file = tmp_path / "page.html"
    file.write_text(render(gather(records_of(tmp_path / "s.sqlite", runs), 10.0), {}), "utf-8")
    page = chromium.open(file, width=390)
    place = page.query_selector("[data-chart=profile-0]")
    place.scroll_into_view_if_needed()
    page.wait_for_function("place => place.querySelector('.scatterlayer .trace')", arg=place)
    names = page.locator("figure:has([data-chart=profile-0]) .legend button")
    assert names.all_inner_texts() == methods
    assert all(name.bounding_box()["width"] <= 390 for name in names.all())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    names.nth(3).click()
    assert names.nth(3).get_attribute("aria-pressed") == "false"
    page.wait_for_function("place => place.querySelectorAll('.scatterlayer .trace').length === 29", arg=place)
    names.nth(3).click()
    page.wait_for_function("place => place.querySelectorAll('.scatterlayer .trace').length === 30", arg=place)
    assert chromium.complaints == []
    page.close()


def test_formulations_stand_apart(chromium: Browser, tmp_path: Path) -> None:
    """On a phone the diagram of the order scrolls; no text of it lies on another."""
    order = {"strengthened": 1.0, "linked": 2.0, "big_m_tight": 3.0, "indicator": 5.0, "gdp_hull": 7.0}
    relaxations = [LpBound("one", "hash-of-one", "strengthened", 1000.0, 0.1)]
    for name, factor in list(order.items())[1:]:
        relaxations.append(LpBound("one", "hash-of-one", name, 1000.0 + factor, 0.1))
        relaxations.append(LpBound("two", "hash-of-two", name, 1000.0 - factor, 0.1))
    relaxations.append(LpBound("two", "hash-of-two", "strengthened", 900.0, 0.1))
    records = records_of(tmp_path / "s.sqlite", [a_run("a@x", "one"), a_run("a@x", "two")])
    (tmp_path / "page.html").write_text(render(gather(records, 10.0, relaxations), {}), "utf-8")
    page = chromium.open(tmp_path / "page.html", width=390)
    place = page.query_selector("[data-chart=lattice]")
    place.scroll_into_view_if_needed()
    page.wait_for_function("place => place.querySelectorAll('.textpoint').length === 5", arg=place)
    boxes = [text.bounding_box() for text in place.query_selector_all(".textpoint")]
    for a, b in combinations(boxes, 2):
        beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
        assert beside or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_an_instance_links_to_its_logs(chromium: Browser, golden: Path) -> None:
    """Every run of the opened instance has a link, and behind it lies what the solver printed."""
    page = chromium.open(golden, "#?instance=0")
    links = page.query_selector_all("#detail td a")
    assert len(links) == 9
    for link in links:
        assert (golden.parent / link.get_attribute("href")).read_text() == "what the solver printed"
    page.close()


def test_narrow_screens_and_paper(chromium: Browser, golden: Path) -> None:
    """On a phone nothing sticks out sideways; paper holds the figures, no controls, and nothing wider than A4."""
    page = chromium.open(golden, "#?instance=0", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("[...document.querySelectorAll('[data-chart]')].every(p => p.querySelector('.main-svg'))")
    page.set_viewport_size({"width": 690, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    assert not page.is_visible("nav")
    assert not page.is_visible("#reset")
    assert chromium.complaints == []
    page.close()


def test_ten_thousand_rows(chromium: Browser, tmp_path: Path) -> None:
    """However many runs there are, the page holds few rows at a time, and all can be reached, sorted and filtered."""
    methods = [f"linked@highs:n={number}" for number in range(10)]
    runs = [a_run(method, f"i{number}", wall=1 + number % 7) for number in range(1000) for method in methods]
    records = records_of(tmp_path / "many.sqlite", [{**run, "log": ""} for run in runs])
    (tmp_path / "page.html").write_text(render(gather(records, 10.0), {}), "utf-8")
    page = chromium.open(tmp_path / "page.html")
    assert _rows(page, "runs-table") == 10_000
    assert page.evaluate("document.querySelectorAll('tr').length") <= MOST_ROWS
    page.click("#runs-table button:has-text('next')")
    page.click("#runs-table th:has-text('offers') button")
    page.click("#runs-table th:has-text('offers') button")
    assert page.inner_text("#runs-table tbody tr:first-child td:first-child") == "i999"
    page.fill("[data-view=text]", "i12")
    assert _rows(page, "runs-table") == 110
    assert page.evaluate("document.querySelectorAll('tr').length") <= MOST_ROWS
    page.evaluate("set({ rpage: '2' })")
    assert "page 3 of 3" in page.inner_text("#runs-table .count")
    assert chromium.complaints == []
    page.close()


def test_rankings_under_several_terms(chromium: Browser, tmp_path: Path) -> None:
    """A ranking of one method has no second to plot against; the others' plots keep their own methods."""
    off = {**TERMS, "presolve": "off"}
    short = {**TERMS, "wall_time": 50.0}
    runs = [
        a_run(m, terms=t) for m, t in (("a@x", TERMS), ("b@x", TERMS), ("c@x", off), ("a@x", short), ("c@x", short))
    ]
    runs = [{**run, "wall_time_limit_s": run["terms"]["wall_time"]} for run in runs]
    (tmp_path / "page.html").write_text(render(gather(records_of(tmp_path / "s.sqlite", runs), 10.0), {}), "utf-8")
    page = chromium.open(tmp_path / "page.html")
    assert page.evaluate("Object.values(DATA.rankings).map(board => board.methods)") == [["a@x", "b@x"], ["a@x", "c@x"]]
    titles = page.locator("h2[id^=ranking]").all_inner_texts()
    assert titles[2] == "Ranking 3: 100 s, 1 thread, gap 0 %, presolve off"
    page.select_option("[data-view=y1]", "a@x")
    assert "y1=a%40x" in page.url
    assert chromium.complaints == []
    page.close()
