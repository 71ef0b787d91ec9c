"""Deliberately wrong formulations, backends, decompositions, checkers and polishes, by name.

The battery must refute every one of them (docs/mutants.md has the table): a relation that refutes nothing protects
nothing. Each mutant departs from a right subject at one place.
"""

from __future__ import annotations

from splgbench.testing.mutants import contracts, frontier, fund, priced_out, savings, value, variants
from splgbench.testing.mutants.backends import BACKEND_MUTANTS
from splgbench.testing.mutants.base import KINDS, KINDS_OF_VALUE, Mutant
from splgbench.testing.mutants.decompositions import DECOMPOSITION_MUTANTS
from splgbench.testing.mutants.formulations import FORMULATION_MUTANTS
from splgbench.testing.mutants.strengthened import STRENGTHENED_MUTANTS
from splgbench.testing.mutants.tools import TOOL_MUTANTS
from splgbench.testing.relations import RELATIONS, RELATIONS_BY_VARIANT, TOOL_RELATIONS, Relation

MUTANTS: dict[str, Mutant] = {
    mutant.name: mutant
    for mutant in (
        *FORMULATION_MUTANTS,
        *STRENGTHENED_MUTANTS,
        *BACKEND_MUTANTS,
        *DECOMPOSITION_MUTANTS,
        *TOOL_MUTANTS,
    )
}
"""Every mutant, in the order of the table."""

_BY_VARIANT: dict[str, list[Mutant]] = {}
for _module in (variants, contracts, priced_out, savings, value, frontier, fund):
    for _variant, _mutants in _module.BY_VARIANT.items():
        _BY_VARIANT.setdefault(_variant, []).extend(_mutants)

VARIANT_MUTANTS: dict[str, Mutant] = {mutant.name: mutant for mutants in _BY_VARIANT.values() for mutant in mutants}
"""Those that are wrong of extensions, value, frontier and fund; `VARIANT_RELATIONS` refute them."""


def relations_for(mutant: Mutant) -> list[Relation]:
    """What the mutant is put to, in registry order."""
    every = [*RELATIONS.values(), *TOOL_RELATIONS.values()]
    for variant, mutants in _BY_VARIANT.items():
        if mutant.name in {other.name for other in mutants}:
            every = list(RELATIONS_BY_VARIANT[variant])
    subject = mutant.kind if mutant.kind in ("checker", "polish", *KINDS_OF_VALUE) else "method"
    return [relation for relation in every if relation.subject == subject]


__all__ = ["KINDS", "KINDS_OF_VALUE", "MUTANTS", "VARIANT_MUTANTS", "Mutant", "relations_for"]
