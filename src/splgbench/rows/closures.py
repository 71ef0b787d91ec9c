"""Closure cuts: what needs a mandate shares one area capacity under it (modes area and both)."""

from __future__ import annotations

import numpy as np

from splgbench.model import ModelBuilder
from splgbench.offers import Offers
from splgbench.presolve import Presolved


def closure_cuts(model: ModelBuilder, offers: Offers) -> None:
    """sum of x_k over the offers of area a that need q <= Q_{h,a} y_q; x_q itself joins where q lies in a.

    Valid because every x_k in the sum is 0 when y_q = 0. One row for each offer q and hospital-area in which
    at least two offers (q included) meet.
    """
    if not offers.instance.limits_areas or not isinstance(offers, Presolved):
        return
    pair, n_pairs = offers.pairs.of_offer, max(1, len(offers.pairs.capacity))
    entries = offers.closure.tocoo()
    k, q = entries.row.astype(np.int64), entries.col.astype(np.int64)
    kept = offers.live[k] & offers.live[q]
    k, q = k[kept], q[kept]
    own = np.unique(q[pair[q] == pair[k]])
    k, q = np.concatenate((k, own)), np.concatenate((q, own))
    codes, row_of, members = np.unique(q * n_pairs + pair[k], return_inverse=True, return_counts=True)
    bites = members >= 2
    number = np.cumsum(bites) - 1
    inside = bites[row_of]
    head, where = codes[bites] // n_pairs, codes[bites] % n_pairs
    n_rows = len(head)
    model.add_sum_rows(
        "closure_cut",
        np.concatenate((number[row_of[inside]], np.arange(n_rows))),
        np.concatenate((model.x[k[inside]], model.y[head])),
        np.concatenate((np.ones(int(inside.sum())), -offers.pairs.capacity[where].astype(np.float64))),
        n_rows=n_rows,
        upper=0.0,
        of="offer",
        keys=head,
    )


def shared_link_cuts(model: ModelBuilder, offers: Offers) -> None:
    """sum of x_k over the offers of area a with the same requirement S <= Q_{h,a} sum of y_q over S.

    The closure cut's twin for requirements with several live members.
    """
    if not offers.instance.limits_areas:
        return
    links = offers.links
    lengths = np.diff(links.start)
    groups: dict[tuple[int, bytes], list[int]] = {}
    for r in np.flatnonzero(lengths >= 2).tolist():
        members = links.member[links.start[r] : links.start[r + 1]]
        groups.setdefault((int(offers.pairs.of_offer[links.offer[r]]), members.tobytes()), []).append(r)
    row_of: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    keys: list[int] = []
    for (p, members_key), needing in groups.items():
        own = sorted({int(links.offer[r]) for r in needing})
        if len(own) < 2:
            continue
        members = np.frombuffer(members_key, dtype=np.int64)
        row = len(keys)
        keys.append(p)
        columns += [*model.x[own].tolist(), *model.y[members].tolist()]
        values += [1.0] * len(own) + [-float(offers.pairs.capacity[p])] * len(members)
        row_of += [row] * (len(own) + len(members))
    model.add_sum_rows(
        "shared_link_cut",
        np.array(row_of, dtype=np.int64),
        np.array(columns, dtype=np.int64),
        np.array(values),
        n_rows=len(keys),
        upper=0.0,
        of="pair",
        keys=np.array(keys, dtype=np.int64),
    )
