"""The optimum never falls under the changes that the model statement lists (fact 2)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from splgbench.instance import Instance
from splgbench.methods import Method
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import DEFAULT_KNOBS, Tables
from splgbench.testing.trial import Trial, proved
from splgbench.transform import from_tables, to_tables

# A fix may stop being legal when thresholds or capacities move: overrides have relations of their own.
KNOBS = DEFAULT_KNOBS.without("overrides")


def falls(method: Method, trial: Trial, better: Instance) -> str | None:
    """A sentence where the optimum falls on an instance on which it cannot."""
    before, after = trial.solve(method), trial.solve(method, better)
    if not (proved(before) and proved(after)) or before.primal is None or after.primal is None:
        return None
    if after.primal < before.primal:
        return f"{method.name} falls from {before.primal} to {after.primal} where the optimum cannot fall"
    return None


def _row(draw: st.DrawFn, tables: Tables, table: str) -> int | None:
    columns = tables.get(table)
    rows = len(next(iter(columns.values()))) if columns else 0
    return draw(st.integers(0, rows - 1)) if rows else None


def capacity_up(draw: st.DrawFn, tables: Tables) -> bool:
    """Capacity of an offer or of a stated hospital-area up."""
    table = draw(st.sampled_from(["offers", "area_capacity"]))
    row = _row(draw, tables, table)
    if row is not None:
        tables[table]["capacity"][row] += draw(st.integers(1, 5))
    return row is not None


def minimum_down(draw: st.DrawFn, tables: Tables) -> bool:
    """Minimum cases or minimum share of a group down."""
    column = draw(st.sampled_from(["minimum_cases", "minimum_share_bp"]))
    cells = tables["groups"][column]
    candidates = [row for row, value in enumerate(cells) if value]
    if candidates:
        row = draw(st.sampled_from(candidates))
        cells[row] = draw(st.integers(0, cells[row] - 1))
    return bool(candidates)


def clause_removed(draw: st.DrawFn, tables: Tables) -> bool:
    """All rows of one clause gone."""
    row = _row(draw, tables, "links")
    if row is None:
        return False
    links = tables["links"]
    gone = (links["group"][row], links["clause"][row])
    kept = [i for i, key in enumerate(zip(links["group"], links["clause"], strict=True)) if key != gone]
    tables["links"] = {column: [cells[i] for i in kept] for column, cells in links.items()}
    return True


def clause_loosened(draw: st.DrawFn, tables: Tables) -> bool:
    """A member added to an any-clause, or taken from an all-clause."""
    row = _row(draw, tables, "links")
    if row is None:
        return False
    links = tables["links"]
    if links["mode"][row] == "all":
        tables["links"] = {column: cells[:row] + cells[row + 1 :] for column, cells in links.items()}
        return True
    added = draw(st.sampled_from(tables["groups"]["group"]))
    scope = draw(st.sampled_from(["inhouse", "cooperation"]))
    new = {**{column: cells[row] for column, cells in links.items()}, "required": added, "scope": scope}
    names = ("group", "clause", "required", "scope")
    if tuple(new[name] for name in names) in set(zip(*(links[name] for name in names), strict=True)):
        return False
    for column, cells in links.items():
        cells.append(new[column])
    return True


def offer_added(draw: st.DrawFn, tables: Tables) -> bool:
    """An offer more; a hospital-area without stated capacity gains by it, too."""
    offers = tables["offers"]
    held = set(zip(offers["hospital"], offers["group"], strict=True))
    free = [(h, g) for h in tables["hospitals"]["hospital"] for g in tables["groups"]["group"] if (h, g) not in held]
    if not free:
        return False
    hospital, group = draw(st.sampled_from(free))
    new = {
        "hospital": hospital,
        "group": group,
        "capacity": draw(st.integers(0, 9)),
        "utility": draw(st.integers(1, 9)),
    }
    if "regions" in tables:
        new["region"] = draw(st.sampled_from(tables["regions"]["region"]))
    for column, cells in offers.items():
        cells.append(new[column])
    return True


def utility_up(draw: st.DrawFn, tables: Tables) -> bool:
    """The utility of an offer up."""
    row = _row(draw, tables, "offers")
    if row is not None:
        tables["offers"]["utility"][row] += draw(st.integers(1, 5))
    return row is not None


def demand_up(draw: st.DrawFn, tables: Tables) -> bool:
    """Demand up in a cell without minimum share."""
    share = dict(zip(tables["groups"]["group"], tables["groups"]["minimum_share_bp"], strict=True))
    rows = [row for row, group in enumerate(tables["demand"]["group"]) if share[group] == 0]
    if rows:
        tables["demand"]["cases"][draw(st.sampled_from(rows))] += draw(st.integers(1, 5))
    return bool(rows)


CHANGES = (
    capacity_up,
    minimum_down,
    clause_removed,
    clause_loosened,
    offer_added,
    utility_up,
    demand_up,
)


def _varied(change: Any) -> Any:
    def vary(draw: st.DrawFn, trial: Trial) -> Instance | None:
        tables = to_tables(trial.instance)
        return from_tables(trial.instance, tables) if change(draw, tables) else None

    return vary


MONOTONICITY = tuple(
    Relation(
        f"monotone: {change.__name__.replace('_', ' ')}",
        f"{(change.__doc__ or '').strip()} The optimum does not fall (fact 2).",
        falls,
        _varied(change),
        KNOBS,
    )
    for change in CHANGES
)
