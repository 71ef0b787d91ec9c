"""Links between mandates: a requirement r of offer k asks for one mandate of its member set S_r."""

from __future__ import annotations

import numpy as np

from splgbench.instance import IntArray
from splgbench.model import FloatArray, ModelBuilder
from splgbench.offers import Offers
from splgbench.rows.thresholds import global_m


def links_on_volumes_global(model: ModelBuilder, offers: Offers) -> None:
    """x_k <= M sum of y_q over S_r, with one M = max B (the source's rows)."""
    size = np.full(offers.links.count, float(global_m(offers)))
    _add(model, offers, "link", model.x[offers.links.offer], size)


def links_on_volumes(model: ModelBuilder, offers: Offers) -> None:
    """x_k <= U_k sum of y_q over S_r."""
    size = offers.largest[offers.links.offer].astype(np.float64)
    _add(model, offers, "link", model.x[offers.links.offer], size)


def links_on_mandates(model: ModelBuilder, offers: Offers) -> None:
    """y_k <= sum of y_q over S_r."""
    _add(model, offers, "link", model.y[offers.links.offer], np.ones(offers.links.count))


def _add(model: ModelBuilder, offers: Offers, family: str, own: IntArray, size: FloatArray) -> None:
    """Rows own - size * (sum of y over the members) <= 0: the own column first, then the members."""
    links = offers.links
    lengths = np.diff(links.start)
    start = links.start + np.arange(links.count + 1)
    columns = np.empty(start[-1], dtype=np.int64)
    values = np.empty(start[-1], dtype=np.float64)
    first = np.zeros(start[-1], dtype=np.bool_)
    first[start[:-1]] = True
    columns[first], columns[~first] = own, model.y[links.member]
    values[first], values[~first] = 1.0, -np.repeat(size, lengths)
    model.add_rows(family, start, columns, values, upper=0.0, of="offer", keys=links.offer)


def indicator_links(model: ModelBuilder, offers: Offers) -> None:
    """y_k = 1 implies sum of y_q over S_r >= 1; y_k <= 0 where S_r is empty.

    A condition on a row without entries is legal, but writers of model files lose it.
    """
    links = offers.links
    lengths = np.diff(links.start)
    some = lengths > 0
    owner, alone = links.offer[some], links.offer[~some]
    start = np.concatenate(([0], np.cumsum(lengths[some]))).astype(np.int64)
    rows = model.add_rows("link", start, model.y[links.member], 1.0, lower=1.0, of="offer", keys=owner)
    model.only_if(rows, model.y[owner], 1)
    single = np.arange(len(alone) + 1, dtype=np.int64)
    model.add_rows("link_unmet", single, model.y[alone], 1.0, upper=0.0, of="offer", keys=alone)
