"""Columns: volumes x_k and mandates y_k."""

from __future__ import annotations

import numpy as np

from splgbench.model import ModelBuilder
from splgbench.offers import Offers


def volumes(model: ModelBuilder, offers: Offers) -> None:
    """x_k in [0, K_k] (modes group, both), else [0, B_c]; a fix holds x_k, a refusal holds 0.

    B_c is implied by the demand row. It is stated because HiGHS 1.11 to 1.15 with presolve off answers some models
    with open columns wrongly.
    """
    instance = offers.instance
    upper = instance.capacity if instance.limits_groups else instance.demand[instance.offer_cell]
    _add_volumes(model, offers, upper.astype(np.float64))


def tight_volumes(model: ModelBuilder, offers: Offers) -> None:
    """x_k in [0, U_k] with U_k the largest volume of the offer."""
    _add_volumes(model, offers, offers.largest.astype(np.float64))


def _add_volumes(model: ModelBuilder, offers: Offers, upper: np.ndarray) -> None:
    k = np.flatnonzero(offers.live)
    held = offers.fixed[k] >= 0
    high = np.where(offers.refused[k], 0, upper[k])
    high = np.where(held, offers.fixed[k], high)
    model.x[k] = model.add_columns(
        "x",
        len(k),
        lower=np.where(held, offers.fixed[k], 0),
        upper=high,
        objective=offers.instance.utility[k],
        of="offer",
        keys=k,
    )


def mandates(model: ModelBuilder, offers: Offers) -> None:
    """y_k in {0, 1} for every live offer; grants and refusals fix it."""
    k = np.flatnonzero(offers.live)
    model.y[k] = model.add_columns(
        "y",
        len(k),
        lower=offers.granted[k].astype(np.float64),
        upper=(~offers.refused[k]).astype(np.float64),
        integer=True,
        of="offer",
        keys=k,
    )


def semicontinuous_volumes(model: ModelBuilder, offers: Offers) -> None:
    """x_k = 0 or t_k <= x_k <= U_k as a semicontinuous column.

    An offer that is granted is simply continuous above its threshold; one that is refused or whose threshold
    exceeds U_k is fixed at 0.
    """
    live = offers.live
    can = live & ~offers.refused & (offers.threshold <= offers.largest)
    must = live & offers.granted
    free = np.flatnonzero(can & ~must)
    held = np.flatnonzero(must)
    none = np.flatnonzero(live & ~can & ~must)
    utility = offers.instance.utility
    model.x[free] = model.add_columns(
        "x",
        len(free),
        lower=offers.threshold[free],
        upper=offers.largest[free],
        objective=utility[free],
        semicontinuous=True,
        of="offer",
        keys=free,
    )
    fixed = offers.fixed[held] >= 0
    model.x[held] = model.add_columns(
        "x_granted",
        len(held),
        lower=np.where(fixed, offers.fixed[held], offers.threshold[held]),
        upper=np.where(fixed, offers.fixed[held], np.maximum(offers.largest[held], 0)),
        objective=utility[held],
        of="offer",
        keys=held,
    )
    model.x[none] = model.add_columns("x_refused", len(none), upper=0.0, objective=utility[none], of="offer", keys=none)


def mandates_that_links_need(model: ModelBuilder, offers: Offers) -> None:
    """y_q in {0, 1} with t_q y_q <= x_q, only for offers that some requirement names as a member."""
    needed = np.zeros(offers.instance.n_offers, dtype=np.bool_)
    needed[offers.links.member] = True
    k = np.flatnonzero(needed & offers.live)
    model.y[k] = model.add_columns(
        "y", len(k), upper=(~offers.refused[k]).astype(np.float64), integer=True, of="offer", keys=k
    )
    model.add_pair_rows(
        "granted_needs_threshold", model.x[k], 1.0, model.y[k], -offers.threshold[k], lower=0.0, of="offer", keys=k
    )
