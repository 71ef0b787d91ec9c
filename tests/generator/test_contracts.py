"""Bundles and bonuses of recipes: what is bundled at which price, which targets are set, what years change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from splgbench.extensions import entries_of
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset

EASY = replace(load_preset("easy"), hospitals=6, groups=30, areas=8)


def test_a_recipe_without_contracts_draws_what_it_always_did() -> None:
    """Terms without bundles and steps move nothing, and contracts leave the plain instance."""
    plain = generate(EASY)
    assert generate(replace(EASY, bundle_groups=3, bonus=Decimal(1), money=Decimal(2))) == plain
    assert generate(replace(EASY, bundles=Decimal(1), bonus_steps=2)).plain == plain


def test_bundles_are_the_first_groups_of_an_area() -> None:
    """All areas but BASE, at three per cent below their single prices, in whole francs a case."""
    instance = generate(replace(EASY, bundles=Decimal(1), bundle_groups=3, money=Decimal("0.5")))
    entry = entries_of(instance)["bundled_payment"]
    area = {g: instance.areas[a] for g, a in zip(instance.groups, instance.group_area.tolist(), strict=True)}
    assert all(row["bundle"] == area[row["group"]] for row in entry["members"])
    size = Counter(area.values())
    assert Counter(row["bundle"] for row in entry["members"]) == {a: min(3, n) for a, n in size.items() if a != "BASE"}
    price = {row["group"]: row["cents"] for row in entry["group_prices"]}
    assert all(cents % 100 == 0 and cents > 0 for cents in price.values())
    for row in entry["bundles"]:
        single = sum(price[m["group"]] for m in entry["members"] if m["bundle"] == row["bundle"])
        assert abs(row["cents"] - single * 97 / 100) <= 1
    assert (entry["worth_units"], entry["worth_cents"]) == (5000, 1_000_000)
    some = entries_of(generate(replace(EASY, bundles=Decimal("0.5"))))["bundled_payment"]
    assert 0 < len(some["bundles"]) < len(entry["bundles"])


def test_steps_divide_the_area_capacity() -> None:
    """Targets at a third and two thirds, bonuses by the cases that they ask for more, quality for half of them."""
    instance = generate(replace(EASY, bonus_steps=2, bonus=Decimal("0.1")))
    entry = entries_of(instance)["pay_for_performance"]
    stated = instance.to_tables()["area_capacity"]
    capacity = {
        (h, a): q for h, a, q in zip(stated["hospital"], stated["area"], stated["capacity"], strict=True) if a != "BASE"
    }
    targets: dict[tuple[str, str], list[int]] = {}
    for step in sorted(entry["steps"], key=lambda step: step["cases"]):
        found = targets.setdefault((step["hospital"], step["area"]), [])
        assert step["cents"] == (step["cases"] - sum(found[-1:])) * 100_000
        assert step.get("points", 80) == 80
        found.append(step["cases"])
    assert targets == {place: sorted({most // 3, most * 2 // 3} - {0}) for place, most in capacity.items() if most > 1}
    asking = sum("points" in step for step in entry["steps"]) / len(entry["steps"])
    assert 0.35 < asking < 0.65
    points = [row["points"] for row in entry["quality"]]
    assert 79 < sum(points) / len(points) < 81
    assert min(points) < 75
    assert max(points) > 85


def test_every_year_has_its_contracts() -> None:
    """The same terms on the groups and areas of each year."""
    instance = generate(replace(EASY, years=2, bundles=Decimal("0.5"), bonus_steps=1))
    entries = entries_of(instance)
    bundles = [row["bundle"].split("@") for row in entries["bundled_payment"]["bundles"]]
    assert {a for a, year in bundles if year == "Y1"} == {a for a, year in bundles if year == "Y2"} != set()
    assert all(row["group"].endswith(row["bundle"][-3:]) for row in entries["bundled_payment"]["members"])
    assert not any(step["area"].startswith("BASE") for step in entries["pay_for_performance"]["steps"])
