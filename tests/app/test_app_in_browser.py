"""The app in headless Chromium: every view, by mouse and by keyboard, alone and beside others, wide and narrow."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from app.app_for_tests import App, Refused, Session, running_app
from app.pictures_for_tests import take
from browser_for_tests import CHROMIUM, Browser, browser

from splgbench.instance import Instance
from splgbench.library import load
from splgbench.limits import Limits
from splgbench.package import write_package
from splgbench.result import Result, Status

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")

MANY_OFFERS = 163_000


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with running_app("easy") as running:
        yield running


@pytest.fixture(scope="module")
def opened(app: App) -> Iterator[Browser]:
    with browser(app.address) as chromium:
        yield chromium


@pytest.fixture
def chromium(opened: Browser) -> Browser:
    """The browser, without what another test complained of."""
    opened.complaints.clear()
    return opened


@pytest.fixture(scope="module")
def solved(app: App, opened: Browser) -> Iterator[Any]:
    """A page on which the preset easy is solved; nobody changes the instance on it."""
    page = _page(opened, app)
    _solve(page)
    yield page
    page.close()


def _page(chromium: Browser, app: App, width: int = 1400) -> Any:
    page = chromium.visit(app.address, width)
    page.wait_for_selector("body[data-filled=yes]")
    return page


def _behind(app: App, page: Any) -> Session:
    """The session of a page."""
    return Session(app, urlsplit(page.url).path)


def _solve(page: Any) -> float:
    """Press Solve; seconds until the results stand there, as the page measures them."""
    page.evaluate("delete document.body.dataset.solved")
    page.click("#solve")
    page.wait_for_selector("body[data-solved][data-busy=no]")
    assert page.is_hidden("#error"), page.inner_text("#error")
    return float(page.get_attribute("body", "data-solved"))


def _load(page: Any, name: str) -> None:
    page.select_option("#library", name)
    page.click("#load")
    page.wait_for_selector("#message:has-text('is loaded')")
    assert name in page.inner_text("#sizes")


def _tile(page: Any, title: str) -> str:
    return str(page.inner_text(f"#tiles div:has(dt:text-is('{title}')) dd"))


def _open(page: Any, key: str) -> None:
    page.click(f"#tab-{key}")
    page.wait_for_selector(f"#panel-{key}:not([hidden])")


def _rows(page: Any, key: str) -> int:
    """Rows of a panel's table in all its pages."""
    page.wait_for_selector(f"#panel-{key} .count")
    return int(re.match(r"[\d,]+", page.inner_text(f"#panel-{key} .count"))[0].replace(",", ""))


def _refusals(chromium: Browser, expected: int) -> None:
    """The console tells of every request that is refused; these were meant to be, and there is nothing else."""
    assert len(chromium.complaints) == expected
    assert all("400 (Bad Request)" in text for text in chromium.complaints)


def _traces(page: Any, place: str) -> int:
    return len(page.query_selector_all(f"#{place} .scatterlayer .trace"))


