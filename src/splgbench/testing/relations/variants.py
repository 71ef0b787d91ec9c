"""What must hold of methods, checker and polish where an instance has extensions.

The relations of the plain model hold, too; these are the ones that only extensions can break. Numbers are smaller than
elsewhere: the plain search tries volumes one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from splgbench.extensions import entries_of, with_extensions
from splgbench.instance import Instance
from splgbench.methods import Method
from splgbench.testing.relations.agreement import AGREEMENT
from splgbench.testing.relations.base import Contradiction, Relation
from splgbench.testing.relations.bounds import BOUNDS
from splgbench.testing.relations.monotonicity import falls
from splgbench.testing.relations.tools import TOOLS
from splgbench.testing.strategies import Knobs
from splgbench.testing.trial import Trial, proved

Change = Callable[[st.DrawFn, dict[str, Any]], bool]


def knobs_with(*extensions: str, **others: Any) -> Knobs:
    """Tiny instances with extensions."""
    size = {"hospitals": 2, "groups": 3, "offers": 5, "cases": 5, "utility": 9, "regions": 2}
    return Knobs(**{**size, "extensions": extensions, **others})


def _changed(instance: Instance, entries: dict[str, Any]) -> Instance:
    return with_extensions(instance.plain, entries)


def varied(change: Change) -> Any:
    """The instance with changed entries; None where there is nothing to change."""

    def vary(draw: st.DrawFn, trial: Trial) -> Instance | None:
        entries = entries_of(trial.instance)
        return _changed(trial.instance, entries) if change(draw, entries) else None

    return vary


def differs(method: Method, trial: Trial, other: Instance) -> str | None:
    """The same optimum on both."""
    here, there = trial.solve(method), trial.solve(method, other)
    if proved(here) and proved(there) and here.primal != there.primal:
        return f"{method.name} finds {here.primal} and {there.primal} where the optimum is the same"
    return None


def differs_from_plain(method: Method, trial: Trial, other: Instance) -> str | None:
    """What does not bind changes nothing."""
    found = trial.solve(method, other)
    plain = trial.optimum(trial.instance.plain)
    if proved(found) and found.primal != plain:
        return f"{method.name} finds {found.primal} where nothing binds; the plain optimum is {plain}"
    return None


def _more_than_nothing(method: Method, trial: Trial, other: Instance) -> str | None:
    found = trial.solve(method, other)
    if found.primal:
        return f"{method.name} allots cases worth {found.primal} where none can be paid"
    if proved(found) and found.dual != 0:
        return f"{method.name} bounds nothing by {found.dual}"
    return None


def of_variant(relations: tuple[Relation, ...], variant: str, knobs: Knobs, *names: str) -> tuple[Relation, ...]:
    """Relations of the plain model on instances with an extension."""
    words = variant.replace("_", " ")
    return tuple(
        replace(
            relation,
            name=f"{words}: {relation.name}",
            reason=f"With {words}, too: {relation.reason}",
            knobs=replace(knobs, overrides=relation.subject != "method"),
            own_draw=True,
        )
        for relation in relations
        if relation.name in names
    )


def common(variant: str, knobs: Knobs) -> tuple[Relation, ...]:
    """What holds with every extension."""
    return (
        *of_variant(AGREEMENT, variant, knobs, "oracle", "checker"),
        *of_variant(BOUNDS, variant, knobs, "early bound", "LP strength"),
        *of_variant(TOOLS, variant, knobs, "checker judges", "polish is best"),
    )


def _times(entries: dict[str, Any], factor: int) -> None:
    """All cents of all entries times a number."""
    for entry in entries.values():
        for row in (entry, *(row for table in entry.values() if isinstance(table, list) for row in table)):
            if isinstance(row, dict):
                row |= {name: factor * cents for name, cents in row.items() if name.endswith("cents")}


def in_another_currency(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """All cents times a number."""
    _times(entries, draw(st.integers(2, 50)))
    return True


def by_change(variant: str, knobs: Knobs, *table: tuple[str, str, Contradiction, Change]) -> tuple[Relation, ...]:
    """Relations of an extension that each change its entries: name, reason, what contradicts, and the change."""
    words = variant.replace("_", " ")
    return tuple(
        Relation(f"{words}: {name}", reason, contradiction, varied(change), knobs)
        for name, reason, contradiction, change in table
    )


# Regional budgets


def larger_budget(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """A budget up."""
    budgets = entries["regional_budget"]["budgets"]
    draw(st.sampled_from(budgets))["cents"] += draw(st.integers(1, 20))
    return True


def cheaper(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """The cost of a group or an offer down."""
    entry = entries["regional_budget"]
    rows = [row for row in (*entry["group_costs"], *entry.get("offer_costs", ())) if row["cents"]]
    if rows:
        row = draw(st.sampled_from(rows))
        row["cents"] = draw(st.integers(0, row["cents"] - 1))
    return bool(rows)


def unbounded(_draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Budgets that nobody can spend."""
    for row in entries["regional_budget"]["budgets"]:
        row["cents"] = 10**9
    return True


