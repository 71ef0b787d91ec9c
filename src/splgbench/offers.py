"""What row families need to know of the offers: thresholds, largest volumes, requirements, what is fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.requirements import Requirements, requirements
from splgbench.volumes import Pairs, fixings, largest_volumes, pairs, thresholds


@dataclass(frozen=True)
class Offers:
    """The offers of an instance as a formulation sees them.

    Parameters
    ----------
    instance : where they come from.
    live : shape (K,), offers that get columns.
    granted, refused : shape (K,), mandates that must or must not stand.
    fixed : shape (K,), fixed cases, -1 where free.
    threshold : shape (K,), t_k.
    largest : shape (K,), an upper bound of x_k: U_k, or less where presolve found it.
    pairs : hospital-area pairs with Q_{h,a}.
    links : requirements between offers; members that are not live are gone.
    """

    instance: Instance
    live: BoolArray
    granted: BoolArray
    refused: BoolArray
    fixed: IntArray
    threshold: IntArray
    largest: IntArray
    pairs: Pairs
    links: Requirements


def plain_offers(instance: Instance) -> Offers:
    """All offers as the instance states them, without presolve."""
    fix = fixings(instance)
    return Offers(
        instance=instance,
        live=np.ones(instance.n_offers, dtype=np.bool_),
        granted=fix.granted,
        refused=fix.refused,
        fixed=fix.cases,
        threshold=thresholds(instance),
        largest=largest_volumes(instance),
        pairs=pairs(instance),
        links=requirements(instance),
    )
