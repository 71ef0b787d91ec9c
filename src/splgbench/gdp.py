"""The problem once more, as Pyomo.GDP states it: an independent second opinion on the row families.

One disjunction an offer, x_k = 0 or t_k <= x_k <= U_k, with links as logic over the disjuncts:

    maximise   sum_k u_k x_k
    [ Y_k:  t_k <= x_k ]  or  [ not Y_k:  x_k <= 0 ]          0 <= x_k <= U_k
    sum_{k in c} x_k <= B_c,   sum_{k of h in a} x_k <= Q_{h,a}   (modes area, both)
    Y_k => or_{q in S} Y_q                                    any-clause; all-clauses one member at a time

Everything is derived from the fields of the Instance here, as the checker does: nothing of `splgbench.volumes`,
`splgbench.requirements` or `splgbench.rows` takes part, so that a mistake there shows as a different optimum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from splgbench.capabilities import Capability
from splgbench.errors import UnsupportedError
from splgbench.instance import Instance
from splgbench.model import MipModel, ModelBuilder
from splgbench.solver_libraries import load_optional, version_of


@dataclass(frozen=True)
class DisjunctiveFormulation:
    """The disjunctive model after one of Pyomo's transformations.

    Parameters
    ----------
    transformation : "gdp.bigm" or "gdp.hull".
    at_least_as_strong_as : formulations whose LP bound is never below this one's.
    needs : what a backend must be able to take.
    """

    transformation: str
    at_least_as_strong_as: tuple[str, ...] = ()
    needs: frozenset[Capability] = frozenset()

    def unavailable(self) -> str | None:
        return None if version_of("pyomo") else "pyomo is not installed: pip install 'splgbench[pyomo]'"

    def build(self, instance: Instance, backend: str | None = None, without: Iterable[str] = ()) -> MipModel:
        """State, transform and convert.

        Raises
        ------
        UnsupportedError
            `without` names a row family: there are none here.
        """
        if set(without):
            raise UnsupportedError("a disjunctive formulation has no row families to leave out")
        if not instance.n_offers:
            return ModelBuilder(0).finish()
        environ = load_optional("pyomo.environ", "pyomo", "pyomo")
        model = disjunctive_model(instance)
        environ.TransformationFactory(self.transformation).apply_to(model)
        return _as_arrays(instance, model)


def disjunctive_model(instance: Instance) -> Any:
    """The ConcreteModel with offer[k].x, the disjuncts granted[k] and closed[k], and all rules."""
    environ = load_optional("pyomo.environ", "pyomo", "pyomo")
    gdp = load_optional("pyomo.gdp", "pyomo", "pyomo")
    rules = _Rules(instance)
    offers = range(instance.n_offers)
    model = environ.ConcreteModel()
    # One component an offer: Pyomo's hull walks a whole indexed one for each of its rows.
    model.offer = environ.Block(offers)
    for k in offers:
        model.offer[k].x = environ.Var(bounds=(0, rules.largest(k)))
    x = [model.offer[k].x for k in offers]
    model.granted = gdp.Disjunct(offers)
    model.closed = gdp.Disjunct(offers)
    for k in offers:
        model.granted[k].threshold = environ.Constraint(expr=x[k] >= rules.threshold(k))
        model.closed[k].nothing = environ.Constraint(expr=x[k] <= 0)
    model.mandate = gdp.Disjunction(offers, rule=lambda model, k: [model.granted[k], model.closed[k]])
    model.rows = environ.ConstraintList()
    for members, limit in rules.sums():
        model.rows.add(sum(x[k] for k in members) <= limit)
    for k, cases in rules.fixed.items():
        model.rows.add(x[k] == cases)
    holds = [model.granted[k].indicator_var for k in offers]
    model.logic = environ.LogicalConstraintList()
    for k, helpers in rules.links():
        needed = environ.lor(*(holds[q] for q in helpers)) if len(helpers) > 1 else holds[helpers[0]]
        model.logic.add(holds[k].implies(needed))
    for k in sorted(rules.granted):
        model.logic.add(holds[k])
    for k in sorted(rules.refused):
        model.logic.add(environ.lnot(holds[k]))
    worth = environ.quicksum(u * x[k] for k, u in enumerate(instance.utility.tolist()))
    model.value = environ.Objective(expr=worth, sense=environ.maximize)
    return model


class _Rules:
    """What the instance says of each offer, in Python integers."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.hospital: list[int] = instance.offer_hospital.tolist()
        self.group: list[int] = instance.offer_group.tolist()
        self.cell: list[int] = instance.offer_cell.tolist()
        self.capacity: list[int] = instance.capacity.tolist()
        self.demand: list[int] = instance.demand.tolist()
        self.area = [int(instance.group_area[g]) for g in self.group]
        self.offer_at = {pair: k for k, pair in enumerate(zip(self.hospital, self.group, strict=True))}
        self.area_capacity: dict[tuple[int, int], int] = defaultdict(int)
        for k, cases in enumerate(self.capacity):
            self.area_capacity[self.hospital[k], self.area[k]] += cases
        stated = zip(instance.stated_pair_hospital, instance.stated_pair_area, strict=True)
        for (h, a), cases in zip(stated, instance.stated_pair_capacity.tolist(), strict=True):
            self.area_capacity[int(h), int(a)] = cases
        self.granted: set[int] = set()
        self.refused: set[int] = set()
        self.fixed: dict[int, int] = {}
        self.exempt: dict[str, set[int]] = {"threshold": set(), "links": set()}
        self._read_overrides()
        self._refuse_unmet_links()

    def threshold(self, k: int) -> int:
        """t_k = max(1, m_g, ceil(v_g B_c / 10000)), 1 where exempt."""
        if k in self.exempt["threshold"]:
            return 1
        share = int(self.instance.minimum_share_bp[self.group[k]]) * self.demand[self.cell[k]]
        return max(1, int(self.instance.minimum_cases[self.group[k]]), -(-share // 10_000))

    def largest(self, k: int) -> int:
        """U_k: the least of B_c, K_k (modes group, both) and Q_{h,a} (modes area, both)."""
        limits = [self.demand[self.cell[k]]]
        if self.instance.capacity_mode in ("group", "both"):
            limits.append(self.capacity[k])
        if self.instance.capacity_mode in ("area", "both"):
            limits.append(self.area_capacity[self.hospital[k], self.area[k]])
        return min(limits)

    def sums(self) -> Iterator[tuple[list[int], int]]:
        """(demand) and, in the modes area and both, (capacity): offers and the limit of their sum."""
        of_cell: dict[int, list[int]] = defaultdict(list)
        of_pair: dict[tuple[int, int], list[int]] = defaultdict(list)
        for k in range(self.instance.n_offers):
            of_cell[self.cell[k]].append(k)
            of_pair[self.hospital[k], self.area[k]].append(k)
        for c, members in of_cell.items():
            yield members, self.demand[c]
        if self.instance.capacity_mode in ("area", "both"):
            for pair, members in of_pair.items():
                yield members, self.area_capacity[pair]

    def links(self) -> Iterator[tuple[int, list[int]]]:
        """An offer and the offers of which one must stand beside it; never empty, never with the offer itself."""
        return ((k, helpers) for k, helpers in self._clauses() if helpers)

    def _clauses(self) -> Iterator[tuple[int, list[int]]]:
        instance = self.instance
        by_group: dict[int, list[int]] = defaultdict(list)
        for k, g in enumerate(self.group):
            by_group[g].append(k)
        for i, group in enumerate(instance.clause_group.tolist()):
            members = range(int(instance.clause_start[i]), int(instance.clause_start[i + 1]))
            for k in by_group[group]:
                if k in self.exempt["links"]:
                    continue
                places = [self._places(k, j) for j in members]
                needs = places if instance.clause_is_all[i] else [sorted({q for place in places for q in place})]
                yield from ((k, helpers) for helpers in needs if k not in helpers)

    def _places(self, k: int, member: int) -> list[int]:
        """The offers that can meet a clause member for offer k: in-house or anywhere in the cooperation group."""
        home = self.hospital[k]
        network = self.instance.cooperation[home]
        hospitals = [home]
        if self.instance.required_in_cooperation[member] and network:
            hospitals = [h for h, other in enumerate(self.instance.cooperation) if other == network]
        required = int(self.instance.required_group[member])
        return [self.offer_at[h, required] for h in hospitals if (h, required) in self.offer_at]

    def _read_overrides(self) -> None:
        instance = self.instance
        rows = zip(
            instance.override_offer.tolist(),
            instance.override_action,
            instance.override_cases.tolist(),
            instance.override_rule,
            strict=True,
        )
        for k, action, cases, rule in rows:
            if action == "grant":
                self.granted.add(k)
            elif action == "refuse":
                self.refused.add(k)
            elif action == "fix":
                self.fixed[k] = cases
                (self.granted if cases else self.refused).add(k)
            else:
                self.exempt[rule].add(k)

    def _refuse_unmet_links(self) -> None:
        """A link that nobody can meet refuses its offer."""
        self.refused.update(k for k, helpers in self._clauses() if not helpers)


def _as_arrays(instance: Instance, model: Any) -> MipModel:
    """The transformed model as arrays: first x_k and y_k of every offer, then what the transformation added."""
    environ = load_optional("pyomo.environ", "pyomo", "pyomo")
    compiler = load_optional("pyomo.repn.plugins.standard_form", "pyomo", "pyomo").LinearStandardFormCompiler()
    form = compiler.write(model, mixed_form=True, set_sense=environ.maximize)
    offers = range(instance.n_offers)
    x = [model.offer[k].x for k in offers]
    y = [model.granted[k].binary_indicator_var for k in offers]
    named = {id(column) for column in (*x, *y)}
    added = [column for column in form.columns if id(column) not in named]
    whole = [column for column in added if column.is_integer()]
    other = [column for column in added if not column.is_integer()]
    columns = [*x, *y, *whole, *other]
    position = {id(column): j for j, column in enumerate(columns)}
    at = np.array([position[id(column)] for column in form.columns], dtype=np.int64)
    objective = np.zeros(len(columns))
    objective[at] = form.c.toarray().ravel()

    builder = ModelBuilder(instance.n_offers)
    keys = np.arange(instance.n_offers)
    families: tuple[tuple[str, list[Any], dict[str, Any]], ...] = (
        ("x", x, {"of": "offer", "keys": keys}),
        ("y", y, {"of": "offer", "keys": keys, "integer": True}),
        ("added_binary", whole, {"integer": True}),
        ("added", other, {}),
    )
    for family, members, options in families:
        lower, upper = _bounds(members)
        worth = objective[builder.n_columns : builder.n_columns + len(members)]
        builder.add_columns(family, len(members), lower=lower, upper=upper, objective=worth, **options)
    builder.x[:], builder.y[:] = keys, instance.n_offers + keys
    offset = float(form.c_offset[0])
    if offset:
        builder.add_columns("constant", 1, lower=1.0, upper=1.0, objective=offset)
    matrix = form.A.tocsr()
    limit = np.array(form.rhs, dtype=np.float64)
    side = np.array([row.bound_type for row in form.rows])
    builder.add_rows(
        "row",
        matrix.indptr.astype(np.int64),
        at[matrix.indices],
        matrix.data,
        lower=np.where(side <= 0, limit, -np.inf),
        upper=np.where(side >= 0, limit, np.inf),
    )
    return builder.finish()


def _bounds(columns: list[Any]) -> tuple[Any, Any]:
    pairs = [(column.value, column.value) if column.fixed else column.bounds for column in columns]
    lower = [-np.inf if low is None else float(low) for low, _ in pairs]
    upper = [np.inf if high is None else float(high) for _, high in pairs]
    return np.array(lower, dtype=np.float64), np.array(upper, dtype=np.float64)
