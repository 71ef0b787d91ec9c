"""Need: the regressions recover what was planted and what is published, and cases add up."""

from __future__ import annotations

import csv
import itertools
import math
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from splgbench.errors import InputError, SplgbenchError
from splgbench.planning.need import NeedRules, fit_counts, need, reduction
from splgbench.sources.raw import raw_folder

SPECIFICATIONS = {
    1: ("age",),
    2: ("age", "illness"),
    3: ("age", "illness", "school"),
    4: ("age", "illness", "school", "income"),
}
PLANTED = np.array([-6.0, 0.25, -0.1, 0.15])

# Doll and Hill 1966: coronary deaths and person-years of British doctors, smokers first, by age from 35-44 to 75-84.
DEATHS = np.array([32, 104, 206, 186, 102, 2, 12, 28, 28, 31], dtype=float)
PERSON_YEARS = np.array([52407, 43248, 28612, 12663, 5317, 18790, 10673, 5710, 2585, 1462], dtype=float)


def tables(seed: int, overuse: float = 0.0, regions: int = 60, planned: int = 6) -> tuple[dict[str, Any], ...]:
    """One group with planted coefficients, and with `overuse` as a part of the cases of the planned regions."""
    draw = np.random.Generator(np.random.PCG64(seed))
    population = draw.integers(20_000, 120_000, regions)
    covariates = draw.normal(size=(regions, 3))
    mean = population * np.exp(PLANTED[0] + covariates @ PLANTED[1:])
    flag = np.arange(regions) < planned
    cases = draw.poisson(mean * (1 + overuse * flag))
    groups = {"group": ["G"], "area": ["A"], "level": ["basic"], "stay": [4]}
    names = [f"R{at}" for at in range(regions)]
    table = {"region": names, "population": population, "planned": flag.astype(int)}
    table |= dict(zip(("age", "illness", "school"), covariates.T, strict=True))
    table["income"] = draw.normal(size=regions)
    return groups, table, {"region": names, "group": ["G"] * regions, "cases": cases}


def test_published_coefficients_are_reproduced() -> None:
    """Incidence-rate ratios, errors and log likelihood as StataCorp prints them, to the last printed digit."""
    smokes = np.array([1.0] * 5 + [0.0] * 5)
    ages = [np.array([float(at % 5 == band) for at in range(10)]) for band in range(1, 5)]
    fit = fit_counts(
        DEATHS, PERSON_YEARS, np.column_stack([smokes, *ages]), ("smokes", "a2", "a3", "a4", "a5"), robust=False
    )
    ratios = np.exp(fit.coefficients)
    printed = {
        "ratio": (0.0003636, 1.425519, 4.410584, 13.8392, 28.51678, 40.45121),
        "error": (0.0000697, 0.1530638, 0.8605197, 2.542638, 5.269878, 7.775511),
    }
    for told, found in (("ratio", ratios), ("error", ratios * fit.errors)):
        for text, value in zip(printed[told], found, strict=True):
            digits = len(f"{text:.12f}".rstrip("0").split(".")[1])
            assert round(value, digits) == pytest.approx(text, abs=10**-digits * 0.51)
    assert round(fit.log_likelihood, 6) == pytest.approx(-33.600153, abs=5.1e-7)


def test_planted_coefficients_lie_in_their_intervals_as_often_as_promised() -> None:
    """95 % of robust intervals hold the planted coefficient: over 300 fits the rate is within sampling error."""
    draw = np.random.Generator(np.random.PCG64(11))
    runs, held = 300, np.zeros(4)
    for _ in range(runs):
        covariates = draw.normal(size=(80, 3))
        population = draw.integers(20_000, 120_000, 80).astype(float)
        cases = draw.poisson(population * np.exp(PLANTED[0] + covariates @ PLANTED[1:])).astype(float)
        fit = fit_counts(cases, population, covariates, ("age", "illness", "school"))
        held += np.abs(fit.coefficients - PLANTED) <= 1.959964 * fit.errors
    # Sandwich errors are a little small in samples of 80: two points are allowed beside three standard deviations.
    slack = 3 * math.sqrt(0.95 * 0.05 / runs)
    assert ((0.95 - 0.02 - slack <= held / runs) & (held / runs <= 0.95 + slack)).all(), held / runs


