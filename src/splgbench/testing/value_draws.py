"""Draws for tiny instances: outcomes and costs, costs of offers, contracts of a fund with their tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from splgbench.instance import Instance, IntArray
from splgbench.value.fund import Contract, Step

Columns = dict[str, list[Any]]

_WEIGHTS = (("1",), ("0.5", "0.5"), ("0.25", "0.75"), ("0.1", "0.9"))


def value_tables(draw: st.DrawFn, instance: Instance) -> dict[str, Columns]:
    """One or two conditions a group, one or two measures and phases each, for all hospitals; some values are missing.

    Every hospital has some points of every condition, so that no utility comes out as 0.
    """
    conditions: Columns = {"condition": [], "group": [], "share_bp": [], "reference_cost": []}
    measures: Columns = {
        name: [] for name in ("condition", "measure", "tier", "reported_by", "weight", "direction", "low", "high")
    }
    outcomes: Columns = {name: [] for name in ("hospital", "condition", "measure", "value", "patients")}
    costs: Columns = {name: [] for name in ("hospital", "condition", "phase", "cost")}

    def add(table: Columns, *cells: Any) -> None:
        for cell, kept in zip(cells, table.values(), strict=True):
            kept.append(cell)

    for group in instance.groups:
        first = draw(st.sampled_from([10_000, 5000, 3333, 9999]))
        for number, share in enumerate([first, 10_000 - first] if first < 10_000 else [first], 1):
            name = f"{group}-{number}"
            add(conditions, name, group, share, draw(st.sampled_from([None, *range(1, 31)])))
            for hospital in instance.hospitals:
                for phase in ("P1", "P2"):
                    add(costs, hospital, name, phase, draw(st.integers(1, 12)))
            for at, weight in enumerate(draw(st.sampled_from(_WEIGHTS)), 1):
                low = draw(st.integers(-3, 5))
                high, direction = low + draw(st.integers(1, 9)), draw(st.sampled_from(["higher", "lower"]))
                reporter = draw(st.sampled_from(["patient", "clinician", "register"]))
                add(measures, name, f"M{at}", at, reporter, weight, direction, low, high)
                for hospital in instance.hospitals:
                    if at == 1 or draw(st.integers(0, 4)):
                        good = draw(st.integers(1, high - low + 2))
                        value = low + good if direction == "higher" else high - good
                        add(outcomes, hospital, name, f"M{at}", value, draw(st.integers(1, 99)))
    return {"conditions": conditions, "outcome_set": measures, "outcomes": outcomes, "cycle_costs": costs}


def offer_costs(draw: st.DrawFn, instance: Instance) -> IntArray:
    """Cost of a case by offer, shape (K,): whole numbers with a common factor, 0 now and then."""
    factor = draw(st.sampled_from([1, 1, 2, 3]))
    return np.array([factor * draw(st.integers(0, 9)) for _ in range(instance.n_offers)], dtype=np.int64)


_RATES = st.sampled_from([300, 100, 0, -200, 5000, -5000, 1, -1, 3333, 10_000])


def fund_contract(draw: st.DrawFn, years: int | None = None) -> Contract:
    """A contract of two to six years with halves, losses, interest and growth now and then."""
    left, path = years or draw(st.integers(2, 6)), list[Step]()
    first = 1
    while left:
        length = draw(st.integers(1, left))
        path.append(Step(first, first + length - 1, draw(_RATES)))
        first, left = first + length, left - length
    return Contract(
        tuple(path),
        insurer_share=draw(st.sampled_from([25, 50, 33, 0, 100])),
        losses=draw(st.sampled_from(["shared", "insurer"])),
        interest_bp=draw(st.sampled_from([0, 0, 125, 5000])),
        growth_bp=draw(st.sampled_from([0, 500, -300])),
        carry_over_cents=draw(st.integers(0, 9)),
    )


def risk_groups(draw: st.DrawFn, contract: Contract) -> Columns:
    """One or two risk groups in the first years of a contract."""
    found: Columns = {"year": [], "risk_group": [], "insured": [], "norm_cents": []}
    names = ["A", "B"][: draw(st.integers(1, 2))]
    for year in range(1, draw(st.integers(1, contract.years)) + 1):
        for name in names:
            cells = (year, name, draw(st.integers(0, 9)), draw(st.integers(0, 999)))
            for cell, kept in zip(cells, found.values(), strict=True):
                kept.append(cell)
    return found


def actual_costs(draw: st.DrawFn, contract: Contract) -> Columns:
    """Actual costs of most years."""
    missing = draw(st.sampled_from([0, 0, 0, *range(1, contract.years + 1)]))
    years = [year for year in range(1, contract.years + 1) if year != missing]
    return {"year": years, "cost_cents": [draw(st.integers(0, 9999)) for _ in years]}
