"""Relations every method must satisfy, by name.

A relation draws a variation of an instance, runs a method, and says in one sentence what contradicts the model, or
nothing. Each names the fact of the model statement it stands on.
"""

from __future__ import annotations

from splgbench.testing.relations import contracts, frontier, fund, fund_path, savings, value, variants
from splgbench.testing.relations.agreement import AGREEMENT
from splgbench.testing.relations.base import Relation
from splgbench.testing.relations.bounds import BOUNDS
from splgbench.testing.relations.invariance import INVARIANCE
from splgbench.testing.relations.monotonicity import MONOTONICITY
from splgbench.testing.relations.overrides import OVERRIDES
from splgbench.testing.relations.repetition import REPETITION
from splgbench.testing.relations.tools import TOOLS

RELATIONS: dict[str, Relation] = {
    relation.name: relation for relation in (*AGREEMENT, *BOUNDS, *MONOTONICITY, *INVARIANCE, *OVERRIDES, *REPETITION)
}
"""What every method must satisfy."""

RELATIONS_BY_VARIANT = {
    name: relations
    for module in (variants, contracts, savings, value, frontier, fund, fund_path)
    for name, relations in module.BY_VARIANT.items()
}
"""Those of variants, by the extension that they are about or several that meet, and of value, frontier and fund."""

VARIANT_RELATIONS: dict[str, Relation] = {
    relation.name: relation for relations in RELATIONS_BY_VARIANT.values() for relation in relations
}
"""What methods, checker and polish must satisfy on instances with extensions, and what valuations, frontiers,
accounts and fundings must (`Relation.subject`)."""

TOOL_RELATIONS: dict[str, Relation] = {relation.name: relation for relation in TOOLS}
"""What the checker and the polish must satisfy."""

__all__ = ["RELATIONS", "RELATIONS_BY_VARIANT", "TOOL_RELATIONS", "VARIANT_RELATIONS", "Relation"]