def test_planted_overuse_lies_in_its_interval_as_often_as_promised() -> None:
    """Observed less planted-free cases: the interval of the residual holds it in 95 % of 250 simulations."""
    runs, held = 250, 0
    rules = NeedRules({3: SPECIFICATIONS[3]}, family="poisson", fitted_on="outside")
    errors = []
    for seed in range(runs):
        groups, regions, cases = tables(seed, overuse=0.2)
        covariates = np.column_stack([regions[name] for name in SPECIFICATIONS[3]])
        planned = np.array(regions["planned"], dtype=bool)
        free = regions["population"] * np.exp(PLANTED[0] + covariates @ PLANTED[1:])
        planted = 0.2 * free[planned].sum()
        table = need(groups, regions, cases, rules).table
        held += table["low"][0] <= planted <= table["high"][0]
        errors.append((table["residual"][0] - planted) / planted)
    slack = 3 * math.sqrt(0.95 * 0.05 / runs)
    assert 0.95 - slack <= held / runs <= 1.0
    assert abs(float(np.mean(errors))) < 3 * float(np.std(errors)) / math.sqrt(runs)


def test_without_overuse_none_is_found_beyond_chance() -> None:
    """The interval holds 0 in about 95 % of simulations without over-use, so its excess is no finding."""
    rules = NeedRules({3: SPECIFICATIONS[3]}, family="poisson", fitted_on="outside")
    held = 0
    for seed in range(1000, 1150):
        table = need(*tables(seed), rules).table
        held += table["low"][0] <= 0 <= table["high"][0]
    assert held / 150 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 150)


def test_overdispersion_is_seen_and_the_negative_binomial_model_takes_over() -> None:
    """Counts with Var = m + 0.05 m^2 are told from Poisson counts, and alpha is found."""
    draw = np.random.Generator(np.random.PCG64(5))
    covariates = draw.normal(size=(400, 1))
    population = np.full(400, 50_000.0)
    mean = population * np.exp(-6 + 0.2 * covariates[:, 0])
    spread = draw.gamma(1 / 0.05, 0.05, 400)
    fit = fit_counts(draw.poisson(mean * spread).astype(float), population, covariates, ("age",), "auto")
    assert fit.model == "negative-binomial"
    assert fit.overdispersion_p < 0.001
    assert fit.alpha == pytest.approx(0.05, rel=0.3)
    plain = fit_counts(draw.poisson(mean).astype(float), population, covariates, ("age",), "auto")
    assert (plain.model, plain.alpha) == ("poisson", 0.0)


def test_more_covariates_never_explain_less() -> None:
    """The explained deviance of nested Poisson models rises, and the specification that was planted explains most."""
    found = need(*tables(3), NeedRules(SPECIFICATIONS, family="poisson"))
    r2 = found.diagnostics["r2"]
    assert found.diagnostics["specification"] == [1, 2, 3, 4]
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(r2))
    assert r2[2] - r2[0] > 0.05 > r2[3] - r2[2]


def test_totals_add_up_and_reductions_round_down() -> None:
    """Observed cases are need and reduction, by group and region, in whole cases."""
    groups, regions, cases = tables(8, overuse=0.3)
    for share in (0, 50, 100):
        found = need(groups, regions, cases, NeedRules(SPECIFICATIONS, supply_share=share, fitted_on="outside")).table
        flags = np.array(regions["planned"], dtype=bool)
        assert found["observed"][0] == int(cases["cases"][flags].sum())
        assert found["observed"][0] == found["need"][0] + found["reduction"][0]
        assert found["overuse"][0] == math.floor(found["residual"][0])
        assert found["reduction"][0] == math.floor(found["overuse"][0] * share / 100)
    detail = need(groups, regions, cases, NeedRules(SPECIFICATIONS)).regions
    whole = need(groups, regions, cases, NeedRules(SPECIFICATIONS)).table
    for column in ("observed", "expected", "residual"):
        assert sum(detail[column]) == pytest.approx(whole[column][0])


