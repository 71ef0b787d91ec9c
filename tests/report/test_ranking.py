"""Who is ranked with whom, on what, and what never enters an average."""

from __future__ import annotations

from pathlib import Path

import pytest
from report.stores_for_tests import TERMS, a_run, a_store, golden_runs, records_of

from splgbench.campaign.store import Store
from splgbench.report.boards import leaderboard
from splgbench.report.comparable import comparable_groups, differences
from splgbench.report.content import gather
from splgbench.report.measures import shifted_geometric_mean
from splgbench.report.page import render, verdict_sentence
from splgbench.report.quarantine import quarantine
from splgbench.report.ranking import rank
from splgbench.report.records import read_records


def test_wrong_and_contradictory_methods_enter_no_average(tmp_path: Path) -> None:
    """The liar is by far the fastest, but it is named, not ranked, and the virtual best does not know it."""
    records = records_of(tmp_path / "s.sqlite", golden_runs())
    content = gather(records, 10.0)
    assert len(content.quarantine.wrong) == 3
    assert [found.run.method for found in content.quarantine.contradictory] == ["liar@highs"] * 3
    assert content.quarantine.methods == {"liar@highs"}
    for board in content.boards:
        assert "liar@highs" not in board.ranking.table
        assert board.ranking.left_out["liar@highs"] == "it has wrong or contradictory answers"
        for table in board.tables:
            assert not any("liar@highs" in row for row in table.rows)
        for chart in board.charts:
            assert all(series.name != "liar@highs" for series in chart.series)
        assert min(time for times in board.ranking.times.values() for time in times) >= 1.0


def test_the_verdict_comes_first(tmp_path: Path) -> None:
    """Ahead of every average the page counts what is wrong, and lists it."""
    records = records_of(tmp_path / "s.sqlite", golden_runs(), planned=2)
    content = gather(records, 10.0)
    assert verdict_sentence(content) == (
        "3 wrong answers, 3 contradictions, 1 failure in 19 runs. 2 planned runs still to do."
    )
    page = render(content, {}, plotly="")
    places = [
        page.index(text) for text in (verdict_sentence(content), "the checker refuses its allocation", "Leaderboard")
    ]
    assert places == sorted(places)


def test_the_leaderboard_by_hand(tmp_path: Path) -> None:
    """linked: 2, 3, 4 s and three time-outs of 100 s; strengthened: 1, 2, 3 s and three of 50 s."""
    runs = [run for run in golden_runs() if run["method"] in ("linked@highs", "strengthened@highs")]
    records = records_of(tmp_path / "s.sqlite", runs)
    (group,) = comparable_groups(records.runs)
    first, second = rank(group, records, 10.0).standings
    assert (first.method, first.rank, second.method, second.rank) == ("strengthened@highs", 1, "linked@highs", 2)
    assert second.means[1.0] == pytest.approx((3 * 4 * 5 * 101**3) ** (1 / 6) - 1)
    assert second.means[10.0] == pytest.approx((12 * 13 * 14 * 110**3) ** (1 / 6) - 10)
    assert second.par10 == pytest.approx((2 + 3 + 4 + 3 * 1000) / 6)
    assert (first.solved, second.solved) == (6, 3)
    assert second.gap == pytest.approx((0 + 2 / 3) / 2)
    assert second.common == pytest.approx(3.0)
    assert first.common == pytest.approx(2.0)
    seeds = [shifted_geometric_mean([wall, 100], 10) for wall in (2, 3, 4)]
    assert second.spread == pytest.approx((min(seeds), max(seeds)))
    assert second.interval is not None
    assert second.interval[0] < second.means[10.0] < second.interval[1]


def test_the_integrals_by_hand(tmp_path: Path) -> None:
    """linked on one, seed 0: gap 100 % for 1 s, 200/900 for 1 s; on two: 100 % to 2 s, then 600/900 to the limit."""
    runs = [
        run for run in golden_runs() if run["method"] == "linked@highs" and run["seed"] == 0 and run["role"] == "run"
    ]
    best = a_run("strengthened@highs", "two", wall=50.0)
    records = records_of(tmp_path / "s.sqlite", [*runs, a_run("strengthened@highs"), best])
    (group,) = comparable_groups(records.runs)
    standing = next(one for one in rank(group, records, 10.0).standings if one.method == "linked@highs")
    assert standing.primal_dual_integral == pytest.approx(((1 + 2 / 9) + (2 + 98 * 6 / 9)) / 2)
    assert standing.primal_integral == pytest.approx(((1 + 0.1) + (0.5 + 1.5 * 0.5 + 98 * 0.1)) / 2)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("threads", 2),
        ("wall_time", 50.0),
        ("presolve", "off"),
        ("primal_tolerance", 1e-9),
        ("dual_tolerance", 1e-9),
        ("integrality_tolerance", 1e-5),
        ("pinned", False),
    ],
)
def test_differing_terms_are_not_ranked_together(tmp_path: Path, term: str, value: object) -> None:
    """Two methods under unequal terms have a ranking each, and the page names the term."""
    runs = [a_run("a@x"), a_run("b@x"), a_run("c@x", terms={**TERMS, term: value})]
    records = records_of(tmp_path / "s.sqlite", runs)
    groups = comparable_groups(records.runs)
    assert [sorted(run.method for run in group.runs) for group in groups] == [["a@x", "b@x"], ["c@x"]]
    assert differences(groups) == {term: [TERMS[term], value]}
    page = render(gather(records, 10.0), {}, plotly="")
    assert f"What differs: {term.replace('_', ' ')}" in page
    assert "Ranking 2" in page


