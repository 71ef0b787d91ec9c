"""Clocks of what every method stands on: reading, checking, polishing, hashing, presolve and pricing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .cases import INSTANCES
from .workbench import Workbench, instance, skipped


def feasible_mandates(data: Any) -> Any:
    """Mandates of a feasible allocation, shape (K,).

    Offers by falling largest volume, as far as thresholds fit into demand and area capacity; then whatever lacks a link
    goes, until nothing does. No method has a hand in it, so that every version judges the same mandates.
    """
    from splgbench.offers import plain_offers

    offers = plain_offers(data)
    threshold, cell, pair = offers.threshold.tolist(), data.offer_cell.tolist(), offers.pairs.of_offer.tolist()
    demand, room = data.demand.tolist(), offers.pairs.capacity.tolist()
    mandates = np.zeros(data.n_offers, dtype=np.bool_)
    for k in np.argsort(-offers.largest, kind="stable").tolist():
        if threshold[k] <= min(int(offers.largest[k]), demand[cell[k]], room[pair[k]]):
            mandates[k] = True
            demand[cell[k]] -= threshold[k]
            room[pair[k]] -= threshold[k]
    links = offers.links
    while True:
        met = np.bincount(links.of_member, mandates[links.member], links.count) > 0
        lacking = links.offer[mandates[links.offer] & ~met]
        if not len(lacking):
            return mandates
        mandates[lacking] = False


class Reading(Workbench):
    """From files to an instance."""

    params = (INSTANCES,)
    param_names = ("instance",)

    def setup(self, name: str) -> None:
        from splgbench.package import write_package

        self.instance = instance(name)
        self.folder = Path(f"package-{name}").absolute()
        if not self.folder.exists():
            write_package(self.instance, self.folder)
        self.tables = self.instance.to_tables()

    def time_load(self, _name: str) -> None:
        from splgbench.package import read_package

        read_package(self.folder)

    def time_validate(self, _name: str) -> None:
        from splgbench.instance import Instance

        Instance.from_tables(
            **self.tables, capacity_mode=self.instance.capacity_mode, utility_scale=self.instance.utility_scale
        )

    def time_hash(self, _name: str) -> None:
        from splgbench.hashing import instance_hash

        instance_hash(self.instance)

    def peakmem_load(self, _name: str) -> None:
        from splgbench.package import read_package

        read_package(self.folder)


class Judging(Workbench):
    """From mandates to a judged allocation."""

    params = (INSTANCES,)
    param_names = ("instance",)

    def setup(self, name: str) -> None:
        from splgbench.polish import polish

        self.instance = instance(name)
        self.mandates = feasible_mandates(self.instance)
        self.volumes = polish(self.instance, self.mandates).volumes

    def time_polish(self, _name: str) -> None:
        from splgbench.polish import polish

        polish(self.instance, self.mandates)

    def time_check(self, _name: str) -> None:
        from splgbench.checker import check

        check(self.instance, self.volumes)


class Preparing(Workbench):
    """Presolve, and one round of exact pricing by hospital."""

    params = (INSTANCES,)
    param_names = ("instance",)

    def setup(self, name: str) -> None:
        from splgbench.presolve import presolve

        try:
            from splgbench.decomposition.partition import partition
            from splgbench.decomposition.relaxation import HospitalRelaxation
        except ModuleNotFoundError as reason:
            raise skipped(str(reason)) from None
        self.instance = instance(name)
        offers = presolve(self.instance)
        self.relaxation = HospitalRelaxation(offers, partition(offers, "hospital"))
        self.multipliers = self.relaxation.first_multipliers()
        self.relaxation.evaluate(self.multipliers)

    def time_presolve(self, _name: str) -> None:
        from splgbench.presolve import presolve

        presolve(self.instance)

    def time_pricing(self, _name: str) -> None:
        self.relaxation.evaluate(self.multipliers)