def with_small_change(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Costs and budgets times a number, and change that buys nothing."""
    factor = draw(st.integers(2, 50))
    _times(entries, factor)
    for row in entries["regional_budget"]["budgets"]:
        row["cents"] += draw(st.integers(0, factor - 1))
    return True


def no_money(_draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Every case costs something, everywhere there is a budget, and it is 0."""
    entry = entries["regional_budget"]
    for row in (*entry["group_costs"], *entry.get("offer_costs", ())):
        row["cents"] = max(1, row["cents"])
    for row in entry["budgets"]:
        row["cents"] = 0
    return True


BUDGET = knobs_with("regional_budget", overrides=False)
BUDGETS = (
    *common("regional_budget", BUDGET),
    *by_change(
        "regional_budget",
        BUDGET,
        ("larger", "A larger budget never lowers the optimum.", falls, larger_budget),
        ("cheaper", "Nor does a cost that falls.", falls, cheaper),
        ("unbounded", "A budget that nobody can spend leaves the plain optimum.", differs_from_plain, unbounded),
        (
            "currency",
            "Costs and budgets times a whole number, with change that buys nothing, leave the optimum.",
            differs,
            with_small_change,
        ),
    ),
    *by_change(
        "regional_budget",
        replace(BUDGET, regions=1),
        (
            "no money",
            "Where every case costs something and no region has money, nothing is allotted.",
            _more_than_nothing,
            no_money,
        ),
    ),
)

# Years


def looser_change(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Volumes may change faster."""
    entry = entries["years"]
    if "change_bp" in entry:
        entry["change_bp"] = min(10_000, entry["change_bp"] + draw(st.sampled_from([0, 1000])))
        entry["change_cases"] += draw(st.integers(0, 2))
    return "change_bp" in entry


def free_change(_draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Volumes may change by more than there are."""
    entries["years"]["change_cases"] = 10**6
    entries["years"].setdefault("change_bp", 0)
    return "regional_budget" not in entries


def more_carried(draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """More of a budget may be carried over."""
    entry = entries["regional_budget"]
    entry["carry_over_cents"] = entry.get("carry_over_cents", 0) + draw(st.integers(1, 30))
    return True


def backwards(_draw: st.DrawFn, entries: dict[str, Any]) -> bool:
    """Changes by cases alone limit a year as much as the one before: the order of years is no matter."""
    entry = entries["years"]
    if "regional_budget" in entries or entry.get("change_bp"):
        return False
    entry["years"] = entry["years"][::-1]
    return True


YEARS = knobs_with("years", overrides=False, regions=1)
BUDGETS_BY_YEAR = knobs_with("years", "regional_budget", overrides=False, regions=1, groups=2)
YEARLY = (
    *common("years", YEARS),
    *by_change(
        "years",
        YEARS,
        ("looser", "Where volumes may change faster the optimum does not fall.", falls, looser_change),
        ("free", "Where volumes may change by any number the plain optimum is left.", differs_from_plain, free_change),
        (
            "backwards",
            "A change limited in cases alone is limited both ways, so years may run backwards.",
            differs,
            backwards,
        ),
    ),
)
CARRIED = (
    *of_variant(AGREEMENT, "budgets by year", BUDGETS_BY_YEAR, "oracle"),
    *of_variant(TOOLS, "budgets by year", BUDGETS_BY_YEAR, "checker judges", "polish is best"),
    *by_change(
        "budgets by year",
        BUDGETS_BY_YEAR,
        ("carried over", "Where more may be carried over the optimum does not fall.", falls, more_carried),
    ),
)

BY_VARIANT: dict[str, tuple[Relation, ...]] = {
    "regional_budget": BUDGETS,
    "years": YEARLY,
    "budgets_by_year": CARRIED,
}
"""By the extension that they are about, or several that meet."""
