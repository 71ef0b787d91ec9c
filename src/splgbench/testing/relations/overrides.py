"""What a planner's decision does to the optimum."""

from __future__ import annotations

from hypothesis import strategies as st

from splgbench.instance import Instance
from splgbench.methods import Method
from splgbench.result import Status
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import DEFAULT_KNOBS
from splgbench.testing.trial import Trial, proved
from splgbench.transform import from_tables, to_tables

KNOBS = DEFAULT_KNOBS.without("overrides")
Pair = tuple[str, str]


def decided(instance: Instance, pair: Pair, action: str, cases: int | None = None) -> Instance:
    """The instance with one decision."""
    tables = to_tables(instance)
    tables["overrides"] = {
        "hospital": [pair[0]],
        "group": [pair[1]],
        "action": [action],
        "reason": ["tried"],
        "cases": [cases],
    }
    return from_tables(instance, tables)


def _some_offer(draw: st.DrawFn, trial: Trial) -> Pair | None:
    pairs = list(trial.instance.offer_index)
    return draw(st.sampled_from(pairs)) if pairs else None


def _cases_do_not_cover(method: Method, trial: Trial, pair: Pair) -> str | None:
    """max over granting and refusing an offer = optimum."""
    free = trial.solve(method)
    if not proved(free):
        return None
    values = []
    for action in ("grant", "refuse"):
        result = trial.solve(method, decided(trial.instance, pair, action))
        if result.status not in (Status.OPTIMAL, Status.INFEASIBLE):
            return None
        values.append(result.primal)
    best = max((value for value in values if value is not None), default=None)
    if best != free.primal:
        told = f"{values[0]} with {pair[0]} granted {pair[1]} and {values[1]} with it refused"
        return f"{method.name} says {free.primal}, but {told}"
    return None


def _fix_moves(method: Method, trial: Trial, pair: Pair) -> str | None:
    """Fixing an offer at its optimal volume keeps the optimum."""
    free = trial.solve(method)
    if not proved(free) or free.volumes is None:
        return None
    cases = int(free.volumes[trial.instance.offer_index[pair]])
    fixed = trial.solve(method, decided(trial.instance, pair, "fix", cases))
    if fixed.status is Status.INFEASIBLE or (proved(fixed) and fixed.primal != free.primal):
        what = "infeasible" if fixed.primal is None else str(fixed.primal)
        return f"{method.name} gives {pair[0]} {cases} cases of {pair[1]} at {free.primal}; fixed there it says {what}"
    return None


OVERRIDES = (
    Relation(
        "grant or refuse",
        "Every allocation grants an offer or does not, so the better of the two is the optimum.",
        _cases_do_not_cover,
        _some_offer,
        KNOBS,
    ),
    Relation("fix", "Fixing a volume where it stands anyway changes nothing.", _fix_moves, _some_offer, KNOBS),
)
