"""Contracts of recipes: who is under which, on what terms, in which year."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from splgbench.extensions import entries_of
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset

EASY = replace(load_preset("easy"), hospitals=5, groups=20, areas=6)


def test_a_recipe_without_contracts_draws_what_it_always_did() -> None:
    """Terms without contracts move nothing, and contracts leave the plain instance."""
    plain = generate(EASY)
    assert generate(replace(EASY, savings_share=Decimal(1), losses_share=Decimal(1), savings_points=80)) == plain
    assert generate(replace(EASY, savings_contracts=2)).plain == plain


def test_terms_are_parts_of_the_norm() -> None:
    """Hospitals dealt in turn; minimum, limits and shares as knobs say; costs and quality as elsewhere."""
    recipe = replace(EASY, savings_contracts=2, savings_points=75, losses_share=Decimal("0.3"), budget=Decimal(1))
    instance = generate(replace(recipe, bonus_steps=1))
    entries = entries_of(instance)
    entry = entries["shared_savings"]
    of = {row["hospital"]: row["contract"] for row in entry["members"]}
    assert [of[hospital] for hospital in instance.hospitals] == ["C1", "C2", "C1", "C2", "C1"]
    norm = {row["group"]: row["norm_cents"] for row in entry["group_costs"]}
    cells = zip(instance.cell_group.tolist(), instance.demand.tolist(), strict=True)
    francs = sum(norm[instance.groups[g]] * cases for g, cases in cells) // 100
    part = francs // 2
    for row in entry["contracts"]:
        assert (row["share_bp"], row["loss_share_bp"], row["points"]) == (5000, 3000, 75)
        assert row["minimum_cents"] == row["loss_minimum_cents"]
        for field, percent in (("minimum_cents", 2), ("most_cents", 10), ("loss_most_cents", 5)):
            assert abs(row[field] - part * percent) <= 100 + part * percent // 10**6
    assert entry["offer_costs"] == entries["regional_budget"]["offer_costs"]
    points = {(row["hospital"], row["group"]): row["points"] for row in entry["quality"]}
    other = {(row["hospital"], row["group"]): row["points"] for row in entries["pay_for_performance"]["quality"]}
    assert other.items() <= points.items()
    assert np.std(list(points.values())) > 1


def test_years_have_contracts_of_their_own() -> None:
    """One for each, with the year's groups."""
    instance = generate(replace(EASY, years=2, savings_contracts=1))
    entry = entries_of(instance)["shared_savings"]
    assert [row["contract"] for row in entry["contracts"]] == ["C1@Y1", "C1@Y2"]
    contracts = instance.extensions["shared_savings"].contracts  # type: ignore[attr-defined]
    years = [{instance.offer_name(k)[1].partition("@")[2] for k in contract.offers} for contract in contracts]
    assert years == [{"Y1"}, {"Y2"}]
