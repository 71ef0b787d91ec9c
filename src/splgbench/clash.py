"""Why an instance with overrides has no allocation: an irreducible set of overrides and rules that clash.

The question is put to CP-SAT in integers, with one literal for every override and every single rule (the demand of
one cell, the threshold of one offer, ...). Its core is then reduced by a deletion filter until no member can go
(Chinneck 2008, Feasibility and Infeasibility in Optimization, section 6.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from splgbench.coupling import cpsat_rows
from splgbench.errors import SplgbenchError
from splgbench.instance import Instance
from splgbench.requirements import requirements
from splgbench.solver_libraries import load_ortools
from splgbench.volumes import exempt_from, fixings, minimum_share_cases, pairs


def infeasibility(instance: Instance, time_limit: float = 60.0) -> tuple[str, ...] | None:
    """The clash in words, or None where an allocation exists.

    Parameters
    ----------
    time_limit : seconds for each question to the solver.

    Raises
    ------
    SplgbenchError
        The solver gives no answer in time.
    """
    if not fixings(instance).granted.any():
        # Without a mandate that must stand, the empty allocation satisfies every rule and every refusal.
        return None
    question = _Question(instance, time_limit)
    members = list(question.members)
    core = question.core(members)
    if core is None:
        return None
    for member in list(core):
        rest = [other for other in core if other != member]
        smaller = question.core(rest)
        if smaller is not None:
            core = [other for other in rest if other in set(smaller)] if len(smaller) < len(rest) else rest
    return tuple(question.members[member] for member in core)


class _Question:
    """A CP-SAT model in which every override and rule can be switched on by a literal."""

    def __init__(self, instance: Instance, time_limit: float) -> None:
        self.instance = instance
        self.time_limit = time_limit
        self.cp_model = load_ortools("ortools.sat.python.cp_model")
        self.model = self.cp_model.CpModel()
        self.members: dict[int, str] = {}
        self.literals: dict[int, Any] = {}
        # Wide enough that no domain does the work of a rule, which a clash would then fail to name.
        most = np.maximum(instance.demand[instance.offer_cell], instance.minimum_cases[instance.offer_group])
        self.x = [self.model.new_int_var(0, max(1, x), "") for x in most.tolist()]
        self.y = [self.model.new_bool_var("") for _ in range(instance.n_offers)]
        for k in range(instance.n_offers):
            # A mandate means at least one case, and cases need a mandate: definitions, not rules.
            self.model.add(self.x[k] >= 1).only_enforce_if(self.y[k])
            self.model.add(self.x[k] == 0).only_enforce_if(self.y[k].negated())
        self._overrides()
        self._sums("demand", instance.offer_cell, instance.demand, self._cell_text)
        self._minima()
        self._capacities()
        self._links()
        self._extensions()

    def core(self, members: list[int]) -> list[int] | None:
        """A subset of `members` that cannot hold together; None where all of them can."""
        self.model.clear_assumptions()
        self.model.add_assumptions([self.literals[member] for member in members])
        solver = self.cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = self.time_limit
        solver.parameters.num_workers = 1
        status = solver.solve(self.model)
        if status in (self.cp_model.OPTIMAL, self.cp_model.FEASIBLE):
            return None
        if status != self.cp_model.INFEASIBLE:
            raise SplgbenchError("could not decide whether the overrides clash within the time limit")
        held = set(solver.sufficient_assumptions_for_infeasibility())
        return [member for member in members if self.literals[member].index in held]

    def _literal(self, text: str) -> Any:
        literal = self.model.new_bool_var("")
        self.members[literal.index] = text
        self.literals[literal.index] = literal
        return literal

    def _overrides(self) -> None:
        instance = self.instance
        rows = zip(
            instance.override_offer.tolist(), instance.override_action, instance.override_cases.tolist(), strict=True
        )
        for k, action, cases in rows:
            hospital, group = instance.offer_name(k)
            if action == "grant":
                self.model.add(self.y[k] == 1).only_enforce_if(self._literal(f"grant {hospital} {group}"))
            elif action == "refuse":
                self.model.add(self.y[k] == 0).only_enforce_if(self._literal(f"refuse {hospital} {group}"))
            elif action == "fix":
                literal = self._literal(f"fix {hospital} {group} at {cases} cases")
                self.model.add(self.x[k] == cases).only_enforce_if(literal)

    def _sums(self, family: str, index: Any, limit: Any, text: Callable[[int], str]) -> None:
        """Rows sum of x <= limit, one literal each; those that cannot bite are left out."""
        members: dict[int, list[int]] = {}
        for k, position in enumerate(index.tolist()):
            members.setdefault(position, []).append(k)
        for position, offers in members.items():
            row = sum(self.x[k] for k in offers) <= int(limit[position])
            self.model.add(row).only_enforce_if(self._literal(f"{family} {text(position)}"))

    def _cell_text(self, c: int) -> str:
        return f"of {self.instance.cell_name(c)} ({self.instance.demand[c]} cases)"

    def _minima(self) -> None:
        instance = self.instance
        share = minimum_share_cases(instance)
        exempt = exempt_from(instance, "threshold")
        for k in np.flatnonzero(~exempt).tolist():
            hospital, group = instance.offer_name(k)
            cases = int(instance.minimum_cases[instance.offer_group[k]])
            for least, words in ((cases, "minimum cases"), (int(share[k]), "minimum share")):
                if least > 1:
                    literal = self._literal(f"{words} of {group} at {hospital} ({least} cases)")
                    self.model.add(self.x[k] >= least).only_enforce_if([self.y[k], literal])

    def _capacities(self) -> None:
        instance = self.instance
        if instance.limits_groups:
            for k, capacity in enumerate(instance.capacity.tolist()):
                if capacity < instance.demand[instance.offer_cell[k]]:
                    hospital, group = instance.offer_name(k)
                    literal = self._literal(f"capacity of {hospital} in {group} ({capacity} cases)")
                    self.model.add(self.x[k] <= capacity).only_enforce_if(literal)
        if instance.limits_areas:
            pair = pairs(instance)

            def text(p: int) -> str:
                hospital, area = instance.hospitals[pair.hospital[p]], instance.areas[pair.area[p]]
                return f"of {hospital} in area {area} ({pair.capacity[p]} cases)"

            self._sums("capacity", pair.of_offer, pair.capacity, text)

    def _links(self) -> None:
        links = requirements(self.instance)
        for r in range(links.count):
            k = int(links.offer[r])
            hospital, group = self.instance.offer_name(k)
            members = links.member[links.start[r] : links.start[r + 1]].tolist()
            others = ", ".join(" ".join(self.instance.offer_name(q)) for q in members) or "a group nobody offers"
            literal = self._literal(f"link of {hospital} {group} to {others}")
            self.model.add_bool_or([self.y[q] for q in members] + [self.y[k].negated(), literal.negated()])

    def _extensions(self) -> None:
        """The rows of extensions that limit, one literal each; what lies between own columns is a definition."""
        for extension in (extension for extension in self.instance.extensions.values() if extension.limits):
            for total, low, high, text in cpsat_rows(self.model, extension.rows(), self.x, self.y).sums:
                if not isinstance(total, int):
                    self.model.add_linear_constraint(total, low, high).only_enforce_if(self._literal(text))
