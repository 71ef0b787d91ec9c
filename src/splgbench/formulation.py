"""A formulation: a record of independent choices, each a row family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from splgbench.capabilities import Capability
from splgbench.errors import UnsupportedError
from splgbench.instance import Instance
from splgbench.model import MipModel, ModelBuilder
from splgbench.offers import Offers, plain_offers
from splgbench.presolve import presolve
from splgbench.rows import RowFamily


@runtime_checkable
class BuildsModels(Protocol):
    """What the engine asks of a formulation."""

    needs: frozenset[Capability]
    at_least_as_strong_as: tuple[str, ...]

    def unavailable(self) -> str | None:
        """Why it cannot be built here (a package that is missing), or None."""

    def build(self, instance: Instance, backend: str | None = None, without: Iterable[str] = ()) -> MipModel:
        """The model of `instance`, with the rows that suit `backend`."""


@dataclass(frozen=True)
class Formulation:
    """Row families in the order they are appended.

    Parameters
    ----------
    rows : the choices; see `splgbench.rows`.
    needs : what a backend must be able to take.
    at_least_as_strong_as : formulations whose LP bound is never below this one's.
    presolved : whether the presolve stage runs first.
    left_out : row families that a backend is better off without, by backend name.
    """

    rows: tuple[RowFamily, ...]
    needs: frozenset[Capability] = frozenset()
    at_least_as_strong_as: tuple[str, ...] = ()
    presolved: bool = False
    left_out: Mapping[str, tuple[RowFamily, ...]] = field(default_factory=dict)

    def unavailable(self) -> str | None:
        return None

    def build(self, instance: Instance, backend: str | None = None, without: Iterable[str] = ()) -> MipModel:
        """Append every family to a fresh builder.

        Parameters
        ----------
        backend : leave out the families that hurt this backend.
        without : further families to leave out, by function name (for studies of a family's worth).

        Raises
        ------
        InfeasibleError
            Presolve finds that the overrides cannot all hold.
        UnsupportedError
            `without` names a family that is not there.
        """
        names = set(without)
        unknown = names - {family.__name__ for family in self.rows}
        if unknown:
            has = ", ".join(family.__name__ for family in self.rows)
            raise UnsupportedError(f"no row family {', '.join(sorted(unknown))} here; it has {has}")
        offers: Offers = presolve(instance) if self.presolved else plain_offers(instance)
        model = ModelBuilder(instance.n_offers)
        left_out = self.left_out.get(backend or "", ())
        for family in self.rows:
            if family not in left_out and family.__name__ not in names:
                family(model, offers)
        return model.finish()
