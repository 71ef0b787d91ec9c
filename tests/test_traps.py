"""One test for each trap of the model statement: a naive encoding falls into it, every formulation here does not.

The naive variants are built from the same row families with one of them changed. They are solved by SciPy, so that
what differs is the encoding alone; where the trap is a solver's tolerance, the solver is HiGHS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from instances_for_tests import MODES, Tables, make, plain_tables
from naive import Naive, solved

from splgbench import registry
from splgbench.backends.highs import backend as highs
from splgbench.checker import check
from splgbench.formulation import Formulation
from splgbench.instance import Instance
from splgbench.judging import judge
from splgbench.limits import NO_LIMITS
from splgbench.methods import Direct, method
from splgbench.model import ModelBuilder
from splgbench.offers import Offers, plain_offers
from splgbench.presolve import presolve
from splgbench.result import Status
from splgbench.rows import RowFamily
from splgbench.rows.closures import closure_cuts
from splgbench.rows.columns import (
    mandates,
    mandates_that_links_need,
    semicontinuous_volumes,
    tight_volumes,
    volumes,
)
from splgbench.rows.knapsacks import cell_knapsack
from splgbench.rows.links import links_on_mandates, links_on_volumes
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_tight, global_m
from splgbench.transform import subset

OURS = (
    "big_m_literal@highs",
    "big_m_tight@highs",
    "linked@highs",
    "strengthened@highs",
    "strengthened@highs:presolve=off",
    "semicontinuous@highs",
)
ROWS = (tight_volumes, mandates, demand, area_capacity, big_m_tight, links_on_mandates)


def encoded(instance: Instance, *rows: RowFamily, offers: Callable[[Instance], Offers] = plain_offers) -> int | None:
    """The optimum of what some row families say of an instance."""
    builder = ModelBuilder(instance.n_offers)
    seen = offers(instance)
    for family in rows or ROWS:
        family(builder, seen)
    return solved(builder.finish())


def swapped(old: RowFamily, new: RowFamily) -> tuple[RowFamily, ...]:
    return tuple(new if family is old else family for family in ROWS)


def assert_ours_are_right(tables: Tables, mode: str, expected: int) -> Instance:
    """The plain statement, our rows solved by SciPy and every formulation on HiGHS agree on the optimum."""
    instance = make(tables, mode)
    assert Naive(tables, mode).solved() == expected
    assert encoded(instance) == expected
    for name in OURS:
        result = method(name).solve(instance)
        assert (name, result.status, result.primal) == (name, Status.OPTIMAL, expected), result.message
        assert result.volumes is not None
        assert check(instance, result.volumes).feasible
    return instance


def test_trickle_flow() -> None:
    """With M = 1e8 a mandate of 1e-8 "is none" for the solver and lets cases through; with M = max B it does not."""
    tables = plain_tables({("H0", "G"): (90, 1), ("H1", "G"): (60, 1)}, {"G": 95}, minimum={"G": 50})
    instance = assert_ours_are_right(tables, "group", 90)

    def loose(model: ModelBuilder, offers: Offers) -> None:
        k = np.flatnonzero(offers.live)
        model.add_pair_rows("m", model.x[k], 1.0, model.y[k], -1e8, upper=0.0)
        model.add_pair_rows("t", model.x[k], 1.0, model.y[k], -offers.threshold[k], lower=0.0)

    naive = Direct("loose", Formulation(rows=(volumes, mandates, demand, loose)), highs, presolve=False)
    start = method("linked@highs").solve(instance).allocation(instance)
    for known in (None, start):
        result = naive.solve(instance, start=known)
        assert result.claimed_primal == pytest.approx(95)
        assert result.primal == (0 if known is None else 90), "the checked value shows what the claim is worth"
        assert result.status is not Status.OPTIMAL


def test_phantom_mandates() -> None:
    """A mandate without cases (t = 0) would satisfy a link for nothing."""
    tables = plain_tables(
        {("H", "G"): (9, 5), ("H", "B"): (0, 1)}, {"G": 9, "B": 9}, links=[("G", "c", "any", "B", "inhouse")]
    )
    for mode, expected in (("group", 0), ("both", 0), ("none", 5 * 9 + 9)):
        instance = assert_ours_are_right(tables, mode, expected)

        def without_one(model: ModelBuilder, offers: Offers) -> None:
            big_m_tight(model, replace(offers, threshold=np.zeros_like(offers.threshold)))

        assert encoded(instance, *swapped(big_m_tight, without_one)) == max(expected, 5 * 9)


def test_zero_demand() -> None:
    """A share of nothing is nothing, but a mandate is not: a group without demand satisfies no link."""
    tables = plain_tables(
        {("H", "G"): (9, 5), ("H", "B"): (9, 1)}, {"G": 9, "B": 0}, links=[("G", "c", "any", "B", "inhouse")]
    )
    tables["groups"]["minimum_share_bp"] = [0, 2500]

    def share_only(model: ModelBuilder, offers: Offers) -> None:
        instance = offers.instance
        share = instance.minimum_share_bp[instance.offer_group] * instance.demand[instance.offer_cell] // 10_000
        big_m_tight(model, replace(offers, threshold=share))

    for mode in MODES:
        assert encoded(assert_ours_are_right(tables, mode, 0), *swapped(big_m_tight, share_only)) == 45


def test_cells_that_no_demand_row_names() -> None:
    """A cell that is not stated needs nothing; rows for stated cells only would leave it without a limit."""
    tables = plain_tables({("H", "G"): (9, 5), ("H", "F"): (9, 1)}, {"G": 9, "F": 0})
    tables["demand"] = {"group": ["F"], "cases": [4]}
    instance = assert_ours_are_right(tables, "group", 4)

    def stated_only(model: ModelBuilder, offers: Offers) -> None:
        k = np.flatnonzero(offers.live & offers.instance.demand_stated[offers.instance.offer_cell])
        model.add_sum_rows("d", offers.instance.offer_cell[k] * 0, model.x[k], n_rows=1, upper=4)

    def by_capacity(offered: Instance) -> Offers:
        return replace(plain_offers(offered), largest=offered.capacity)

    assert encoded(instance, *swapped(demand, stated_only), offers=by_capacity) == 5 * 9 + 4


def test_dead_offers() -> None:
    """Where capacity lies below the minimum there is no mandate; lowering the minimum to fit would invent one."""
    tables = plain_tables({("H1", "G"): (4, 5), ("H2", "G"): (6, 1)}, {"G": 9}, minimum={"G": 5})
    instance = assert_ours_are_right(tables, "group", 6)

    def fitted(model: ModelBuilder, offers: Offers) -> None:
        big_m_tight(model, replace(offers, threshold=np.minimum(offers.threshold, offers.largest)))

    assert encoded(instance, *swapped(big_m_tight, fitted)) == 4 * 5 + 5
    assert presolve(instance).live.tolist() == [False, True]


def test_link_cycles() -> None:
    """Groups that need each other may all stand; they fall together where one of them cannot."""
    facts: dict[str, Any] = {
        "offers": {("H", "A1"): (9, 1), ("H", "A2"): (9, 1), ("H", "A3"): (9, 1)},
        "links": [
            ("A1", "c", "all", "A2", "inhouse"),
            ("A2", "c", "any", "A3", "inhouse"),
            ("A3", "c", "any", "A1", "inhouse"),
        ],
    }
    standing = assert_ours_are_right(plain_tables(demand=dict.fromkeys(("A1", "A2", "A3"), 9), **facts), "group", 27)
    falling = assert_ours_are_right(plain_tables(demand={"A1": 9, "A2": 9, "A3": 0}, **facts), "group", 0)

    def forward_only(model: ModelBuilder, offers: Offers) -> None:
        """Rows for links to later groups only, to be rid of cycles."""
        links = offers.links
        k, q = links.offer, links.member
        forward = q > k
        model.add_pair_rows("l", model.y[k[forward]], 1.0, model.y[q[forward]], -1.0, upper=0.0)

    def only_after_what_it_needs(instance: Instance) -> Offers:
        """Offers alive once all they need is alive already: a cycle never starts."""
        offers, live = plain_offers(instance), np.zeros(3, dtype=np.bool_)
        live[np.setdiff1d(np.arange(3), offers.links.offer)] = True
        return replace(offers, live=live, refused=~live)

    assert encoded(falling, *swapped(links_on_mandates, forward_only)) == 0, "the forward links happen to be enough"
    backward = plain_tables(demand={"A1": 0, "A2": 9, "A3": 9}, **facts)
    instance = assert_ours_are_right(backward, "group", 0)
    assert encoded(instance, *swapped(links_on_mandates, forward_only)) == 18
    assert encoded(standing, tight_volumes, mandates, demand, offers=only_after_what_it_needs) == 0


def test_links_to_what_nobody_offers() -> None:
    """A required group without offers counts as y = 0: a row without members must not be skipped."""
    tables = plain_tables(
        {("H", "G"): (9, 5), ("H", "F"): (9, 1)}, {"G": 9, "F": 9, "X": 9}, links=[("G", "c", "any", "X", "inhouse")]
    )

    def where_offered(model: ModelBuilder, offers: Offers) -> None:
        links = offers.links
        model.add_pair_rows("l", model.y[links.offer[links.of_member]], 1.0, model.y[links.member], -1.0, upper=0.0)

    for mode in MODES:
        instance = assert_ours_are_right(tables, mode, 9)
        assert encoded(instance, *swapped(links_on_mandates, where_offered)) == 9 * 5 + 9


def test_empty_tables() -> None:
    """Tables without rows are an instance whose optimum is 0; a maximum over no demand would be an error."""
    tables = plain_tables({}, {}, networks={"H": ""})
    tables["areas"] = {"area": []}
    for mode in MODES:
        instance = make(tables, mode)
        with pytest.raises(ValueError, match="zero-size array"):
            instance.demand.max()
        assert global_m(plain_offers(instance)) == 1
        for name in OURS:
            result = method(name).solve(instance)
            assert (name, result.status, result.primal, result.dual) == (name, Status.OPTIMAL, 0, 0)


def test_groups_and_hospitals_without_offers() -> None:
    """Hospitals, groups and areas that nobody uses, first and last in the order, change nothing."""
    links = [("G", "c", "any", "F", "cooperation")]
    facts: dict[str, Any] = {"links": links, "pairs": {("H1", "A"): 7}}
    offers = {("H1", "G"): (9, 5), ("H2", "F"): (9, 1), ("H2", "G"): (4, 3)}
    networks = {"H1": "net", "H2": "net"}
    lean = plain_tables(offers, {"F": 9, "G": 9}, networks=networks, **facts)
    wide = plain_tables(
        offers,
        {"A0": 50, "F": 9, "G": 9, "Z9": 50},
        areas={"A0": "0", "Z9": "Z"},
        networks={"A": "net", **networks, "Z": "net"},
        **facts,
    )
    for mode, expected in (("group", 9 * 5 + 9), ("area", 7 * 5 + 2 * 3 + 9), ("both", 7 * 5 + 2 * 3 + 9)):
        assert_ours_are_right(lean, mode, expected)
        assert_ours_are_right(wide, mode, expected)


def test_one_hospital_and_one_group() -> None:
    """The smallest instances there are have the optimum one can read off."""
    assert_ours_are_right(plain_tables({("H", "G"): (5, 3)}, {"G": 9}), "both", 15)
    several = plain_tables({("H", "G"): (5, 3), ("H", "F"): (6, 2)}, {"G": 9, "F": 4}, pairs={("H", "A"): 8})
    assert_ours_are_right(several, "both", 5 * 3 + 3 * 2)
    crowd = plain_tables({(f"H{i}", "G"): (5, 3 + i) for i in range(4)}, {"G": 12}, minimum={"G": 4})
    assert_ours_are_right(crowd, "both", 4 * 6 + 4 * 5 + 4 * 4)


def test_capacity_of_the_group_in_mode_area() -> None:
    """In mode area the limit is Q: an offer with K = 0 is live, and x may exceed K at another group's cost."""
    tables = plain_tables({("H", "G"): (0, 5), ("H", "F"): (8, 1)}, {"G": 6, "F": 9}, minimum={"G": 3})
    instance = assert_ours_are_right(tables, "area", 6 * 5 + 2)

    def least_of_all(offered: Instance) -> Offers:
        offers = plain_offers(offered)
        return replace(offers, largest=np.minimum(offers.largest, offered.capacity))

    assert encoded(instance, offers=least_of_all) == 8
    assert encoded(instance.with_rules(capacity_mode="both"), offers=least_of_all) == 8
    assert_ours_are_right(tables, "both", 8)
    assert_ours_are_right(tables, "none", 6 * 5 + 9)


