"""Forgets that an any-link needs a *granted* group: one that is offered is enough for it."""

import numpy as np

from splgbench.formulation import Formulation
from splgbench.rows.columns import mandates, volumes
from splgbench.rows.supply import area_capacity, demand
from splgbench.rows.thresholds import big_m_tight


def links_on_offers(model, offers):
    links = offers.links
    lengths = np.diff(links.start)
    single = np.flatnonzero((lengths == 1) & links.clause_is_all)
    model.add_pair_rows(
        "link", model.y[links.offer[single]], 1.0, model.y[links.member[links.start[single]]], -1.0, upper=0.0
    )
    alone = links.offer[lengths == 0]
    model.add_rows("link_unmet", np.arange(len(alone) + 1), model.y[alone], 1.0, upper=0.0)


forgetful = Formulation(rows=(volumes, mandates, demand, area_capacity, big_m_tight, links_on_offers))