def test_the_source_s_arithmetic() -> None:
    """6,643 cases at 50 % are 3,321.5, printed as 3,321; 8.6 % and 4.3 % of all cases are the same total."""
    with (raw_folder("splg_partial") / "basel_project_facts.csv").open(encoding="utf-8") as stream:
        facts = {row["quantity"]: float(row["value"]) for row in csv.DictReader(stream)}
    overuse = int(facts["overuse_cases_2018_max"])
    assert reduction(overuse, 50) == facts["overuse_cases_2018_active"] == 3321
    assert (reduction(overuse, 0), reduction(overuse, 100)) == (0, overuse)
    totals = [overuse / 0.086, reduction(overuse, 50) / 0.043]
    assert totals[0] == pytest.approx(totals[1], rel=0.001)
    assert round(100 * reduction(overuse, 50) / totals[0], 1) == 4.3


def test_screening_follows_the_planner_or_the_rule() -> None:
    """By rule from 15 cases on; a planner's yes or no decides against it; a group's share beats the project's."""
    groups, regions, cases = tables(8, overuse=0.3)
    rules = NeedRules(SPECIFICATIONS, fitted_on="outside")
    by_rule = need(groups, regions, cases, rules).table
    assert (by_rule["screened"], by_rule["supply_share"]) == ([1], [50])
    strict = NeedRules(SPECIFICATIONS, fitted_on="outside", least_cases=by_rule["overuse"][0] + 1)
    assert need(groups, regions, cases, strict).table["reduction"] == [0]
    assert need(groups | {"screened": ["yes"]}, regions, cases, strict).table["screened"] == [1]
    assert need(groups | {"screened": ["no"]}, regions, cases, rules).table["need"] == by_rule["observed"]
    own = need(groups | {"supply_share": [100]}, regions, cases, rules).table
    assert own["reduction"] == own["overuse"]


@pytest.mark.parametrize("library", [pandas.DataFrame, polars.DataFrame])
def test_tables_of_any_library_give_the_same(library: Any) -> None:
    """pandas, polars and plain columns give one answer, which both libraries take back."""
    given = tables(2, overuse=0.1)
    plain = need(*given, NeedRules(SPECIFICATIONS)).table
    assert need(*map(library, given), NeedRules(SPECIFICATIONS)).table == plain
    assert len(library(plain)) == 1


def test_wrong_tables_are_refused_with_row_and_rule() -> None:
    """The rows are named, and so is the rule."""
    groups, regions, cases = tables(1)
    cases["region"] = [*cases["region"][:2], "nowhere", *cases["region"][3:]]
    cases["cases"] = [*cases["cases"][:-1], -1]
    with pytest.raises(InputError, match=r"region_cases, row 60, column cases: must be at least 0"):
        need(groups, regions, cases, NeedRules(SPECIFICATIONS))
    cases["cases"][-1] = 0
    with pytest.raises(InputError, match=r"row 3, column region: must be in the table regions \(found 'nowhere'\)"):
        need(groups, regions, cases, NeedRules(SPECIFICATIONS))
    del regions["school"]
    with pytest.raises(InputError, match=r"regions, column school: the column is missing"):
        need(groups, regions, cases, NeedRules(SPECIFICATIONS))


def test_covariates_that_depend_on_each_other_are_refused() -> None:
    """A sentence that names them, and the group."""
    groups, regions, cases = tables(1)
    regions["school"] = [2 * value for value in regions["age"]]
    with pytest.raises(SplgbenchError, match=r"need of G, specification 3: covariates age, illness, school depend"):
        need(groups, regions, cases, NeedRules(SPECIFICATIONS))
