"""What must hold of methods, checker and polish with bundles and with bonuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from splgbench.extensions import entries_of, with_extensions
from splgbench.instance import Instance
from splgbench.methods import Method
from splgbench.testing.relations.agreement import AGREEMENT
from splgbench.testing.relations.base import Relation
from splgbench.testing.relations.monotonicity import falls
from splgbench.testing.relations.tools import TOOLS
from splgbench.testing.relations.variants import (
    Change,
    by_change,
    common,
    differs,
    differs_from_plain,
    in_another_currency,
    knobs_with,
    of_variant,
)
from splgbench.testing.trial import Trial, proved
from splgbench.transform import from_tables, to_tables

Pairs = Callable[[st.DrawFn, Trial], tuple[Instance, Instance] | None]


def differs_from_its_plain_form(method: Method, trial: Trial, both: tuple[Instance, Instance]) -> str | None:
    """An instance with an extension, and a plain one that says the same."""
    found, optimum = trial.solve(method, both[0]), trial.optimum(both[1])
    if proved(found) and found.primal != optimum:
        return f"{method.name} finds {found.primal}; a plain instance that says the same has the optimum {optimum}"
    return None


def _with_utility_added(instance: Instance, group: str, units: int) -> Instance:
    """The plain instance with cases of a group worth more."""
    tables = to_tables(instance.plain)
    rows = zip(tables["offers"]["group"], tables["offers"]["utility"], strict=True)
    tables["offers"]["utility"] = [utility + units * (key == group) for key, utility in rows]
    return from_tables(instance.plain, tables)


# Bundled payment


def cheaper_episode(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """The price of an episode down."""
    rows = [row for row in entries["bundled_payment"]["bundles"] if row["cents"]]
    if rows:
        row = draw(st.sampled_from(rows))
        row["cents"] = draw(st.integers(0, row["cents"] - 1))
    return bool(rows)


def as_links(_draw: st.DrawFn, trial: Trial) -> tuple[Instance, Instance]:
    """Bundles at the price of their single cases, and links of every group of a bundle to all others."""
    instance, entries = trial.instance, entries_of(trial.instance)
    entry = entries["bundled_payment"]
    price = {row["group"]: row["cents"] for row in entry["group_prices"]}
    for row in entry["bundles"]:
        row["cents"] = sum(m["cases"] * price[m["group"]] for m in entry["members"] if m["bundle"] == row["bundle"])
    tables = to_tables(instance.plain)
    columns = ("group", "clause", "mode", "required", "scope")
    old = tables.get("links", {})
    rows = list(zip(*(old.get(name, ()) for name in columns), strict=True))
    bundle = {row["group"]: row["bundle"] for row in entry["members"]}
    rows += [(g, "bundle", "all", q, "inhouse") for g in bundle for q in bundle if g != q and bundle[g] == bundle[q]]
    if rows:
        tables["links"] = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    return with_extensions(instance.plain, entries), from_tables(instance.plain, tables)


def of_one_group(draw: st.DrawFn, trial: Trial) -> tuple[Instance, Instance]:
    """A bundle of one group whose episode is a case, and the saving as utility of the case."""
    group, saved = draw(st.sampled_from(trial.instance.groups)), draw(st.integers(0, 9))
    entry = {
        "bundles": [{"bundle": "B", "cents": 10 - saved}],
        "members": [{"bundle": "B", "group": group}],
        "group_prices": [{"group": group, "cents": 10}],
        "worth_units": 3,
        "worth_cents": 2,
    }
    with_bundle = with_extensions(trial.instance.plain, {"bundled_payment": entry})
    return with_bundle, _with_utility_added(trial.instance, group, 3 * saved // 2)


BUNDLE = knobs_with("bundled_payment", overrides=False)
BUNDLES = (
    *common("bundled_payment", BUNDLE),
    *by_change(
        "bundled_payment",
        BUNDLE,
        ("cheaper", "A bundle that saves more never lowers the optimum.", falls, cheaper_episode),
        ("currency", "All cents times a whole number leave the optimum.", differs, in_another_currency),
    ),
    Relation(
        "bundled payment: links",
        "At the price of its single cases a bundle is a link of each of its groups to all others.",
        differs_from_its_plain_form,
        as_links,
        BUNDLE,
    ),
    Relation(
        "bundled payment: one group",
        "A bundle of one group raises the utility of its cases.",
        differs_from_its_plain_form,
        of_one_group,
        replace(BUNDLE, extensions=()),
        own_draw=True,
    ),
)

# Pay for performance


def larger_bonus(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """A bonus up."""
    draw(st.sampled_from(entries["pay_for_performance"]["steps"]))["cents"] += draw(st.integers(1, 20))
    return True


def lower_target(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """A target down, unless there is a step with it."""
    steps = entries["pay_for_performance"]["steps"]
    step, name = draw(st.sampled_from(steps)), draw(st.sampled_from(["cases", "points"]))
    least = 1 if name == "cases" else 0
    if step.get(name, least) == least:
        return False
    step[name] = draw(st.integers(least, step[name] - 1))
    targets = [tuple(sorted((key, value) for key, value in other.items() if key != "cents")) for other in steps]
    return len(set(targets)) == len(targets)


def out_of_reach(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Targets that nobody reaches."""
    found = {}
    for step in entries["pay_for_performance"]["steps"]:
        step |= {"cases": 1000} if draw(st.booleans()) else {"points": 10}
        found[tuple(sorted((key, value) for key, value in step.items() if key != "cents"))] = step
    entries["pay_for_performance"]["steps"] = list(found.values())
    return True


