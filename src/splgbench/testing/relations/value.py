"""What must hold of a valuation, from tables of outcomes and costs to an instance, and of methods on what comes of it.

A valuation is called with an instance, its tables and "value" or "outcomes", and gives the instance with those
utilities and a column `cost` (docs/value.md). `by_value` is that of `splgbench.value.outcomes`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from splgbench.instance import Instance
from splgbench.testing.oracles import by_search
from splgbench.testing.plain_value import PlainValuation, ValueTables, columns_from, rows_of
from splgbench.testing.relations.base import Relation
from splgbench.testing.relations.monotonicity import falls
from splgbench.testing.strategies import Knobs
from splgbench.testing.trial import Trial, proved
from splgbench.testing.value_draws import value_tables
from splgbench.value.outcomes import Objective, Value, with_value

Valuation = Callable[[Instance, ValueTables, str], Instance]
Tables = dict[str, dict[str, list[Any]]]
Change = Callable[[st.DrawFn, Tables], bool]

KNOBS = Knobs(hospitals=2, groups=2, offers=4, cases=5, overrides=False)
LONGER = 12
"""Months in a year."""


def by_value(instance: Instance, tables: ValueTables, objective: str = "value") -> Instance:
    """The valuation of `splgbench.value.outcomes`."""
    conditions, outcome_set, outcomes, cycle_costs = (
        tables[name] for name in ("conditions", "outcome_set", "outcomes", "cycle_costs")
    )
    return with_value(instance, Value(conditions, outcome_set, outcomes, cycle_costs), Objective(objective))


def _drawn(draw: st.DrawFn, trial: Trial) -> Tables | None:
    return value_tables(draw, trial.instance) if trial.instance.n_offers else None


def _varied(change: Change) -> Any:
    """Tables as they are drawn, and changed."""

    def vary(draw: st.DrawFn, trial: Trial) -> tuple[Tables, Tables] | None:
        tables = _drawn(draw, trial)
        if tables is None:
            return None
        changed = copy.deepcopy(tables)
        return (tables, changed) if change(draw, changed) else None

    return vary


def _utilities(instance: Instance) -> dict[tuple[str, str], int]:
    names = map(instance.offer_name, range(instance.n_offers))
    return dict(zip(names, instance.utility.tolist(), strict=True))


def _told(instance: Instance) -> dict[tuple[str, str], tuple[int, int]]:
    """Utility and cost by offer."""
    return {
        pair: (u, int(f))
        for (pair, u), f in zip(_utilities(instance).items(), instance.notes["offers"]["cost"], strict=True)
    }


def _misvalues(valuation: Valuation, trial: Trial, tables: Tables) -> str | None:
    for objective in ("value", "outcomes"):
        found = _told(valuation(trial.instance, tables, objective))
        right = _told(PlainValuation()(trial.instance, tables, objective))
        for pair, cells in found.items():
            if cells != right[pair]:
                return f"{objective}: {pair} has utility and cost {cells}; its tables give {right[pair]}"
    return None


def _differs(valuation: Valuation, trial: Trial, both: tuple[Tables, Tables]) -> str | None:
    """The same utilities from both."""
    before, after = (_utilities(valuation(trial.instance, tables, "value")) for tables in both)
    changed = [pair for pair in before if before[pair] != after[pair]]
    if changed:
        return f"{changed[0]} is worth {before[changed[0]]} and {after[changed[0]]} by tables that say the same"
    return None


def _worsens(valuation: Valuation, trial: Trial, both: tuple[Tables, Tables]) -> str | None:
    """No utility falls, and so the optimum does not."""
    before, after = (valuation(trial.instance, tables, "value") for tables in both)
    old, new = _utilities(before), _utilities(after)
    fallen = [pair for pair in old if new[pair] < old[pair]]
    if fallen:
        return f"{fallen[0]} falls from {old[fallen[0]]} to {new[fallen[0]]} where nothing is worse"
    optima = trial.optimum(before), trial.optimum(after)
    if None not in optima and (optima[1] or 0) < (optima[0] or 0):
        return f"the optimum falls from {optima[0]} to {optima[1]} where nothing is worse"
    return None


def _differs_at_the_reference(valuation: Valuation, trial: Trial, tables: Tables) -> str | None:
    found = [_utilities(valuation(trial.instance, tables, objective)) for objective in ("value", "outcomes")]
    changed = [pair for pair in found[0] if found[0][pair] != found[1][pair]]
    if changed:
        pair = changed[0]
        return f"{pair} costs what is usual, but its value is {found[0][pair]} at {found[1][pair]} points"
    return None


def costlier(draw: st.DrawFn, tables: Tables) -> bool:
    """All costs of a condition, that of reference among them, times a number."""
    row, factor = draw(st.integers(0, len(tables["conditions"]["group"]) - 1)), draw(st.integers(2, 9))
    condition, stated = tables["conditions"]["condition"][row], tables["conditions"]["reference_cost"][row]
    tables["conditions"]["reference_cost"][row] = None if stated is None else factor * stated
    costs = tables["cycle_costs"]
    costs["cost"] = [
        cost * (factor if name == condition else 1)
        for name, cost in zip(costs["condition"], costs["cost"], strict=True)
    ]
    return True


def weightless(draw: st.DrawFn, tables: Tables) -> bool:
    """A measure more that weighs nothing."""
    condition = draw(st.sampled_from(tables["conditions"]["condition"]))
    measure = {"condition": condition, "measure": "M0", "tier": 3, "reported_by": "register", "weight": "0"}
    measure |= {"direction": draw(st.sampled_from(["higher", "lower"])), "low": 0, "high": 10}
    for name, cell in measure.items():
        tables["outcome_set"][name].append(cell)
    for hospital in sorted(set(tables["cycle_costs"]["hospital"])):
        row = {"hospital": hospital, "condition": condition, "measure": "M0", "value": draw(st.integers(0, 10))}
        for name, cell in (row | {"patients": 5}).items():
            tables["outcomes"][name].append(cell)
    return True


def better(draw: st.DrawFn, tables: Tables) -> bool:
    """A measured value nearer to the good end, or further beyond it."""
    outcomes = tables["outcomes"]
    row = draw(st.integers(0, len(outcomes["value"]) - 1))
    key = (outcomes["condition"][row], outcomes["measure"][row])
    direction = next(m["direction"] for m in rows_of(tables["outcome_set"]) if (m["condition"], m["measure"]) == key)
    outcomes["value"][row] += draw(st.integers(1, 9)) * (1 if direction == "higher" else -1)
    return True


def cheaper(draw: st.DrawFn, tables: Tables) -> bool:
    """A phase costs less at a hospital; that of reference is stated, and stays."""
    costs = tables["cycle_costs"]
    rows = [at for at, cost in enumerate(costs["cost"]) if cost > 1]
    if not rows or None in tables["conditions"]["reference_cost"]:
        return False
    row = draw(st.sampled_from(rows))
    costs["cost"][row] = draw(st.integers(1, costs["cost"][row] - 1))
    return True


def split_condition(draw: st.DrawFn, tables: Tables) -> bool:
    """A condition in two, with the same data and its share dealt to both."""
    row = draw(st.integers(0, len(tables["conditions"]["group"]) - 1))
    name, share = tables["conditions"]["condition"][row], tables["conditions"]["share_bp"][row]
    if share < 2:
        return False
    part = draw(st.integers(1, share - 1))
    for table, columns in tables.items():
        rows = [other for other in rows_of(columns) if other["condition"] == name]
        twins = [other | {"condition": f"{name}-twin"} for other in rows]
        tables[table] = columns_from([*rows_of(columns), *twins], columns)
    tables["conditions"]["share_bp"][row] = part
    tables["conditions"]["share_bp"][-1] = share - part
    return True


def split_phase(draw: st.DrawFn, tables: Tables) -> bool:
    """A phase in two, which cost together what it did."""
    condition = draw(st.sampled_from(tables["conditions"]["condition"]))
    rows = rows_of(tables["cycle_costs"])
    found: list[dict[str, Any]] = []
    for row in rows:
        if (row["condition"], row["phase"]) == (condition, "P2"):
            part = draw(st.integers(0, row["cost"]))
            found += [row | {"cost": part}, row | {"phase": "P3", "cost": row["cost"] - part}]
        else:
            found.append(row)
    tables["cycle_costs"] = columns_from(found, tables["cycle_costs"])
    return True


def other_unit(draw: st.DrawFn, tables: Tables) -> bool:
    """A measure in months, not years: values and scale times 12; or counted from the other end."""
    row = draw(st.integers(0, len(tables["outcome_set"]["measure"]) - 1))
    measure = tables["outcome_set"]
    key = (measure["condition"][row], measure["measure"][row])
    factor = draw(st.sampled_from([LONGER, -1]))
    ends = sorted(factor * measure[end][row] for end in ("low", "high"))
    measure["low"][row], measure["high"][row] = ends
    if factor < 0:
        measure["direction"][row] = "lower" if measure["direction"][row] == "higher" else "higher"
    outcomes = tables["outcomes"]
    for at, other in enumerate(rows_of(outcomes)):
        if (other["condition"], other["measure"]) == key:
            outcomes["value"][at] = factor * other["value"]
    return True


def beyond(_draw: st.DrawFn, tables: Tables) -> bool:
    """Values beyond the good end of their scale, at it."""
    ends = {(row["condition"], row["measure"]): row for row in rows_of(tables["outcome_set"])}
    values = tables["outcomes"]["value"]
    before = list(values)
    for at, row in enumerate(rows_of(tables["outcomes"])):
        scale = ends[row["condition"], row["measure"]]
        higher = scale["direction"] == "higher"
        values[at] = min(values[at], scale["high"]) if higher else max(values[at], scale["low"])
    return values != before


def reordered(draw: st.DrawFn, tables: Tables) -> bool:
    """Rows in another order, conditions and measures under other names."""
    for table, columns in tables.items():
        rows = draw(st.permutations(rows_of(columns)))
        renamed = [
            {name: f"x{cell}" if name in ("condition", "measure") else cell for name, cell in row.items()}
            for row in rows
        ]
        tables[table] = columns_from(renamed, columns)
    return True


def _at_reference(draw: st.DrawFn, trial: Trial) -> Tables | None:
    """Every hospital costs what the reference is."""
    tables = _drawn(draw, trial)
    if tables is not None:
        conditions = tables["conditions"]
        conditions["reference_cost"] = [draw(st.integers(2, 9)) for _ in conditions["condition"]]
        reference = dict(zip(conditions["condition"], conditions["reference_cost"], strict=True))
        costs = tables["cycle_costs"]
        costs["cost"] = [1 if row["phase"] == "P1" else reference[row["condition"]] - 1 for row in rows_of(costs)]
    return tables


def _at_twice_the_cost(draw: st.DrawFn, tables: Tables) -> bool:
    """A hospital costs twice what it did; reference costs are stated, and stay."""
    if None in tables["conditions"]["reference_cost"]:
        return False
    costs = tables["cycle_costs"]
    hospital = draw(st.sampled_from(costs["hospital"]))
    rows = zip(costs["hospital"], costs["cost"], strict=True)
    costs["cost"] = [2 * cost if name == hospital else cost for name, cost in rows]
    return True


def _is_not_half(valuation: Valuation, trial: Trial, both: tuple[Tables, Tables]) -> str | None:
    before, after = (_utilities(valuation(trial.instance, tables, "value")) for tables in both)
    costs = [tables["cycle_costs"] for tables in both]
    dearer = {h for h, old, new in zip(costs[0]["hospital"], *(c["cost"] for c in costs), strict=True) if old != new}
    for pair, worth in before.items():
        # Each is rounded by half a unit at most.
        apart = abs(2 * after[pair] - worth) if pair[0] in dearer else 2 * abs(after[pair] - worth)
        if apart > 1:
            return f"{pair} is worth {worth}, and {after[pair]} where {', '.join(sorted(dearer))} costs twice as much"
    return None


def _of_valuation(name: str, reason: str, contradiction: Any, vary: Any) -> Relation:
    return Relation(f"value: {name}", reason, contradiction, vary, KNOBS, subject="valuation")


def _valued(draw: st.DrawFn, trial: Trial) -> tuple[Trial, Instance] | None:
    """The instance by value, and by better outcomes."""
    both = _varied(better)(draw, trial)
    if both is None:
        return None
    before, after = (by_value(trial.instance, tables) for tables in both)
    return Trial(before, by_search(before)), after


def _method_errs(method: Any, _: Trial, valued: tuple[Trial, Instance]) -> str | None:
    trial, better_one = valued
    result = trial.solve(method)
    if proved(result) and result.primal != trial.answer.optimum:
        return f"{method.name} finds {result.primal} by value; the optimum is {trial.answer.optimum}"
    return falls(method, trial, better_one)


VALUE = (
    _of_valuation(
        "costs of a condition",
        "Costs count over the reference cost: all of a condition times a number leave its value.",
        _differs,
        _varied(costlier),
    ),
    _of_valuation("weight of 0", "A measure that weighs nothing changes nothing.", _differs, _varied(weightless)),
    _of_valuation(
        "better outcome",
        "A better outcome lowers no utility, and so not the optimum (fact 2).",
        _worsens,
        _varied(better),
    ),
    _of_valuation(
        "cheaper", "Nor does a hospital that costs less, at stated reference costs.", _worsens, _varied(cheaper)
    ),
    _of_valuation(
        "twice the cost",
        "Points over cost: a hospital at twice the cost has half the value, the others theirs.",
        _is_not_half,
        _varied(_at_twice_the_cost),
    ),
    _of_valuation(
        "condition split",
        "Two conditions with the same data are one, whatever its share is dealt to.",
        _differs,
        _varied(split_condition),
    ),
    _of_valuation("phase split", "The cycle of care counts as a whole.", _differs, _varied(split_phase)),
    _of_valuation(
        "unit",
        "A measure has the same points in years and in months, and counted from the other end.",
        _differs,
        _varied(other_unit),
    ),
    _of_valuation(
        "beyond the scale", "Beyond the good end of its scale a value is worth no more.", _differs, _varied(beyond)
    ),
    _of_valuation("order", "Order of rows and names carry no meaning.", _differs, _varied(reordered)),
    _of_valuation(
        "at the reference",
        "Where every hospital costs what the reference is, value is points.",
        _differs_at_the_reference,
        _at_reference,
    ),
    _of_valuation(
        "oracle",
        "Utilities and costs are those of the equations in fractions, rounded once.",
        _misvalues,
        _drawn,
    ),
    Relation(
        "value: methods",
        "An instance by value is an ordinary one: exact methods find its optimum, which better outcomes do not lower.",
        _method_errs,
        _valued,
        KNOBS,
        own_draw=True,
    ),
)

BY_VARIANT: dict[str, tuple[Relation, ...]] = {"value": VALUE}
"""By the variant that they are about."""