def cooperating(**changes: Any) -> Tables:
    facts: dict[str, Any] = {
        "offers": {("H1", "G"): (9, 2), ("H2", "B"): (9, 1)},
        "demand": {"G": 9, "B": 9},
        "minimum": {"B": 5},
        "links": [("G", "c", "any", "B", "cooperation")],
        "networks": {"H1": "net", "H2": "net"},
        "pairs": {("H1", "A"): 9, ("H2", "A"): 9},
    }
    return plain_tables(**(facts | changes))


def test_cooperation_links() -> None:
    """A partner's mandate satisfies the link; links read in-house would refuse what is legal."""
    for mode in MODES:
        instance = assert_ours_are_right(cooperating(), mode, 27)
        narrow = cooperating(links=[("G", "c", "any", "B", "inhouse")])
        assert encoded(make(narrow, mode)) == 9
        by_hospital = 0
        for h in instance.hospitals:
            alone = encoded(subset(instance, hospitals=[h]))
            assert alone is not None
            by_hospital += alone
        assert by_hospital == 9, "hospitals that cooperate are one block: the sum over hospitals is no bound"


def test_closures_do_not_cross_hospitals() -> None:
    """A closure over a cooperation link would reserve the partner's threshold here, or share the wrong capacity."""
    tables = cooperating(pairs={("H1", "A"): 9, ("H2", "A"): 5})
    instance = assert_ours_are_right(tables, "both", 9 * 2 + 5)
    found = presolve(instance)
    assert found.largest.tolist() == [9, 5]

    def across(offered: Instance) -> Offers:
        """Step 3 of presolve with the partner's threshold taken from the hospital's own capacity."""
        own = presolve(offered)
        return replace(own, largest=np.where(offered.offer_hospital == 0, own.largest - 5, own.largest))

    assert encoded(instance, offers=across) == 4 * 2 + 5
    builder = ModelBuilder(2)
    for family in (tight_volumes, mandates, closure_cuts):
        family(builder, found)
    assert builder.n_rows == 0