def test_rules_off_and_solved_again(
    chromium: Browser, app: App, record_property: pytest.RecordProperty, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every rule can be switched; what changes is shown against the first run; times that a user feels are logged."""
    page = _page(chromium, app)
    assert "synthetic data" in page.inner_text("#kind")
    _solve(page)
    assert _tile(page, "State").startswith("optimal")
    assert _traces(page, "bounds") == 2
    page.click("label:has-text('Links between groups')")
    page.wait_for_selector("#stale:not([hidden])")
    again = _solve(page)
    assert page.is_hidden("#stale")
    figures = {
        "start_to_first_page_s": app.seconds,
        "of_that_cpu_s": app.cpu_seconds,
        "rule_off_and_solved_again_s": again,
        **_basel_size(chromium, app),
    }
    for name, seconds in figures.items():
        record_property(name, f"{seconds:.2f}")
    with capsys.disabled():
        sys.stdout.write(f"\n[app] {', '.join(f'{name} {seconds:.2f}' for name, seconds in figures.items())}\n")
    _open(page, "difference")
    told = page.inner_text("#panel-difference .tiles div:has(dt:text-is('Benefit')) dd")
    gained = float(told.splitlines()[0].replace(",", ""))
    session = _behind(app, page)
    runs = session.get("state")["runs"]
    assert gained == pytest.approx(runs[1]["points"] - runs[0]["points"], abs=0.01)
    assert gained > 0
    page.check("#instantly")
    page.evaluate("delete document.body.dataset.solved")
    page.select_option("#capacity_mode", "none")
    page.wait_for_selector("body[data-solved][data-busy=no]")
    page.uncheck("[data-rule=minimum_cases]")
    page.uncheck("[data-rule=minimum_share]")
    page.wait_for_selector(
        "#run option:has-text('capacity none, no minimum cases, no minimum share, no links')", state="attached"
    )
    assert chromium.complaints == []
    page.close()


def _basel_size(chromium: Browser, app: App) -> dict[str, float]:
    """Seconds, as the page measures them, at 26 x 145 with the links switched off: to an allocation, to the proof."""
    page = _page(chromium, app)
    _load(page, "basel")
    _solve(page)
    page.click("label:has-text('Links between groups')")
    page.wait_for_selector("#stale:not([hidden])")
    proved = _solve(page)
    assert _tile(page, "State").startswith("optimal")
    first = float(page.get_attribute("body", "data-first"))
    page.close()
    return {"basel_rule_off_to_checked_allocation_s": first, "basel_rule_off_to_proof_s": proved}


def test_live_curves_a_stop_and_a_crash(chromium: Browser, app: App) -> None:
    """While it solves there are curves and a checked allocation; a stop keeps the best one with its gap.

    A killed solve is told and survived, and another session sees nothing of it.
    """
    other = app.session()
    page = _page(chromium, app)
    _load(page, "hard-h1")
    page.select_option("#method", "linked@highs")
    page.fill("#time", "600")
    twin = chromium.visit(page.url)
    page.dblclick("#solve")
    page.wait_for_selector("#tiles div:has(dt:text-is('Gap')) dd:text-matches('[0-9] %')")
    page.wait_for_selector("#gaps .scatterlayer .trace")
    assert _tile(page, "State").startswith("solving")
    assert _traces(page, "bounds") == 2
    # A checked allocation stands there while the proof goes on.
    page.wait_for_selector("#tiles:has-text('points, checked')")
    page.wait_for_selector(".heat td button:text-matches('[0-9]')")
    assert _tile(page, "State").startswith("solving")
    # Another tab of the session cannot solve, too: it sees the same solve, and can stop it.
    twin.click("#solve")
    twin.wait_for_selector("#error:has-text('still running')")
    # What is drawn while the solve goes on leaves the error there; what the user does next ends it.
    twin.wait_for_selector(".heat td button:text-matches('[0-9]')")
    assert twin.is_visible("#error:has-text('still running')")
    twin.click("#stop:not([disabled])")
    assert twin.is_hidden("#error")
    page.wait_for_selector("body[data-solved][data-busy=no]")
    assert _tile(page, "State").startswith("interrupted")
    twin.close()
    _refusals(chromium, 1)
    chromium.complaints.clear()
    runs = _behind(app, page).get("state")["runs"]
    assert len(runs) == 1
    run = runs[-1]
    assert run["has_allocation"]
    assert 0 < run["primal"] <= run["dual"]
    page.evaluate("delete document.body.dataset.solved")
    page.click("#solve")
    page.wait_for_selector("#tiles:has-text('solving')")
    for pid in app.workers():
        os.kill(pid, signal.SIGKILL)
    page.wait_for_selector("body[data-solved][data-busy=no]")
    assert _tile(page, "State").startswith("error")
    assert "SIGKILL" in page.inner_text("#run-message")
    state = other.get("state")
    assert (state["instance"]["name"], state["runs"]) == ("easy-s1", [])
    assert chromium.complaints == []
    page.close()


def test_a_region_by_hand_and_by_keyboard(chromium: Browser, app: App) -> None:
    """Heat map, coverage, map, offers with filter and export, numbers in place, on a region with coordinates."""
    page = _page(chromium, app)
    _load(page, "basel-2022")
    assert page.inner_text("#kind") == "semi-synthetic data"
    assert "semi-synthetic" in page.inner_text("#title")
    _solve(page)
    instance = load("basel-2022")
    run = _behind(app, page).get("state")["runs"][-1]
    shown = [text for text in page.locator(".heat td button").all_inner_texts() if text.isdecimal()]
    assert sum(map(int, shown)) == run["mandates"]
    take(page, "app", 1240)
    # One cell of the map is in the order of tabs; arrows move from there, Enter opens its offers.
    page.focus(".heat td button[tabindex='0']")
    first = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert second != first
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel-offers:not([hidden]) tbody tr")
    assert _rows(page, "offers") == int(re.search(r"of (\d+) offer", second)[1])
    page.fill("#panel-offers input[type=search] >> nth=1", "")
    page.select_option("#panel-offers label:has-text('Area') select", "")
    page.select_option("#panel-offers label:has-text('Mandate') select", "no")
    refused = instance.n_offers - run["mandates"]
    page.wait_for_selector(f"#panel-offers .count:has-text('{refused} rows')")
    page.click("#panel-offers th:has-text('Cases') button >> nth=0")
    with page.expect_download() as download:
        page.click("#panel-offers a:has-text('these rows')")
    assert len(download.value.path().read_text("utf-8").splitlines()) == refused + 1
    page.keyboard.press("Home")
    page.focus("#tab-offers")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#panel-map:not([hidden]) circle")
    assert len(page.query_selector_all(".map circle")) == instance.n_hospitals
    take(page, "app-map")
    page.focus(".map circle >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel-offers:not([hidden])")
    _open(page, "coverage")
    assert _rows(page, "coverage") == instance.n_groups
    page.click("#panel-coverage th:has-text('Coverage') button")
    page.wait_for_selector("#panel-coverage th[aria-sort=ascending]:has-text('Coverage')")
    _edit_by_keyboard(page, app)
    _refusals(chromium, 1)
    page.close()


def _edit_by_keyboard(page: Any, app: App) -> None:
    """A number is opened, refused, corrected, undone; Escape changes nothing."""
    session = _behind(app, page)
    before = session.get("state")["instance"]["hash"]
    _open(page, "numbers")
    page.focus("#panel-numbers .cell-edit >> nth=0")
    old = page.inner_text("#panel-numbers .cell-edit >> nth=0")
    page.keyboard.press("Enter")
    page.keyboard.type("17")
    page.keyboard.press("Escape")
    assert page.inner_text("#panel-numbers .cell-edit >> nth=0") == old
    page.keyboard.press("Enter")
    page.keyboard.type("-3")
    page.keyboard.press("Enter")
    page.wait_for_selector("#error:has-text('capacity')")
    assert session.get("state")["instance"]["hash"] == before
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("17")
    page.keyboard.press("Enter")
    page.wait_for_selector("table[aria-label='Edited numbers'] tbody tr")
    assert page.inner_text("#panel-numbers .cell-edit >> nth=0") == "17"
    assert page.is_visible("#stale")
    page.click("table[aria-label='Edited numbers'] button")
    page.wait_for_selector("#stale", state="hidden")
    assert session.get("state")["instance"]["hash"] == before


def test_a_decision_its_price_and_a_clash(chromium: Browser, app: App) -> None:
    """The loss stands there before the decision can be taken; a clash is explained and cannot be taken."""
    page = _page(chromium, app)
    session = _behind(app, page)
    _solve(page)
    _open(page, "offers")
    page.select_option("#panel-offers label:has-text('Mandate') select", "yes")
    page.wait_for_selector("#panel-offers .count:has-text('rows')")
    page.click("#panel-offers tbody tr:first-child button:text-is('Decide')")
    assert page.input_value("#action") == "refuse"
    page.fill("#reason", "The site closes")
    page.fill("#author", "A. Planner")
    assert page.is_disabled("#commit")
    page.click("#ask-price")
    page.wait_for_selector("#price .figure")
    loss = page.inner_text("#price .figure")
    assert re.match(r"Loss of benefit: [\d,.]+ points|No benefit is lost", loss)
    take(page, "app-decision")
    page.click("#commit")
    page.wait_for_selector("#decide", state="hidden")
    _open(page, "decisions")
    assert "The site closes" in page.inner_text("table[aria-label=Decisions]")
    before = session.get("state")["runs"][-1]["points"]
    _solve(page)
    after = session.get("state")["runs"][-1]["points"]
    told = float(re.search(r"[\d,.]+", loss)[0].replace(",", "")) if "Loss" in loss else 0.0
    assert before - after == pytest.approx(told, abs=0.01)
    page.click("table[aria-label=Decisions] button:text-is('Withdraw')")
    page.wait_for_selector("#panel-decisions:has-text('No decision has been taken')")
    # As little need as one of two mandates asks for.
    first, second = _two_of_a_group(session)
    cell = load("easy").groups.index(first["group"])
    session.post("edit", table="demand", column="cases", row=cell, value=str(first["threshold"]))
    for offer in (first, second):
        _open(page, "offers")
        page.fill("#panel-offers input[type=search] >> nth=1", offer["hospital"])
        page.click(f"button[aria-label='Decide on {offer['hospital']} {offer['group']}']")
        page.select_option("#action", "grant")
        page.fill("#reason", "Both sites are needed")
        page.fill("#author", "A. Planner")
        page.click("#ask-price")
        page.wait_for_selector("#price .figure, #price li")
        if offer is first:
            page.click("#commit")
            page.wait_for_selector("#decide", state="hidden")
    assert "cannot be taken" in page.inner_text("#price")
    clash = page.locator("#price li").all_inner_texts()
    assert len([member for member in clash if member.startswith("grant ")]) == 2
    assert any(member.startswith("demand of") for member in clash)
    assert page.is_disabled("#commit")
    take(page, "app-clash")
    page.keyboard.press("Escape")
    page.wait_for_selector("#decide", state="hidden")
    assert chromium.complaints == []
    page.close()


def _two_of_a_group(session: Session) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two offers of one group that hold mandates."""
    found = session.get("offers", size=200, mandate="yes", sort="group")
    keys = [column["key"] for column in found["columns"]]
    held = [dict(zip(keys, cells, strict=True)) for cells in found["rows"]]
    return next(two for two in pairwise(held) if two[0]["group"] == two[1]["group"])


def test_why_not(chromium: Browser, solved: Any) -> None:
    """A refused mandate is explained by rules, or by what displaced it and the loss if it were granted."""
    page = solved
    _open(page, "offers")
    # The first offer cannot hold its links, the second one can: others have the cases.
    forbidden, displaced = _why(page, "H01", "A1G5"), _why(page, "H01", "A3G1", "app-why-not")
    assert forbidden.startswith("Rules forbid it")
    assert "link of H01 A1G5 to a group nobody offers" in forbidden
    assert re.search(r"Granting it loses [\d,.]+ points", displaced)
    assert "Cases if granted" in displaced
    assert chromium.complaints == []


def _why(page: Any, hospital: str, group: str, picture: str = "") -> str:
    """What the page answers to "Why not?" at an offer."""
    page.fill("#panel-offers input[type=search] >> nth=1", hospital)
    page.click(f"button[aria-label='Why has {hospital} no mandate for {group}?']")
    page.wait_for_selector("#why-answer:not(:has(button))")
    if picture:
        take(page, picture)
    told = str(page.inner_text("#why-answer"))
    page.click("#why button:text-is('Close')")
    return told


def test_a_race(chromium: Browser, app: App, solved: Any) -> None:
    """Four methods side by side: their curves on one axis, how each ended, and their runs to be kept; no fifth."""
    page = solved
    racers = ["auto", "strengthened@highs", "linked@highs", "linked@scip"]
    _open(page, "race")
    assert page.locator("#panel-race select").count() == len(racers)
    for place, method in enumerate(racers):
        page.select_option(f"#panel-race select >> nth={place}", method)
    page.fill("#race-time", "600")
    page.click("#race-start")
    page.wait_for_selector("#message:has-text('The race is over'), #error:not([hidden])")
    assert page.is_hidden("#error"), page.inner_text("#error")
    assert page.locator("table[aria-label='Racing methods'] td:text-is('optimal')").count() == len(racers)
    assert _traces(page, "race-bounds") == 2 * len(racers)
    assert page.locator("#race-bounds .legendtext").all_text_contents() == racers
    session = _behind(app, page)
    runs = session.get("state")["runs"]
    assert [run["method"] for run in runs[-4:]] == racers
    assert len({run["primal"] for run in runs[-4:]}) == 1
    with pytest.raises(Refused, match="one to 4 methods"):
        session.post("race", methods=[*racers, "strengthened@scip"])
    take(page, "app-race", 1240)
    assert chromium.complaints == []


def test_an_upload(chromium: Browser, app: App, tmp_path: Path) -> None:
    """A bad file is refused in a sentence, a good one is loaded and labelled."""
    page = _page(chromium, app)
    (tmp_path / "bad.zip").write_text("no zip")
    write_package(load("us-miami-2011"), tmp_path / "good.zip")
    page.set_input_files("#file", tmp_path / "bad.zip")
    page.click("#upload")
    page.wait_for_selector("#error:has-text('must be a zip of an instance package')")
    page.set_input_files("#file", tmp_path / "good.zip")
    page.click("#upload")
    page.wait_for_selector("#message:has-text('is loaded')")
    assert "26 hospitals" in page.inner_text("#sizes")
    assert page.inner_text("#kind") == "uploaded data"
    _refusals(chromium, 1)
    page.close()


CHECKS = Path(__file__).with_name("page_checks.js").read_text("utf-8")


def test_contrast_names_and_focus(chromium: Browser, app: App) -> None:
    """In every view all text has 4.5 to 1 (WCAG 2.2 AA), all controls a name; Tab reaches Solve and shows."""
    page = _page(chromium, app)
    page.evaluate(CHECKS)
    page.keyboard.press("Tab")
    assert page.evaluate("checks.focus()")[0] == "Skip to the results"
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        name, style, wide = page.evaluate("checks.focus()")
        reached.append(name)
        assert style == "solid", name
        assert wide >= 2, name
        if name == "solve":
            break
    assert reached.index("library") < reached.index("capacity_mode") < reached.index("method") < reached.index("solve")
    page.evaluate("delete document.body.dataset.solved")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-solved][data-busy=no]")
    for key in ("heat", "coverage", "offers", "map", "numbers", "decisions", "difference", "race"):
        _open(page, key)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("checks.contrast()") == [], key
        assert page.evaluate("checks.unnamed()") == [], key
    page.set_viewport_size({"width": 390, "height": 844})
    for key in ("heat", "offers", "numbers", "race"):
        _open(page, key)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, key
    _open(page, "heat")
    take(page, "app-narrow", 844)
    assert chromium.complaints == []
    page.close()


