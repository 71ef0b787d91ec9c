"""How volume is tied to the mandate: x_k = 0 or t_k <= x_k <= U_k."""

from __future__ import annotations

import numpy as np

from splgbench.model import ModelBuilder
from splgbench.offers import Offers
from splgbench.volumes import exempt_from, minimum_share_cases


def global_m(offers: Offers) -> int:
    """One M for all offers: the largest demand of a cell."""
    return int(offers.instance.demand.max(initial=1))


def big_m_global(model: ModelBuilder, offers: Offers) -> None:
    """x_k <= M y_k with M = max B; m_g y_k <= x_k and ceil(v_g B_c) y_k <= x_k as two rows.

    Source: the Basel model's rows for minimum cases and minimum share, with whole numbers for the fractional
    share and at least one case for every mandate.
    """
    instance = offers.instance
    k = np.flatnonzero(offers.live)
    model.add_pair_rows(
        "volume_needs_mandate", model.x[k], 1.0, model.y[k], -float(global_m(offers)), upper=0.0, of="offer", keys=k
    )
    exempt = exempt_from(instance, "threshold")
    cases = np.where(exempt, 1, np.maximum(instance.minimum_cases[instance.offer_group], 1))
    model.add_pair_rows("minimum_cases", model.x[k], 1.0, model.y[k], -cases[k], lower=0.0, of="offer", keys=k)
    share = minimum_share_cases(instance)
    k = np.flatnonzero(offers.live & ~exempt & (share > 0))
    model.add_pair_rows("minimum_share", model.x[k], 1.0, model.y[k], -share[k], lower=0.0, of="offer", keys=k)


def big_m_tight(model: ModelBuilder, offers: Offers) -> None:
    """t_k y_k <= x_k <= U_k y_k."""
    k = np.flatnonzero(offers.live)
    model.add_pair_rows(
        "volume_needs_mandate", model.x[k], 1.0, model.y[k], -offers.largest[k], upper=0.0, of="offer", keys=k
    )
    model.add_pair_rows("threshold", model.x[k], 1.0, model.y[k], -offers.threshold[k], lower=0.0, of="offer", keys=k)


def indicator_thresholds(model: ModelBuilder, offers: Offers) -> None:
    """y_k = 0 implies x_k <= 0; y_k = 1 implies x_k >= t_k."""
    k = np.flatnonzero(offers.live)
    start = np.arange(len(k) + 1, dtype=np.int64)
    closed = model.add_rows("closed_without_mandate", start, model.x[k], 1.0, upper=0.0, of="offer", keys=k)
    model.only_if(closed, model.y[k], 0)
    held = model.add_rows("threshold", start, model.x[k], 1.0, lower=offers.threshold[k], of="offer", keys=k)
    model.only_if(held, model.y[k], 1)