def test_all_clauses_over_several_partners() -> None:
    """With `all`, each required group may stand at a different partner; one partner for all would be too strict."""
    tables = plain_tables(
        {("H1", "G"): (9, 5), ("H2", "B"): (9, 1), ("H3", "C"): (9, 1)},
        {"G": 9, "B": 9, "C": 9},
        links=[("G", "c", "all", "B", "cooperation"), ("G", "c", "all", "C", "cooperation")],
        networks={"H1": "net", "H2": "net", "H3": "net"},
    )
    instance = assert_ours_are_right(tables, "both", 63)

    def one_partner_for_all(model: ModelBuilder, _: Offers) -> None:
        """No partner offers both, so G at H1 is refused."""
        model.add_rows("l", np.array([0, 1]), model.y[:1], 1.0, upper=0.0)

    assert encoded(instance, *swapped(links_on_mandates, one_partner_for_all)) == 18


def test_exemption_from_the_threshold() -> None:
    """An exempt offer may hold one case, also next to others in its cell, where sum y <= floor(B / t) is false."""
    offers = {("H1", "G"): (9, 2), ("H2", "G"): (9, 2), ("H3", "G"): (1, 9)}
    exempt = [("H3", "G", "exempt", None, "threshold")]
    tables = plain_tables(offers, {"G": 9}, minimum={"G": 4}, overrides=exempt)
    expected = 9 + 8 * 2
    instance = assert_ours_are_right(tables, "group", expected)

    def of_the_group(offered: Instance) -> Offers:
        return replace(plain_offers(offered), threshold=np.full(3, 4))

    assert encoded(instance, offers=of_the_group) == 18, "without the exemption"
    everyone = [*exempt, *((h, "G", "grant", None, "") for h in ("H1", "H2", "H3"))]
    tables = plain_tables(offers, {"G": 9}, minimum={"G": 4}, overrides=everyone)
    granted = assert_ours_are_right(tables, "group", expected)

    def counted(model: ModelBuilder, offers: Offers) -> None:
        model.add_rows("knapsack", np.array([0, 3]), model.y[:3], 1.0, upper=9 // 4)

    assert encoded(granted, *ROWS, cell_knapsack) == expected
    assert encoded(granted, *ROWS, counted) is None, "three mandates fit, two of them of 4 cases"


def test_exemption_from_the_links() -> None:
    """An offer that is exempt from the links stands without what its group needs, and so does nobody else."""
    tables = plain_tables(
        {("H1", "G"): (9, 5), ("H2", "G"): (9, 3)},
        {"G": 12, "B": 9},
        links=[("G", "c", "all", "B", "inhouse"), ("G", "d", "any", "B", "inhouse")],
        overrides=[("H1", "G", "exempt", None, "links")],
    )
    for mode in MODES:
        expected = 60 if mode == "none" else 45
        assert_ours_are_right(tables, mode, expected)
        none_exempt = make(tables, mode).with_rules(overrides=False)
        all_exempt = make(tables, mode).with_rules(links=False)
        assert encoded(none_exempt) == 0
        assert encoded(all_exempt) == (60 if mode == "none" else 45 + 9)


def test_literal_rows() -> None:
    """The source's link rows on volumes say the same as rows on mandates, with a weaker LP; M must cover every x."""
    tables = plain_tables(
        {("H", "G"): (3, 5), ("H", "B"): (3, 1)},
        {"G": 9, "B": 6},
        minimum={"B": 4},
        links=[("G", "c", "any", "B", "inhouse")],
        pairs={("H", "A"): 8},
    )
    instance = assert_ours_are_right(tables, "area", 4 * 5 + 4)
    bounds = [
        method(f"{name}@highs").lp_bound(instance)
        for name in ("big_m_literal", "big_m_tight", "linked", "strengthened")
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > bounds[-1]
    assert bounds[-1] >= 24 - 1e-6

    def with_capacity_as_m(model: ModelBuilder, offers: Offers) -> None:
        links_on_volumes(model, replace(offers, largest=offers.instance.capacity))

    assert encoded(instance, *swapped(links_on_mandates, links_on_volumes)) == 24
    assert encoded(instance, *swapped(links_on_mandates, with_capacity_as_m)) == 3 * 5 + 5


def test_shares_in_floats() -> None:
    """7 % of 100 cases are 7; in floats they are 8 and an offer of 7 is lost."""
    tables = plain_tables({("H", "G"): (7, 1)}, {"G": 100})
    tables["groups"]["minimum_share_bp"] = [700]
    instance = assert_ours_are_right(tables, "group", 7)

    def in_floats(offered: Instance) -> Offers:
        share = offered.minimum_share_bp / 10_000
        return replace(plain_offers(offered), threshold=np.ceil(share * offered.demand).astype(np.int64))

    assert encoded(instance, offers=in_floats) == 0


def test_mandates_of_semicontinuous_volumes() -> None:
    """In the semicontinuous formulation y may be 0 although x stands: mandates read from y alone would be lost."""
    tables = plain_tables(
        {("H", "G"): (9, 1), ("H", "B"): (9, 5)},
        {"G": 9, "B": 9},
        minimum={"B": 3},
        links=[("G", "c", "any", "B", "inhouse")],
        pairs={("H", "A"): 9},
    )
    instance = assert_ours_are_right(tables, "both", 45)
    model = registry.find("formulations", "semicontinuous").build(instance)
    values = np.zeros(model.n_columns)
    values[model.volume_column[0]] = 9  # offer 0 is B, which G needs; no column says that y must follow x
    assert model.mandate_column[0] >= 0
    assert not (values[model.mandate_column[0]] >= 0.5)
    assert model.mandates(values).tolist() == [True, False]
    rows = Formulation(rows=(semicontinuous_volumes, mandates_that_links_need, demand, area_capacity, links_on_volumes))
    assert rows.build(instance).size() == model.size()


def test_a_bound_that_is_none_is_noticed() -> None:
    """The value of a subproblem that stopped early is no bound: below a checked value it makes the answer wrong."""
    instance = make(plain_tables({("H", "G"): (5, 3)}, {"G": 9}))
    answer = judge(instance, NO_LIMITS, Status.OPTIMAL, np.array([True]), 12.0)
    assert answer.status is Status.WRONG
    assert "lies below the checked value 15" in answer.message
    assert judge(instance, NO_LIMITS, Status.OPTIMAL, np.array([True]), 15.0).status is Status.OPTIMAL


def test_wrong_optima_of_highs() -> None:
    """Eight offers on which HiGHS 1.14.0 calls 278 optimal with the strengthened rows, where 294 is.

    Its presolve loses optima (ERGO-Code/HiGHS issues 3043, 3073 and 3094); 1.13 and 1.15 do not.
    """
    capacities = {"H0": (36, 10), "H1": (26, 9), "H2": (5, 23), "H3": (24, 44)}
    utilities = {"H0": (5, 5), "H1": (1, 8), "H2": (2, 2), "H3": (1, 2)}
    offers = {(h, f"G{g}"): (capacities[h][g], utilities[h][g]) for h in capacities for g in range(2)}
    tables = plain_tables(offers, {"G0": 48, "G1": 57}, minimum={"G0": 19, "G1": 23})
    assert_ours_are_right(tables, "group", 294)