def test_many_offers(chromium: Browser) -> None:
    """163,000 offers: the browser holds a page of them; it sorts, filters and turns pages on the server."""
    import uvicorn

    from splgbench.app.server import build
    from splgbench.app.workspace import Workspace

    instance = _large()
    workspace = Workspace.of(instance, "synthetic")
    served = build(workspace, warm=False)
    server = uvicorn.Server(uvicorn.Config(served, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    home, chromium.home = chromium.home, f"http://127.0.0.1:{port}/"
    try:
        session = served.state.sessions.new()
        volumes = np.minimum(instance.capacity, 1)
        session.keep(
            workspace,
            [Result(Status.TIME_OUT, "none", "large", instance.instance_hash, 1, 2, volumes=volumes, limits=Limits())],
        )
        page = chromium.visit(f"{chromium.home}s/{session.token}/")
        _open(page, "offers")
        page.wait_for_selector(f"#panel-offers .count:has-text('{MANY_OFFERS:,} rows')")
        page.click("#panel-offers th:has-text('Capacity') button")
        page.click("#panel-offers th:has-text('Capacity') button")
        page.wait_for_selector("#panel-offers th[aria-sort=descending]")
        page.click("#panel-offers button:text-is('Next')")
        page.wait_for_selector("#panel-offers .count:has-text('page 2 of')")
        page.fill("#panel-offers input[type=search] >> nth=1", "h0007")
        page.wait_for_selector("#panel-offers .count:has-text('100 rows')")
        _open(page, "heat")
        page.wait_for_selector(".heat tbody tr")
        assert len(page.query_selector_all(".heat tbody tr")) <= 30
        assert page.evaluate("document.querySelectorAll('tr').length") <= 200
        page.close()
    finally:
        chromium.home = home
        server.should_exit = True
        thread.join(30)
    assert chromium.complaints == []


def _large() -> Instance:
    """1,630 hospitals that offer all of 100 groups."""
    hospitals = [f"h{number:04d}" for number in range(MANY_OFFERS // 100)]
    groups = [f"g{number:02d}" for number in range(100)]
    return Instance.from_tables(
        hospitals=hospitals,
        groups={"group": groups, "area": [f"a{number // 10}" for number in range(100)]},
        demand={"group": groups, "cases": [1000] * 100},
        offers={
            "hospital": np.repeat(hospitals, 100),
            "group": np.tile(groups, len(hospitals)),
            "capacity": np.arange(MANY_OFFERS) % 997,
            "utility": np.arange(MANY_OFFERS) % 89 + 1,
        },
        name="large",
    )