POINTS_MOVED = (
    "Quality is counted from anywhere and in any unit: moved and stretched with its targets it says the same."
)


def other_points(variant: str, targets: str) -> Change:
    """Points and their targets, in a table of an extension, moved and stretched."""

    def change(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
        factor, more = draw(st.integers(1, 7)), draw(st.integers(0, 9))
        entry = entries[variant]
        for row in (*entry.get("quality", ()), *(row for row in entry[targets] if "points" in row)):
            row["points"] = factor * row["points"] + more
        return True

    return change


def at_every_case(draw: st.DrawFn, trial: Trial) -> tuple[Instance, Instance]:
    """A step at every case of a group, all with one bonus, and the bonus as utility of the case."""
    instance = trial.instance
    group, bonus = draw(st.sampled_from(instance.groups)), draw(st.integers(0, 9))
    most = int(max(instance.capacity.max(initial=0), instance.demand.max(initial=0)))
    entry = {
        "steps": [
            {"hospital": hospital, "group": group, "cases": cases, "cents": bonus}
            for hospital in instance.hospitals
            for cases in range(1, most + 1)
        ],
        "worth_units": 3,
        "worth_cents": 2,
    }
    with_steps = with_extensions(instance.plain, {"pay_for_performance": entry})
    return with_steps, _with_utility_added(instance, group, 3 * bonus // 2)


BONUS = knobs_with("pay_for_performance", overrides=False)
BONUSES_BY_YEAR = knobs_with("years", "pay_for_performance", overrides=False, regions=1, groups=2)
BONUSES = (
    *common("pay_for_performance", BONUS),
    *by_change(
        "pay_for_performance",
        BONUS,
        ("larger", "A larger bonus never lowers the optimum.", falls, larger_bonus),
        ("easier", "Nor does a target that is easier to reach.", falls, lower_target),
        ("out of reach", "Targets that nobody reaches leave the plain optimum.", differs_from_plain, out_of_reach),
        ("points", POINTS_MOVED, differs, other_points("pay_for_performance", "steps")),
        ("currency", "All cents times a whole number leave the optimum.", differs, in_another_currency),
    ),
    Relation(
        "pay for performance: every case",
        "The same bonus at every case of a group raises the utility of its cases.",
        differs_from_its_plain_form,
        at_every_case,
        replace(BONUS, extensions=()),
        own_draw=True,
    ),
)
IN_YEARS = (
    *of_variant(AGREEMENT, "bonuses by year", BONUSES_BY_YEAR, "oracle"),
    *of_variant(TOOLS, "bonuses by year", BONUSES_BY_YEAR, "checker judges"),
)

BY_VARIANT: dict[str, tuple[Relation, ...]] = {
    "bundled_payment": BUNDLES,
    "pay_for_performance": BONUSES,
    "bonuses_by_year": IN_YEARS,
}
"""By the extension that they are about, or several that meet."""
