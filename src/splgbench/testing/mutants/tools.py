"""Wrong checkers and wrong polishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from splgbench.allocation import Allocation
from splgbench.checker import Verdict, Violation, check
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.polish import Polished, polish
from splgbench.testing.mutants import misreadings as read
from splgbench.testing.mutants.base import Misread, Mutant
from splgbench.volumes import fixings, largest_volumes, pairs, thresholds

Checks = Callable[[Instance, Any], Verdict]
Polishes = Callable[[Instance, BoolArray], Polished]


def forgives(forgiven: Callable[[Violation], bool]) -> Checks:
    """A checker that overlooks some violations."""

    def wrong(instance: Instance, cases: Any) -> Verdict:
        verdict = check(instance, cases)
        return replace(verdict, violations=tuple(v for v in verdict.violations if not forgiven(v)))

    return wrong


def forgives_rule(rule: str, up_to: float = float("inf")) -> Checks:
    """A checker that overlooks violations of a rule by at most `up_to` cases."""
    return forgives(lambda violation: violation.rule == rule and violation.amount <= up_to)


def checks_misread(reads: Misread) -> Checks:
    """A checker that misreads the instance."""
    return lambda instance, cases: check(reads(instance), cases)


def accuses_the_last_case(instance: Instance, cases: dict[tuple[str, str], int]) -> Verdict:
    """Reads (demand) as <, not <=."""
    verdict = check(instance, cases)
    given = np.zeros(instance.n_cells, dtype=np.int64)
    for pair, x in cases.items():
        given[instance.offer_cell[instance.offer_index[pair]]] += x
    full = np.flatnonzero((given > 0) & (given == instance.demand))
    accused = tuple(Violation("demand", None, None, 1, f"{instance.cell_name(int(c))} is full") for c in full)
    return replace(verdict, violations=verdict.violations + accused)


def counts_mandates(instance: Instance, cases: Any) -> Verdict:
    """Values an allocation one case at a time: each mandate counts once."""
    verdict = check(instance, cases)
    given = cases.cases if isinstance(cases, Allocation) else cases
    worth = sum(int(instance.utility[instance.offer_index[pair]]) for pair, x in given.items() if x)
    return replace(verdict, objective=worth)


def polishes_misread(reads: Misread) -> Polishes:
    """A polish that misreads the instance, and values what it finds rightly."""

    def wrong(instance: Instance, mandates: BoolArray) -> Polished:
        polished = polish(reads(instance), mandates)
        if polished.volumes is None:
            return polished
        return replace(polished, objective=int(polished.volumes @ instance.utility))

    return wrong


def _raised(instance: Instance, mandates: BoolArray, order: IntArray) -> Polished:
    """Least volumes, raised one offer after the other as far as offers, cells and hospital-areas allow."""
    right = polish(instance, mandates)
    if right.volumes is None:
        return right
    fixed, pair, cell = fixings(instance).cases, pairs(instance), instance.offer_cell
    held = right.volumes > 0
    volumes = np.where(held, np.where(fixed > 0, fixed, thresholds(instance)), 0)
    room = np.where(held, np.where(fixed > 0, fixed, largest_volumes(instance)), 0) - volumes
    cell_left, pair_left = instance.demand.copy(), pair.capacity.copy()
    np.subtract.at(cell_left, cell, volumes)
    np.subtract.at(pair_left, pair.of_offer, volumes)
    for k in order.tolist():
        given = min(room[k], cell_left[cell[k]], pair_left[pair.of_offer[k]] if instance.limits_areas else room[k])
        volumes[k] += given
        cell_left[cell[k]] -= given
        pair_left[pair.of_offer[k]] -= given
    return Polished(volumes, int(volumes @ instance.utility))


def greedy(instance: Instance, mandates: BoolArray) -> Polished:
    """The most useful offers first in place of a flow: wrong where area capacity joins the cells."""
    return _raised(instance, mandates, np.argsort(-instance.utility, kind="stable"))


def first_come(instance: Instance, mandates: BoolArray) -> Polished:
    """Offers are filled in their order."""
    return _raised(instance, mandates, np.arange(instance.n_offers))


def least(instance: Instance, mandates: BoolArray) -> Polished:
    """Every mandate stays at its least volume."""
    return _raised(instance, mandates, np.arange(0))


def in_tens(instance: Instance, mandates: BoolArray) -> Polished:
    """The value is rounded to tens."""
    right = polish(instance, mandates)
    return right if right.objective is None else replace(right, objective=round(right.objective, -1))


def last_case_lost(instance: Instance, mandates: BoolArray) -> Polished:
    """The last mandate gets one case less, as a float that was cut off would."""
    right = polish(instance, mandates)
    if right.volumes is None or not right.volumes.any():
        return right
    volumes = right.volumes.copy()
    volumes[np.flatnonzero(volumes)[-1]] -= 1
    return Polished(volumes, int(volumes @ instance.utility))


def empty_where_impossible(instance: Instance, mandates: BoolArray) -> Polished:
    """Mandates that admit no allocation give the empty one."""
    right = polish(instance, mandates)
    return right if right.volumes is not None else Polished(np.zeros(instance.n_offers, dtype=np.int64), 0)


def _checker(name: str, what_is_wrong: str, wrong: Checks) -> Mutant:
    return Mutant(name, "checker", what_is_wrong, lambda: wrong)


def _polish(name: str, what_is_wrong: str, wrong: Polishes) -> Mutant:
    return Mutant(name, "polish", what_is_wrong, lambda: wrong)


TOOL_MUTANTS = (
    _checker("check-no-demand", "ignores demand", forgives_rule("demand")),
    _checker("check-demand-one-over", "lets one case too many of a cell pass", forgives_rule("demand", 1)),
    _checker("check-demand-strict", "wants demand not to be met", accuses_the_last_case),
    _checker("check-no-capacity", "ignores group capacity", forgives_rule("capacity")),
    _checker("check-no-area-capacity", "ignores area capacity", forgives_rule("area_capacity")),
    _checker(
        "check-threshold-one-low", "lets a mandate one case below its threshold pass", forgives_rule("threshold", 1)
    ),
    _checker("check-no-threshold", "ignores thresholds", forgives_rule("threshold")),
    _checker("check-no-share", "ignores minimum shares", checks_misread(read.no_minimum_share)),
    _checker("check-no-links", "ignores links", forgives_rule("link")),
    _checker("check-any-as-all", "asks for all members of an any-clause", checks_misread(read.any_as_all)),
    _checker("check-all-as-any", "is content with one member of an all-clause", checks_misread(read.all_as_any)),
    _checker(
        "check-scope-ignored", "lets partners meet in-house links", checks_misread(read.everything_by_cooperation)
    ),
    _checker("check-no-cooperation", "lets no partner meet a link", checks_misread(read.everything_in_house)),
    _checker(
        "check-no-links-exemption", "ignores exemptions from links", checks_misread(read.no_exemption_from("links"))
    ),
    _checker(
        "check-no-threshold-exemption",
        "ignores exemptions from thresholds",
        checks_misread(read.no_exemption_from("threshold")),
    ),
    _checker("check-no-overrides", "ignores grants, refusals and fixes", forgives_rule("override")),
    _checker("check-fix-as-grant", "takes a fix as a grant", checks_misread(read.fix_as_grant)),
    _checker("check-capacity-in-area", "applies group capacity in mode area", checks_misread(read.modes(area="both"))),
    _checker(
        "check-unstated-pair-closed", "takes an unstated area capacity as 0", checks_misread(read.unstated_pairs_closed)
    ),
    _checker("check-one-region", "adds up the demand of regions", checks_misread(read.one_region)),
    _checker("check-counts-mandates", "values each mandate as one case", counts_mandates),
    _polish("polish-greedy", "fills the most useful offers first, not by a flow", greedy),
    _polish("polish-first-come", "fills offers in their order", first_come),
    _polish("polish-least", "leaves every mandate at its least volume", least),
    _polish("polish-in-tens", "rounds the value", in_tens),
    _polish("polish-case-lost", "loses a case", last_case_lost),
    _polish("polish-empty", "gives the empty allocation where there is none", empty_where_impossible),
    _polish(
        "polish-no-area-capacity", "ignores area capacity", polishes_misread(read.modes(area="none", both="group"))
    ),
    _polish("polish-no-fix", "ignores fixed volumes", polishes_misread(read.no_override("fix"))),
    _polish("polish-no-refuse", "ignores refusals", polishes_misread(read.no_override("refuse"))),
    _polish("polish-no-links", "gives volumes to mandates that break a link", polishes_misread(read.no_links)),
    _polish("polish-no-minimum", "ignores minimum cases", polishes_misread(read.no_minimum_cases)),
    _polish(
        "polish-no-threshold-exemption",
        "ignores exemptions from thresholds",
        polishes_misread(read.no_exemption_from("threshold")),
    ),
    _polish("polish-one-region", "adds up the demand of regions", polishes_misread(read.one_region)),
)
"""Wrong checkers and polishes."""