def test_unknown_terms_agree_with_all(tmp_path: Path) -> None:
    """A killed run does not know its presolve: what its method's other runs know counts, so it stays with them."""
    killed = {**TERMS, "presolve": None, "absolute_gap": None, "primal_tolerance": None}
    off = {**TERMS, "presolve": "off"}
    runs = [
        a_run("a@x", "one"),
        a_run("a@x", "two", "time-out", terms=killed),
        a_run("b@x", "one", terms=off),
        a_run("b@x", "two", "time-out", terms=killed),
        a_run("c@x", "one", "unsupported", attempts=0, message="no", terms={**killed, "pinned": False}),
    ]
    groups = comparable_groups(records_of(tmp_path / "s.sqlite", runs).runs)
    assert [sorted({run.method for run in group.runs}) for group in groups] == [["a@x", "c@x"], ["b@x"]]


def test_only_what_all_methods_ran_is_averaged(tmp_path: Path) -> None:
    """A campaign that is not done: the second instance is left out until the second method has run it."""
    runs = [a_run("a@x", wall=2.0), a_run("b@x", wall=4.0), a_run("a@x", "two", wall=90.0)]
    records = records_of(tmp_path / "s.sqlite", runs, planned=1)
    ranking = rank(comparable_groups(records.runs)[0], records, 10.0)
    assert ranking.dropped == 1
    assert [standing.means[10.0] for standing in ranking.standings] == pytest.approx([2.0, 4.0])


def test_unsupported_and_failed_runs_count_at_the_limit(tmp_path: Path) -> None:
    """What a method does not solve for whatever reason counts at the limit; one that can do nothing is not ranked."""
    runs = [a_run("a@x"), a_run("a@x", "two"), a_run("b@x"), a_run("b@x", "two", "error", 0.1)]
    runs += [a_run("c@x", name, "unsupported", 0.0, attempts=0, message="takes none") for name in ("one", "two")]
    records = records_of(tmp_path / "s.sqlite", runs)
    ranking = rank(comparable_groups(records.runs)[0], records, 10.0)
    assert ranking.left_out == {"c@x": "unsupported: takes none"}
    assert ranking.seconds("b@x") == [1.0, 100.0]
    assert ranking.standings[1].gap == pytest.approx(0.5)


def test_a_gap_asked_for_counts_as_solved_and_tolerances_do_not(tmp_path: Path) -> None:
    """gap-closed solves where a gap was asked for and met, not where a solver stopped at its tolerances."""
    asked = {"gap_limit": 0.01, "primal": 1000, "dual": 1005.0}
    records = records_of(tmp_path / "s.sqlite", [a_run("a@x", status="gap-closed", **asked)])
    short = records_of(tmp_path / "t.sqlite", [a_run("a@x", status="gap-closed", **{**asked, "gap_limit": 0.0})])
    assert records.runs[0].solved
    assert not short.runs[0].solved
    assert short.runs[0].seconds == 100.0


def test_a_false_claim_of_infeasibility_is_found(tmp_path: Path) -> None:
    """The one who denies is accused, not the one with the checked allocation."""
    records = records_of(tmp_path / "s.sqlite", [a_run("a@x", status="infeasible"), a_run("b@x")])
    assert quarantine(records).methods == {"a@x"}


def test_an_older_run_of_a_cell_is_left_out(tmp_path: Path) -> None:
    """Of two runs of one cell, from merged stores of two versions, the later counts and the page tells of the other."""
    runs = [a_run("a@x", wall=9.0), a_run("a@x", wall=1.0)]
    records = records_of(tmp_path / "s.sqlite", runs)
    assert [run.wall_time for run in records.runs] == [1.0]
    assert records.superseded == 1


def test_the_leaderboard_prints_its_terms(tmp_path: Path) -> None:
    """Both customary shifts, the ranking's own, PAR-10 and the gap are columns; the caption says what is asked."""
    table = leaderboard(gather(records_of(tmp_path / "s.sqlite", golden_runs()), 5.0).boards[0].ranking)
    titles = [column.title for column in table.columns]
    assert {"time s, shift 1 s", "time s, shift 5 s", "time s, shift 10 s", "PAR-10 s", "gap at limit"} <= set(titles)
    for words in ("shift 5 s", "100 s", "1 thread", "Wilcoxon"):
        assert words in table.caption


def test_a_method_that_hardly_ran_does_not_shrink_the_comparison(tmp_path: Path) -> None:
    """One run of one method is no reason to compare the others on that run alone."""
    records = records_of(tmp_path / "s.sqlite", golden_runs())
    ranking = gather(records, 10.0).boards[0].ranking
    assert ranking.left_out["linked@scip"] == "it has 1 of 6 runs, too few to be compared on what all have run"
    assert (len(ranking.tasks), ranking.dropped) == (6, 0)


def test_runs_of_other_versions(tmp_path: Path) -> None:
    """What is planned counts; --any-version takes older runs where nothing newer is, and the page says so."""
    old = a_run("a@x", wall=9.0, run_key="old", planned_versions={"solver": "1"})
    both = [a_run("a@x", wall=1.0), a_run("a@x", "two", wall=2.0, planned_versions={"solver": "1"})]
    path = a_store(tmp_path / "s.sqlite", [old, *both])
    with Store(path, writing=True) as store, store.transaction():
        store._connection.execute("DELETE FROM plan WHERE run_key = 'old'")
        store._connection.execute("UPDATE plan SET run_key = 'new' WHERE instance_hash = 'hash-of-two'")
    with Store(path) as store:
        planned, mixed = read_records(store), read_records(store, any_version=True)
    assert [run.wall_time for run in planned.runs] == [1.0]
    assert [run.wall_time for run in mixed.runs] == [1.0, 2.0]
    assert "of several versions: a@x (2)" in render(gather(mixed, 10.0), {}, plotly="")
