"""What an instance exercises: which rules change its optimum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from splgbench.instance import Instance
from splgbench.testing.oracles import Answer, by_search
from splgbench.transform import from_tables, to_tables

FEATURES = (
    "threshold",
    "link",
    "cross-area link",
    "cooperation link",
    "capacity",
    "demand",
    "override",
    "infeasible",
    "nothing to allot",
)


def features(instance: Instance, answer: Answer | None = None) -> set[str]:
    """Which of `FEATURES` hold: a rule binds if the optimum changes without it.

    Parameters
    ----------
    answer : the instance's answer where it is known.
    """
    answer = answer or by_search(instance)
    if answer.optimum is None or answer.cases is None:
        return {"infeasible"}
    found = set()
    variants = {
        "threshold": instance.with_rules(minimum_cases=False, minimum_share=False),
        "link": instance.with_rules(links=False),
        "cross-area link": _without_cross_links(instance),
        "cooperation link": _inhouse(instance),
        "override": instance.with_rules(overrides=False),
    }
    found |= {
        name for name, other in variants.items() if other is not None and by_search(other).optimum != answer.optimum
    }
    if not len(instance.override_offer):
        free = instance.with_rules(capacity_mode="none")
        if by_search(free).optimum != answer.optimum:
            found.add("capacity")
    used = np.zeros(instance.n_cells, dtype=np.int64)
    for pair, cases in answer.cases.items():
        used[instance.offer_cell[instance.offer_index[pair]]] += cases
    if ((used == instance.demand) & (used > 0)).any():
        found.add("demand")
    if not answer.cases:
        found.add("nothing to allot")
    return found


def _without_cross_links(instance: Instance) -> Instance | None:
    """Without the clauses that name a group of another area."""
    tables = to_tables(instance)
    if "links" not in tables:
        return None
    area = dict(zip(tables["groups"]["group"], tables["groups"]["area"], strict=True))
    links = tables["links"]
    crossing = {
        (group, clause)
        for group, clause, required in zip(links["group"], links["clause"], links["required"], strict=True)
        if area[group] != area[required]
    }
    kept = [row for row, key in enumerate(zip(links["group"], links["clause"], strict=True)) if key not in crossing]
    tables["links"] = {column: [cells[row] for row in kept] for column, cells in links.items()}
    return from_tables(instance, tables)


def _inhouse(instance: Instance) -> Instance | None:
    """With every scope in-house; a member named in both scopes stays once."""
    tables = to_tables(instance)
    if not instance.required_in_cooperation.any():
        return None
    links = tables["links"]
    rows = list(dict.fromkeys(zip(links["group"], links["clause"], links["mode"], links["required"], strict=True)))
    columns = ("group", "clause", "mode", "required")
    tables["links"] = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
    return from_tables(instance, tables)


def survey(drawn: Iterable[Instance]) -> tuple[int, Counter[str]]:
    """How many instances there are, and on how many each feature holds."""
    counts: Counter[str] = Counter()
    total = 0
    for instance in drawn:
        total += 1
        counts.update(features(instance))
    return total, counts
