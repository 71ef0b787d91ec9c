"""What a mutant is, and how a formulation is made wrong at one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from splgbench import registry
from splgbench.backends.base import Backend
from splgbench.formulation import Formulation
from splgbench.instance import Instance
from splgbench.methods import Direct
from splgbench.model import MipModel, ModelBuilder
from splgbench.offers import Offers, plain_offers
from splgbench.presolve import presolve
from splgbench.rows import RowFamily

KINDS = ("formulation", "backend", "decomposition", "checker", "polish")
KINDS_OF_VALUE = ("valuation", "frontier", "account", "funding")
"""Kinds of mutants that are no part of a solve: `splgbench.testing.relations` has a module for each."""

Misread = Callable[[Instance], Instance]
"""An instance as a mutant reads it: the same offers in the same order under other data."""


@dataclass(frozen=True)
class Mutant:
    """A deliberately wrong subject of the battery.

    Parameters
    ----------
    name : unique.
    kind : one of `KINDS` or `KINDS_OF_VALUE`.
    what_is_wrong : one clause, for tables.
    make : the subject: a `Method`, a checker, a polish, ... A fresh one for every examination, as some keep state.
    """

    name: str
    kind: str
    what_is_wrong: str
    make: Callable[[], Any]


def unchanged(anything: Any) -> Any:
    """The identity."""
    return anything


@dataclass
class WrongFormulation:
    """A formulation that goes astray at one stage of its building.

    Parameters
    ----------
    right : the formulation it departs from.
    reads : the instance as it reads it.
    sees : the offers as it sees them, after presolve where there is one.
    rows : row families put in the place of right ones; None leaves the family out.
    writes : the model as it writes it.
    claims : formulations it declares itself as strong as, besides those of `right`.
    """

    right: Formulation
    reads: Misread = unchanged
    sees: Callable[[Any], Offers] = unchanged
    rows: Mapping[RowFamily, RowFamily | None] = field(default_factory=dict)
    writes: Callable[[MipModel], MipModel] = unchanged
    claims: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.needs = self.right.needs
        self.at_least_as_strong_as = (*self.right.at_least_as_strong_as, *self.claims)

    def unavailable(self) -> str | None:
        return None

    def build(self, instance: Instance, backend: str | None = None, without: Iterable[str] = ()) -> MipModel:
        """As `Formulation.build`, except for what is wrong."""
        read = self.reads(instance)
        offers = self.sees(presolve(read) if self.right.presolved else plain_offers(read))
        model = ModelBuilder(instance.n_offers)
        left_out = self.right.left_out.get(backend or "", ())
        for family in self.right.rows:
            taken = self.rows.get(family, family)
            if taken is not None and family not in left_out and family.__name__ not in set(without):
                taken(model, offers)
        return self.writes(model.finish())


def wrong_formulation(
    name: str, right: str, what_is_wrong: str, *, backend: str = "highs", presolve: bool = True, **stages: Any
) -> Mutant:
    """A mutant of the formulation `right` on a backend.

    Parameters
    ----------
    presolve : whether the solver's own presolve runs.
    stages : see `WrongFormulation`.
    """

    def make() -> Direct:
        wrong = WrongFormulation(registry.find("formulations", right), **stages)
        options = {} if presolve else {"presolve": "off"}
        return Direct.with_options(name, wrong, registry.find("backends", backend), options)

    return Mutant(name, "formulation", f"{right}: {what_is_wrong}", make)


def wrong_backend(
    name: str,
    formulation: str,
    what_is_wrong: str,
    make_backend: Callable[[Backend], Backend],
) -> Mutant:
    """A mutant of the HiGHS backend under a right formulation."""

    def make() -> Direct:
        right = registry.find("formulations", formulation)
        return Direct(name, right, make_backend(registry.find("backends", "highs")))

    return Mutant(name, "backend", what_is_wrong, make)
