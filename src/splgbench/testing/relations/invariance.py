"""What must not change the optimum, or change it in a known way (fact 3)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from splgbench.instance import Instance
from splgbench.methods import Method
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import Knobs, instances, relabelings
from splgbench.testing.trial import Trial, judged, proved
from splgbench.transform import from_tables, to_tables


def _differs(method: Method, trial: Trial, other: Instance, factor: int, what: str) -> str | None:
    before, after = trial.solve(method), trial.solve(method, other)
    if not (proved(before) and proved(after)):
        return None
    assert before.primal is not None
    if after.primal != factor * before.primal:
        return f"{method.name} says {before.primal}, and {after.primal} {what} (expected {factor * before.primal})"
    return None


def _relabelled(method: Method, trial: Trial, other: Instance) -> str | None:
    return _differs(method, trial, other, 1, "under other names")


def _new_names(draw: st.DrawFn, trial: Trial) -> Instance:
    return draw(relabelings(trial.instance)).of(trial.instance)


def _scaled(method: Method, trial: Trial, varied: tuple[int, Instance]) -> str | None:
    factor, other = varied
    return _differs(method, trial, other, factor, f"with utilities times {factor}")


def _larger_utilities(draw: st.DrawFn, trial: Trial) -> tuple[int, Instance]:
    factor = draw(st.sampled_from([2, 3, 10, 10_000]))
    tables = to_tables(trial.instance)
    tables["offers"]["utility"] = [factor * u for u in tables["offers"]["utility"]]
    return factor, from_tables(trial.instance, tables)


def _permuted(method: Method, trial: Trial, seed: int) -> str | None:
    before, after = trial.solve(method), trial.solve(method, permutation=seed)
    if judged(after) is not None and judged(before) is None:
        return f"with rows and columns in another order {judged(after)}"
    if proved(before) and proved(after) and before.primal != after.primal:
        return f"{method.name} says {before.primal}, and {after.primal} with rows and columns in another order"
    return None


def _order(draw: st.DrawFn, _: Trial) -> int:
    return draw(st.integers(0, 10**6))


def _does_not_add_up(method: Method, trial: Trial, varied: tuple[Instance, Instance]) -> str | None:
    other, both = varied
    parts = [trial.solve(method), trial.solve(method, other)]
    whole = trial.solve(method, both)
    if not (all(map(proved, parts)) and proved(whole)):
        return None
    total = sum(part.primal or 0 for part in parts)
    if whole.primal != total:
        values = " and ".join(str(part.primal) for part in parts)
        return f"{method.name} says {values} for two parts that nothing joins, and {whole.primal} for both"
    return None


_SMALL = Knobs(hospitals=2, groups=3, offers=5, regions=1)


def _beside(draw: st.DrawFn, trial: Trial) -> tuple[Instance, Instance] | None:
    """Another instance of the same kind, and both side by side under different names."""
    if trial.instance.regions or trial.instance.n_offers > _SMALL.offers:
        return None
    other = draw(instances(Knobs(**{**vars(_SMALL), "modes": (trial.instance.capacity_mode,)})))
    left, right = _prefixed(trial.instance, "a"), _prefixed(other, "b")
    both: dict[str, dict[str, list[Any]]] = {}
    for table in left.keys() | right.keys():
        columns = (left.get(table) or {}).keys() | (right.get(table) or {}).keys()
        both[table] = {
            column: [
                cell
                for part in (left, right)
                if table in part
                for cell in part[table].get(column, [None] * len(next(iter(part[table].values()))))
            ]
            for column in columns
        }
    return other, from_tables(trial.instance, both)


def _prefixed(instance: Instance, prefix: str) -> dict[str, dict[str, list[Any]]]:
    keys = {"hospital", "group", "required", "area"}
    tables = to_tables(instance)
    for columns in tables.values():
        for column in keys & columns.keys():
            columns[column] = [prefix + cell for cell in columns[column]]
    cooperation = tables["hospitals"]["cooperation"]
    tables["hospitals"]["cooperation"] = [prefix + name if name else "" for name in cooperation]
    return tables


INVARIANCE = (
    Relation("relabelling", "Names carry no meaning (fact 3).", _relabelled, _new_names),
    Relation("reordering", "The order of rows and columns carries no meaning (fact 3).", _permuted, _order),
    Relation("utility scaling", "The optimum scales with the utilities (fact 3).", _scaled, _larger_utilities),
    Relation("splitting", "The optima of uncoupled parts add up (fact 3).", _does_not_add_up, _beside, _SMALL),
)
